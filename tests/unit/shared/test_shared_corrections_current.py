"""Which corrections count: versions, deletions, skipped tasks, several annotators."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_shared.contracts.corrections import Correction, Entry, Reason, Unread, Withdrawal
from spanbridge_shared.corrections.current import Annotations, Current, current


def at(minute: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


def made(annotation: str, minute: int, label: str = "PER", **more: Any) -> Correction:
    span = {"start": 0, "end": 1, "label": label, "tool_label": label}
    fields = {"tool": "t", "project": "p", "task": "1", "annotation": annotation, "text": "Samia", **more}
    return Correction.model_validate(fields | {"spans": [span], "time": at(minute)})


def ended(annotation: str, minute: int, reason: Reason) -> Withdrawal:
    return Withdrawal(tool="t", project="p", annotation=annotation, time=at(minute), reason=reason)


def unread(annotation: str, minute: int) -> Unread:
    return Unread(tool="t", project="p", task="1", annotation=annotation, time=at(minute), error="no", raw={})


def labels(found: Current) -> list[str]:
    return [each.spans[0].label for each in found.corrections]


def test_a_later_version_replaces_an_earlier_one_whenever_it_came() -> None:
    versions = [made("a", 1, "PER"), made("a", 3, "LOC"), made("a", 2, "ORG")]
    found = current(versions)
    assert (labels(found), found.replaced) == (["LOC"], 2)
    # Of two at the same time, the one that came last.
    assert labels(current([made("a", 1, "PER"), made("a", 1, "LOC")])) == ["LOC"]


def test_of_several_annotators_the_latest_counts_unless_all_are_wanted() -> None:
    entries = [made("a", 1, "PER"), made("b", 5, "LOC"), made("a", 3, "ORG")]
    found = current(entries)
    assert (labels(found), found.replaced, found.others) == (["LOC"], 1, 1)
    everybody = current(entries, Annotations.ALL)
    assert (labels(everybody), everybody.others) == (["ORG", "LOC"], 0)


def test_tasks_texts_fields_projects_and_tools_are_told_apart() -> None:
    different: list[dict[str, Any]] = [
        {}, {"task": "2"}, {"text": "Nairobi"}, {"field": "title"}, {"project": "q"}, {"tool": "u"},
    ]  # fmt: skip
    assert len(current([made("a", 1, **each) for each in different]).corrections) == len(different)


def test_a_deletion_is_final() -> None:
    found = current([ended("a", 0, Reason.DELETED), made("a", 1), made("b", 1, "LOC")])
    assert (labels(found), found.withdrawn) == (["LOC"], 1)
    # Another project's annotation of that number is another one.
    assert current([made("a", 1, project="q"), ended("a", 9, Reason.DELETED)]).withdrawn == 0


def test_a_deleted_annotation_gives_way_to_the_earlier_one_of_somebody_else() -> None:
    assert labels(current([made("a", 1, "PER"), made("b", 2, "LOC"), ended("b", 3, Reason.DELETED)])) == ["PER"]


def test_a_skipped_task_counts_until_it_is_annotated() -> None:
    entries: list[Entry] = [made("a", 1, "PER"), ended("a", 2, Reason.SKIPPED)]
    assert current(entries).withdrawn == 1
    assert labels(current([*entries, made("a", 3, "LOC")])) == ["LOC"]


def test_what_can_no_longer_be_read_no_longer_counts() -> None:
    entries: list[Entry] = [made("a", 1), unread("a", 2)]
    found = current(entries)
    assert (found.corrections, found.unread, found.withdrawn) == ((), (entries[1],), 1)
    again = current([*entries, made("a", 3, "LOC")])
    assert (labels(again), again.unread) == (["LOC"], ())
    assert current([unread("a", 2), ended("a", 3, Reason.DELETED)]).unread == ()


def test_predictions_that_nobody_looked_at_are_left_out() -> None:
    found = current([made("a", 1, "PER"), made("b", 2, "LOC", reviewed=False)])
    assert (labels(found), found.unreviewed, found.others) == (["PER"], 1, 0)
    assert "left out: 1 copied from predictions without anybody looking" in found.told()


def test_a_language_that_was_declared_holds_for_later_versions() -> None:
    found = current([made("a", 1), made("a", 1, lang="swh_Latn"), made("a", 2, "LOC")])
    assert [(each.lang, each.spans[0].label) for each in found.corrections] == [("swh_Latn", "LOC")]
    assert current([made("a", 1, lang="swh_Latn"), made("a", 2, lang="zul_Latn")]).corrections[0].lang == "zul_Latn"


@pytest.mark.parametrize("which", list(Annotations))
@given(
    st.lists(
        st.builds(
            lambda kind, annotation, minute: [
                made(annotation, minute), ended(annotation, minute, Reason.DELETED),
                ended(annotation, minute, Reason.SKIPPED), unread(annotation, minute),
            ][kind],
            st.integers(0, 3), st.sampled_from("abc"), st.integers(0, 5),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_every_correction_is_counted_once(which: Annotations, entries: list[Entry]) -> None:
    found = current(entries, which)
    n_corrections = sum(isinstance(each, Correction) for each in entries)
    assert len(found.corrections) + found.replaced + found.withdrawn + found.others + found.unreviewed == n_corrections
    deleted = {each.annotation for each in entries if isinstance(each, Withdrawal) and each.reason is Reason.DELETED}
    assert not deleted & {each.annotation for each in found.corrections}
