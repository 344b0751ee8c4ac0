"""Label Studio's codec: its configuration, its tasks, its predictions."""

import doctest
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_gateway.integrations.label_studio import label_config, project_options
from spanbridge_gateway.integrations.label_studio.codec import TaskText, predictions, texts_of, version_of
from spanbridge_gateway.integrations.label_studio.label_config import (
    TextField,
    map_labels,
    read_label_config,
    text_at,
)
from spanbridge_gateway.integrations.label_studio.project_options import ProjectOptions, read_extra_params
from spanbridge_gateway.integrations.label_studio.wire import Prediction, TaskBody
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.gateway import Entity, SentenceResult
from spanbridge_shared.errors import InvalidRequest
from tests.support.scripts import labelled_texts

KNOWN = ["DATE", "LOC", "ORG", "PER"]
CONFIG = """
<View>
  <!-- Label Studio's own template for named entities -->
  <Labels name="label" toName="text">
    <Label value="PER" background="red"/><Label value="loc"/>
    <Label value="Company" predicted_values="ORG, Organisation"/><Label value="MISC"/>
  </Labels>
  <Text name="text" value="$text"/>
</View>
"""
FIELD = TextField("label", "text", "text", {"PER": "PER", "LOC": "loc", "ORG": "Company"})


def test_a_configuration_is_read() -> None:
    assert read_label_config(CONFIG, KNOWN) == [FIELD]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([("PER", [])], {"PER": "PER"}),
        ([("per", []), ("PER", [])], {"PER": "PER"}),  # Exact before ignoring case.
        ([("PER", []), ("Human", ["PER"])], {"PER": "Human"}),  # What is written comes before the name.
        ([("Human", ["person", "per"])], {"PER": "Human"}),
        ([("Person", [])], {}),  # Nothing is guessed.
        ([("Name", ["PER", "ORG"])], {"PER": "Name", "ORG": "Name"}),
        ([("A", ["LOC"]), ("B", ["LOC"])], {"LOC": "A"}),
        ([], {}),
    ],
)
def test_labels_are_mapped(labels: list[tuple[str, list[str]]], expected: dict[str, str]) -> None:
    assert map_labels(labels, KNOWN) == expected


def test_several_fields_of_a_configuration() -> None:
    config = """<View>
      <Labels name="a" toName="title,body"><Label value="PER"/></Labels>
      <Labels name="b" toName="body"><View><Label value="LOC"/></View></Labels>
      <Labels name="c" toName="picture"><Label value="LOC"/></Labels>
      <Text name="title" value="$meta.title"/><Text name="body" value="$body"/><Image name="picture" value="$url"/>
    </View>"""
    assert read_label_config(config, KNOWN) == [
        TextField("a", "title", "meta.title", {"PER": "PER"}),
        TextField("a", "body", "body", {"PER": "PER"}),
        TextField("b", "body", "body", {"LOC": "LOC"}),
    ]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("", "not XML"),
        ("<View>", "not XML"),
        ("\ud800", "not XML"),
        ("<View/>", "no <Labels"),
        ('<View><Choices name="c" toName="t"/><Text name="t" value="$t"/></View>', "no <Labels"),
        ('<View><Labels name="l" toName="t"><Label value="PER"/></Labels></View>', "for a <Text>"),
        (
            '<View><Labels name="l" toName="h"><Label value="PER"/></Labels><HyperText name="h" value="$h"/></View>',
            "only plain texts",
        ),
        (CONFIG.replace('value="$text"', 'value="$text" valueType="url"'), "URL"),
        (CONFIG.replace('value="$text"', 'value="$a and $b"'), '"$key"'),
        (CONFIG.replace('value="$text"', 'value="text"'), '"$key"'),
        (
            '<View><Labels name="l" toName="t"><Label value="Tool"/></Labels><Text name="t" value="$t"/></View>',
            "none of the configuration's labels (Tool) is one of DATE, LOC, ORG, PER",
        ),
        ('<!DOCTYPE x [<!ENTITY a "b">]><View>&a;</View>', "DOCTYPE"),
    ],
)
def test_a_configuration_that_cannot_be_used_says_why(config: str, told: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        read_label_config(config, KNOWN)
    assert told in raised.value.detail


@pytest.mark.parametrize(
    "config",
    [
        "<View>" + '<Labels name="l" toName="t"><Label value="PER"/>' * 101 + "</Labels>" * 101 + "</View>",
        CONFIG.replace("</View>", "".join(f'<Text name="t{n}" value="$t"/>' for n in range(101)) + "</View>"),
    ],
)
def test_a_configuration_without_bounds_is_refused(config: str) -> None:
    with pytest.raises(InvalidRequest, match="more than 100"):
        read_label_config(config, KNOWN)


def test_a_text_that_is_named_many_times_is_labelled_once() -> None:
    assert read_label_config(CONFIG.replace('toName="text"', f'toName="{"text," * 100_000}"'), KNOWN) == [FIELD]


def test_a_very_deep_configuration_is_read() -> None:
    inside = CONFIG.strip().removeprefix("<View>").removesuffix("</View>")
    assert read_label_config("<View>" * 50_000 + inside + "</View>" * 50_000, KNOWN) == [FIELD]


@pytest.mark.parametrize(
    ("data", "key", "expected"),
    [
        ({"text": "a"}, "text", "a"),
        ({"text": ""}, "text", ""),
        ({"a": {"b": ["x", {"c": "deep"}]}}, "a.b[1].c", "deep"),
        ({"a.b": "flat", "a": {"b": "nested"}}, "a.b", "flat"),
        ({"$undefined$": "a line of a plain file"}, "text", "a line of a plain file"),
    ],
)
def test_a_tasks_text_is_found(data: dict[str, Any], key: str, expected: str) -> None:
    assert text_at(data, key) == expected


@pytest.mark.parametrize(
    ("data", "key"),
    [({}, "text"), ({"body": "a"}, "text"), ({"text": None}, "text"), ({"text": 5}, "text"), ({"a": ["x"]}, "a[7]")],
)
def test_a_missing_text_names_the_key(data: dict[str, Any], key: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        text_at(data, key)
    assert repr(key) in raised.value.detail


def test_a_task_without_its_text_fails_alone() -> None:
    tasks = [TaskBody(id=1, data={"text": "a", "lang": " sw "}), TaskBody(data={"no": 1}), TaskBody(data={"text": "b"})]
    texts, faults = texts_of(tasks, [FIELD])
    assert texts == [TaskText(0, "a", (FIELD,), "sw"), TaskText(2, "b", (FIELD,), None)]
    assert list(faults) == [1]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ProjectOptions("auto")),
        ("", ProjectOptions("auto")),
        ({}, ProjectOptions("auto")),
        ({"lang": "sw"}, ProjectOptions("sw")),
        ('{"lang": "yo", "method": "student"}', ProjectOptions("yo", "student")),
        ({"options": {"beam": 1}}, ProjectOptions("auto", options={"beam": 1})),
    ],
)
def test_extra_params_are_read(given: dict[str, Any] | str | None, expected: ProjectOptions) -> None:
    assert read_extra_params(given, "auto") == expected


@pytest.mark.parametrize(
    "given", [{"language": "sw"}, {"lang": 5}, {"options": "beam"}, {"method": []}, "sw", "[]", "{", "[" * 100_000]
)
def test_extra_params_that_cannot_be_used(given: dict[str, Any] | str) -> None:
    with pytest.raises(InvalidRequest, match="extra_params"):
        read_extra_params(given, "auto")


def test_the_version_changes_with_everything_that_a_prediction_depends_on() -> None:
    base = ProjectOptions("sw", "student", {"min_score": 0.5})
    versions = [
        version_of(["m1"], base, [FIELD]),
        version_of(["m2"], base, [FIELD]),
        version_of(["m1", "c1"], base, [FIELD]),
        version_of(["m1"], ProjectOptions("yo", "student", {"min_score": 0.5}), [FIELD]),
        version_of(["m1"], ProjectOptions("sw", "ensemble", {"min_score": 0.5}), [FIELD]),
        version_of(["m1"], ProjectOptions("sw", "student", {"min_score": 0.6}), [FIELD]),
        version_of(["m1"], base, [TextField("label", "text", "text", {"PER": "Person"})]),
        version_of(["m1"], base, [TextField("label", "text", "body", FIELD.labels)]),
    ]
    assert len(set(versions)) == len(versions)
    assert version_of(["m1"], ProjectOptions("sw", "student", {"min_score": 0.5}), [FIELD]) == versions[0]


def _result(text: str, entities: list[tuple[int, int, str]]) -> SentenceResult:
    found = [Entity(start=s, end=e, text=text[s:e], label=label, score=0.5) for s, e, label in entities]
    return SentenceResult(id="0", text=text, lang="swh_Latn", entities=found)


@given(st.lists(labelled_texts(KNOWN), max_size=5), st.sets(st.integers(0, 4)))
def test_predictions_lose_nothing_and_keep_order(
    given: list[tuple[str, list[tuple[int, int, str]]]], failing: set[int]
) -> None:
    other = TextField("other", "text", "text", {"DATE": "When"})
    failed = {place: ErrorBody(error="TextTooLong", detail="long") for place in failing if place < len(given)}
    labelled = [
        (TaskText(place, text, (FIELD, other), None), _result(text, entities))
        for place, (text, entities) in enumerate(given)
        if place not in failed
    ]
    found = predictions(len(given), labelled, failed, "v1")
    assert len(found) == len(given)
    for place, ((text, entities), entry) in enumerate(zip(given, found, strict=True)):
        if place in failed:
            assert entry == failed[place]
            continue
        assert isinstance(entry, Prediction)
        read = json.loads(entry.model_dump_json())
        assert read["model_version"] == "v1"
        assert (read["score"] is None) == (not entities)
        spans = [(e["from_name"], e["value"]["start"], e["value"]["end"], e["value"]["labels"]) for e in read["result"]]
        assert spans == [
            (field.from_name, start, end, [field.labels[label]])
            for field in (FIELD, other)
            for start, end, label in entities
            if label in field.labels
        ]
        for region in read["result"]:
            assert text[region["value"]["start"] : region["value"]["end"]] == region["value"]["text"]
        assert len({region["id"] for region in read["result"]}) == len(read["result"])


@given(st.lists(st.text(max_size=20), max_size=6))
def test_texts_pass_unchanged_and_in_order(given: list[str]) -> None:
    texts, faults = texts_of([TaskBody(data={"text": text}) for text in given], [FIELD])
    assert [(each.task, each.text) for each in texts] == list(enumerate(given))
    assert not faults


def test_the_examples_hold() -> None:
    for module in (label_config, project_options):
        found = doctest.testmod(module)
        assert found.attempted
        assert not found.failed
