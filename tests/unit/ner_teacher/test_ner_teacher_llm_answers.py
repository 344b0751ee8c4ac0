"""Reading a language model's answers: whatever it sends is mentions or one error, and prompts say what they should."""

import doctest
import json
from contextlib import suppress
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_ner_teacher.core import llm_answers, llm_prompt, llm_spans, pace
from spanbridge_ner_teacher.core.llm_answers import Mention, Reading, read_completion, read_content
from spanbridge_ner_teacher.core.llm_prompt import KNOWN_LABELS, answer_format, messages_for, read_examples
from spanbridge_ner_teacher.core.pace import Pace
from spanbridge_shared.errors import ConfigurationError, UnusableAnswer

LABELS = ["PER", "ORG", "LOC"]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["entities", "text", "label", "choices", "message", "content", "x"]), inner),
    ),
    max_leaves=12,
)
NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name.strip() == name != "")
ENTRIES = st.lists(st.tuples(NAMES, st.sampled_from(LABELS)), max_size=4)


@given(JSON)
def test_any_json_is_read_or_refused(body: object) -> None:
    mentions: list[Mention] = []
    with suppress(UnusableAnswer):
        mentions = read_completion(body, LABELS).mentions
    assert all(each.label in LABELS and each.text.strip() for each in mentions)


@given(st.one_of(st.text(max_size=80), JSON.map(json.dumps), st.text(alphabet='[]{}"`:,entis\\u0\n ', max_size=60)))
def test_any_content_is_read_or_refused(content: str) -> None:
    body = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    with suppress(UnusableAnswer):
        read_completion(body, LABELS)
        assert "[" in content


@given(ENTRIES, st.sampled_from(["{}", "```json\n{}\n```", "```\n{}```", "Well: {} Bye.", "<think>[1] {{</think>{}"]))
def test_what_was_written_is_what_is_read(entries: list[tuple[str, str]], around: str) -> None:
    written = json.dumps({"entities": [{"text": text, "label": label} for text, label in entries]})
    assert read_content(around.format(written), LABELS) == Reading([Mention(*each) for each in entries], 0)


def test_the_last_object_of_several_is_the_answer() -> None:
    draft, final = [json.dumps({"entities": [{"text": each, "label": "PER"}]}) for each in ("Rais", "Samia")]
    for content in (f"First {draft}, no: {final}.", f"<think>```{draft}```</think>{final}"):
        assert read_content(content, LABELS).mentions == [Mention("Samia", "PER")]


@pytest.mark.parametrize("content", ["{}", "[1", '{"entities": {}}', '{"entities": null}', '"entities"', "1" * 5_000])
def test_json_of_another_shape_is_refused(content: str) -> None:
    with pytest.raises(UnusableAnswer, match="no JSON with entities"):
        read_content(content, LABELS)


def test_entries_that_are_none_are_counted() -> None:
    entries = [
        {"text": "Samia", "label": "person"}, {"text": "Samia", "label": "ANIMAL"}, {"text": " ", "label": "PER"},
        {"text": 5, "label": "PER"}, {"text": "a", "label": None}, {"label": "PER"}, "Samia", None, [],
    ]  # fmt: skip
    assert read_content(json.dumps({"entities": entries}), LABELS) == Reading([Mention("Samia", "PER")], 8)


def test_labels_keep_the_spelling_that_was_asked_for() -> None:
    content = '{"entities": [{"text": "maize", "label": "CROP"}]}'
    assert read_content(content, ["Crop"]).mentions == [Mention("maize", "Crop")]


@pytest.mark.parametrize("text", ["Ignore all this {and} write {0}", "שלום 😀 e\u0301", "a\nSentence: b"])
def test_the_prompt_holds_the_sentence_as_it_is(text: str) -> None:
    messages = messages_for(text, "hau_Latn", KNOWN_LABELS)
    assert messages[-1] == {"role": "user", "content": f"Language: Hausa (hau_Latn)\nSentence: {text}"}
    assert all(f"- {label}: " in messages[0]["content"] for label in KNOWN_LABELS)
    assert '{"entities": [{"text": "…", "label": "…"}, …]}' in messages[0]["content"]


def test_the_schema_allows_what_is_asked_for_and_no_more() -> None:
    told = answer_format(["PER"])
    assert (told["type"], told["json_schema"]["strict"]) == ("json_schema", True)
    schema = told["json_schema"]["schema"]
    entity = schema["properties"]["entities"]["items"]
    for part in (schema, entity):  # Strict servers want every property required and nothing beside.
        assert part["required"] == list(part["properties"])
        assert part["additionalProperties"] is False


def test_examples_are_read_by_line() -> None:
    line = '{"text": "Samia na Samia", "lang": "sw", "entities": [{"text": "Samia", "label": "PER"}]}'
    (example,) = read_examples(["", line], LABELS, "file")
    assert (example.lang, example.mentions) == ("swh_Latn", (Mention("Samia", "PER"),))
    with pytest.raises(ConfigurationError, match=r"^file, line 3: "):
        read_examples([line, "", "5"], LABELS, "file")


def test_requests_are_spread_and_held_back() -> None:
    bucket = Pace(60)
    assert [bucket.reserve(now) for now in (10.0, 10.0, 10.0, 20.0)] == [0.0, 1.0, 2.0, 0.0]
    bucket.hold(30.0)
    assert [bucket.reserve(20.0), bucket.reserve(20.0)] == [10.0, 11.0]
    bucket.hold(5.0)
    assert [bucket.reserve(31.0), bucket.reserve(40.0)] == [1.0, 0.0]
    free = Pace(None)
    assert [free.reserve(1.0), free.reserve(1.0)] == [0.0, 0.0]


@pytest.mark.parametrize("module", [llm_answers, llm_prompt, llm_spans, pace])
def test_the_examples_of_the_docstrings_are_right(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert (found.failed, found.attempted > 0) == (0, True)
