"""Readers of labelled English: entities as they are in the file, faults named by file and line."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.formats.labelled import LABELLED_READERS, read_labelled_conll, read_labelled_jsonl
from spanbridge.formats.readers import read_conll
from spanbridge.formats.records import CorpusError, LabelledRecord
from spanbridge_shared.text.bio import LabelledSpan, spans_of, tags_of
from spanbridge_shared.text.spans import Span

words = st.sampled_from(["Samia", "#", "O", "é", "👩‍👩‍👧", "שלום"])


def conll(text: str) -> list[LabelledRecord]:
    return list(read_labelled_conll(io.BytesIO(text.encode()), "in.conll"))


def jsonl(*lines: Any) -> list[LabelledRecord]:
    text = "\n".join(json.dumps(line) for line in lines)
    return list(read_labelled_jsonl(io.BytesIO(text.encode()), "in.jsonl"))


def entities(record: LabelledRecord) -> list[tuple[int, int, str]]:
    return [(each.start, each.end, each.label) for each in record.sentence.entities]


class TestConll:
    def test_tokens_and_entities(self) -> None:
        first, second = conll("# id 7\nSamia B-PER\nSuluhu I-PER\nleft O\n\n-DOCSTART- O\n\nNairobi B-LOC\n")
        assert (first.sentence.id, first.sentence.tokens, first.meta) == (
            "1", ["Samia", "Suluhu", "left"], {"comments": ["# id 7"]},
        )  # fmt: skip
        assert entities(first) == [(0, 2, "PER")]
        assert (second.sentence.id, entities(second), second.meta) == ("2", [(0, 1, "LOC")], {})

    def test_the_first_column_is_the_token_and_the_last_the_tag(self) -> None:
        (record,) = conll("Samia\tNNP\tB-NP\tB-PER\r\nleft  VBD   O\r\n")
        assert record.sentence.tokens == ["Samia", "left"]
        assert entities(record) == [(0, 1, "PER")]

    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            ("I-PER I-PER O", [(0, 2, "PER")]),
            ("B-PER E-PER S-LOC", [(0, 2, "PER"), (2, 3, "LOC")]),
            ("B-PER L-PER U-PER", [(0, 2, "PER"), (2, 3, "PER")]),
            ("B-PER B-PER I-LOC", [(0, 1, "PER"), (1, 2, "PER"), (2, 3, "LOC")]),
        ],
    )
    def test_other_schemes(self, tags: str, expected: list[tuple[int, int, str]]) -> None:
        (record,) = conll("".join(f"w {tag}\n" for tag in tags.split()))
        assert entities(record) == expected

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("Samia B-PER\nleft\n", r"in\.conll:2: 'left' has no tag; a line looks like `Nairobi B-LOC`"),
            ("Samia B-PER\n\nleft NN VERB\n", r"in\.conll:3: 'VERB' is no tag; tags are O, B-LABEL and I-LABEL"),
            ("Samia B-\n", r"in\.conll:1: 'B-' is no tag"),
            ("Samia X-PER\n", r"in\.conll:1: 'X-PER' is no tag"),
            ("Samia o\n", r"in\.conll:1: 'o' is no tag"),
        ],
    )
    def test_faults_are_told_by_line(self, text: str, told: str) -> None:
        with pytest.raises(CorpusError, match=told):
            conll(text)

    @given(st.lists(st.lists(words, min_size=1, max_size=6), max_size=5), st.data())
    def test_sentences_and_ids_are_those_of_the_unlabelled_reader(
        self, sentences: list[list[str]], data: st.DataObject
    ) -> None:
        tagged = []
        for tokens in sentences:
            cut = data.draw(st.integers(0, len(tokens)))
            spans = [LabelledSpan(Span(0, cut), "PER")] if cut else []
            tagged.append(list(zip(tokens, tags_of(spans, len(tokens)), strict=True)))
        text = "\n".join("".join(f"{token} {tag}\n" for token, tag in rows) for rows in tagged)
        found = conll(text)
        plain = list(read_conll(io.BytesIO(text.encode()), "in.conll"))
        assert [(each.sentence.id, each.sentence.tokens) for each in found] == [
            (each.sentence.id, each.sentence.tokens) for each in plain
        ]
        assert [entities(each) for each in found] == [
            [(span.start, span.end, label) for span, label in spans_of([tag for _, tag in rows])] for rows in tagged
        ]


class TestJsonl:
    def test_text_and_its_entities(self) -> None:
        (record,) = jsonl({"text": "Samia left", "entities": [{"start": 0, "end": 5, "label": "PER"}], "split": "dev"})
        assert (record.sentence.id, record.sentence.text, record.meta) == ("1", "Samia left", {"split": "dev"})
        assert entities(record) == [(0, 5, "PER")]

    def test_tokens_with_entities_or_tags(self) -> None:
        first, second = jsonl(
            {"id": 5, "tokens": ["a", "b"], "entities": [{"start": 1, "end": 2, "label": "X"}]},
            {"tokens": ["a", "b"], "tags": ["B-X", "E-X"]},
        )
        assert (first.sentence.id, entities(first)) == (5, [(1, 2, "X")])
        assert (second.sentence.id, entities(second)) == ("2", [(0, 2, "X")])

    def test_results_of_project_can_be_read(self) -> None:
        entity = {"start": 0, "end": 5, "label": "PER", "text": "Samia", "score": 0.9, "source": None}
        (record,) = jsonl({"id": "1", "text": "Samia left", "tokens": ["Samia", "left"], "tags": ["B-PER", "O"],
                           "entities": [entity], "error": None})  # fmt: skip
        assert (record.sentence.text, record.sentence.tokens) == ("Samia left", None)
        assert entities(record) == [(0, 5, "PER")]

    def test_no_entities_must_be_said(self) -> None:
        (record,) = jsonl({"text": "nothing", "entities": []})
        assert entities(record) == []

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ({"text": "a"}, r"in\.jsonl:2: no entities; an empty list says that there are none"),
            ({"text": "a", "tags": ["O"]}, "in.jsonl:2: no entities"),
            ({"tokens": ["a"], "tags": ["O", "O"]}, "in.jsonl:2: tags must be a list with one tag per token"),
            ({"tokens": ["a"], "tags": ["X"]}, "in.jsonl:2: 'X' is no tag"),
            ({"tokens": "a", "tags": ["O"]}, "in.jsonl:2: tags must be"),
            ({"text": "a", "entities": [{"start": 0, "label": "X"}]}, r"in\.jsonl:2: entities\.0\.end: Field required"),
            ({"text": "a", "entities": [[0, 1, "X"]]}, r"in\.jsonl:2: entities\.0"),
            ({"text": "a", "entities": "X"}, r"in\.jsonl:2: entities"),
            ({"text": 5, "entities": []}, r"in\.jsonl:2: text"),
            ([1], "in.jsonl:2: not an object"),
        ],
    )
    def test_faults_are_told_by_line(self, line: Any, told: str) -> None:
        with pytest.raises(CorpusError, match=told):
            jsonl({"text": "a", "entities": []}, line)


def test_plain_text_has_no_labels_to_read() -> None:
    assert {each.value for each in LABELLED_READERS} == {"jsonl", "conll"}
