"""Label Studio's annotations, as its webhooks and exports have them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_shared.contracts.corrections import Correction, Entry, Reason, Unread, Withdrawal
from spanbridge_shared.corrections.label_studio import Shown, Task, read_annotation, withdrawal
from spanbridge_shared.corrections.store import decode, encode
from tests.support.label_studio_events import NAIROBI, RELATION, SAMIA, TEXT, annotation, copied, region
from tests.support.scripts import labelled_texts

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def task(text: str = TEXT, **more: Any) -> Task:
    shown = [Shown(frozenset({"text"}), "text", text)]
    return Task(**{"project": "1", "task": "4", "data": {"text": text}, "shown": shown, "now": NOW, **more})


def one(entries: list[Entry]) -> Any:
    (entry,) = entries
    return entry


def test_an_annotation_is_read() -> None:
    names = {"loc": "LOC"}
    of = task(lang="swh_Latn", renamed=lambda label: names.get(label, label), hashed=lambda who: f"#{who}")
    made = annotation(3, [NAIROBI, SAMIA, RELATION], prediction={"model_version": "spanbridge-x", "result": []})
    found = one(read_annotation(of, made))
    assert found == Correction(
        tool="label-studio", project="1", task="4", annotation="3", time=datetime(2026, 11, 23, 14, 7, 6, 296761, UTC),
        field="text", text=TEXT, lang="swh_Latn", others=[RELATION], annotator="#7", model_version="spanbridge-x",
        spans=[
            {"start": 10, "end": 15, "label": "PER", "tool_label": "PER", "region": "a"},
            {"start": 28, "end": 35, "label": "LOC", "tool_label": "loc", "region": "b"},
        ],
    )  # fmt: skip
    assert decode(encode(found)) == found


def test_without_anybodys_consent_nobody_is_named() -> None:
    found = one(read_annotation(task(), annotation(3, [SAMIA], completed_by={"id": 7, "email": "a@b.c"})))
    assert found.annotator == ""
    assert b"a@b.c" not in encode(found)


def test_no_entities_is_a_correction_and_a_skipped_task_is_none() -> None:
    assert one(read_annotation(task(), annotation(3, []))).spans == []
    skipped = one(read_annotation(task(), annotation(3, [], was_cancelled=True)))
    assert isinstance(skipped, Withdrawal)
    assert skipped.reason is Reason.SKIPPED
    # Label Studio's own documentation skips with an object for a result.
    assert isinstance(one(read_annotation(task(), annotation(3, {}, was_cancelled=True))), Withdrawal)


def test_copies_of_predictions_are_not_reviewed_until_somebody_opens_them() -> None:
    assert not one(read_annotation(task(), copied(3, [SAMIA]))).reviewed
    assert one(read_annotation(task(), annotation(3, [SAMIA], parent_prediction=1))).reviewed
    assert one(read_annotation(task(), copied(3, [SAMIA]) | {"updated_by": 7})).reviewed


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (None, "no list"),
        ([1], "no list"),
        ([SAMIA, region("c", 5, 12, "Rais Sa", "ORG")], "overlap"),
        ([region("c", 10, 15, "Samia", "PER", "ORG")], "overlap"),
        ([region("c", 10, 15, "Samia")], "no label"),
        ([region("c", 10, 99, "Samia", "PER")], "no span"),
        ([region("c", 15, 10, "Samia", "PER")], "no span"),
        ([{"type": "labels", "value": {"start": True, "end": 4, "labels": ["PER"]}, "to_name": "text"}], "no span"),
        ([{"type": "labels", "to_name": "text"}], "no span"),
        ([{"type": "labels", "to_name": ["text"]}], "something else"),
        ([region("c", 10, 15, "Samia", "PER", to_name="image")], "something else"),
        ([region("c", 11, 16, "Samia", "PER")], "not what the region says"),  # Offsets in UTF-16, say.
    ],
)
def test_what_cannot_be_read_is_kept_as_it_came(result: Any, told: str) -> None:
    made = annotation(3, result)
    found = one(read_annotation(task(), made))
    assert isinstance(found, Unread)
    assert told in found.error
    assert found.raw["data"] == {"text": TEXT}
    assert found.raw["annotation"]["result"] == result
    assert "completed_by" not in found.raw["annotation"]
    assert decode(encode(found)) == found


def test_an_annotation_that_is_none_is_kept_too() -> None:
    found = one(read_annotation(task(), "no"))
    assert isinstance(found, Unread)
    assert found.time == NOW


def test_line_ends_are_written_in_another_way() -> None:
    found = one(read_annotation(task("Rais\nSamia"), annotation(3, [region("a", 0, 10, "Rais\\nSamia", "PER")])))
    assert isinstance(found, Correction)


def test_each_text_of_a_task_is_a_correction() -> None:
    shown = [Shown(frozenset({"t", "again"}), "title", "Samia"), Shown(frozenset({"b"}), "body", "Nairobi Nairobi")]
    result = [region("x", 0, 5, "Samia", "PER", to_name="again"), region("y", 8, 15, "Nairobi", "LOC", to_name="b")]
    found = read_annotation(task(shown=shown), annotation(3, [*result, RELATION]))
    assert [(each.field, len(each.spans), len(each.others)) for each in found if isinstance(each, Correction)] == [
        ("title", 1, 1), ("body", 1, 0),
    ]  # fmt: skip


def test_a_project_for_something_else_has_no_empty_corrections() -> None:
    choice = {"type": "choices", "to_name": "text", "from_name": "c", "value": {"choices": ["a"]}}
    assert isinstance(one(read_annotation(task(is_for_labels=False), annotation(3, [choice]))), Unread)
    assert isinstance(one(read_annotation(task(), annotation(3, [choice]))), Correction)
    assert isinstance(one(read_annotation(task(is_for_labels=False), annotation(3, []))), Correction)


def test_a_time_that_is_none_is_now() -> None:
    assert one(read_annotation(task(), annotation(3, [], updated_at="soon"))).time == NOW
    assert one(read_annotation(task(), annotation(3, [], updated_at="2026-01-01T00:00:00"))).time == NOW


def test_a_deletion_names_an_annotation() -> None:
    found = withdrawal("1", {"id": 4}, NOW)
    assert found is not None
    assert (found.annotation, found.reason) == ("4", Reason.DELETED)
    assert [withdrawal("1", each, NOW) for each in ({}, None, {"id": True}, {"id": [1]})] == [None] * 4


@given(labelled_texts(["PER", "loc"]))
def test_offsets_are_code_points(drawn: tuple[str, list[tuple[int, int, str]]]) -> None:
    text, spans = drawn
    made = annotation(3, [region(str(n), s, e, text[s:e], label) for n, (s, e, label) in enumerate(spans)])
    found = one(read_annotation(task(text), made))
    assert isinstance(found, Correction)
    assert found.text == text
    assert [(each.start, each.end, each.tool_label) for each in found.spans] == spans


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(alphabet=st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_REGIONS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["labels", "relation"]), "to_name": st.just("text") | _JSON},
        optional={
            "id": _JSON,
            "value": _JSON | st.fixed_dictionaries({"start": _JSON, "end": _JSON, "labels": _JSON, "text": _JSON}),
        },
    ),
    max_size=3,
)


@given(
    _JSON
    | st.fixed_dictionaries(
        {},
        optional={
            "id": _JSON, "result": _JSON | _REGIONS, "was_cancelled": _JSON, "updated_at": _JSON, "prediction": _JSON,
            "completed_by": _JSON, "lead_time": _JSON, "parent_prediction": _JSON,
        },
    )
)  # fmt: skip
def test_whatever_comes_is_kept(made: Any) -> None:
    entries = read_annotation(task(hashed=str, is_for_labels=False), made)
    assert len(entries) == 1
    assert [decode(encode(each)) for each in entries] == entries
