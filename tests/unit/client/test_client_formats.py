"""Readers and writers: nothing lost, offsets right, faults named by file and line."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spanbridge.formats.docbin import build_docbin, words_and_spaces
from spanbridge.formats.readers import read_conll, read_jsonl, read_text
from spanbridge.formats.records import CorpusError, InputFormat, OutputFormat, Record, guess_input, guess_output
from spanbridge.formats.writers import encode_conll, encode_jsonl
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.gateway import Sentence, SentenceResult
from spanbridge_shared.text.bio import spans_of
from spanbridge_shared.text.offsets import char_span
from spanbridge_shared.text.tokenization import join_tokens, tokenize
from tests.unit.client.fake_gateway import label

# Emoji with joiners and flags, combining marks, right-to-left and unspaced scripts, odd white space.
PIECES = ["Samia", "👩‍👩‍👧", "🇰🇪", "é", "Ẹ̀kọ́", "שלום", "مرحبا", "\u200f", "ሰላም", "東京", "n’umwanya", "#",
          "O", "-DOCSTART-", " ", "  ", "\t", "\u00a0", "\u3000", "\u2028", ".", "\u0301", "𐍈"]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join).filter(str.strip)
words = st.sampled_from([each for each in PIECES if not any(c.isspace() for c in each)])
token_lists = st.lists(words, min_size=1, max_size=8)


def as_file(text: str | bytes) -> io.BytesIO:
    return io.BytesIO(text if isinstance(text, bytes) else text.encode())


def texts_of(records: list[Record]) -> list[tuple[object, object]]:
    return [(record.sentence.id, record.sentence.text or record.sentence.tokens) for record in records]


class TestText:
    def test_blank_lines_count_but_are_no_sentences(self) -> None:
        assert texts_of(list(read_text(as_file("a\n\n  \n b \r\nc"), "f"))) == [("1", "a"), ("4", " b "), ("5", "c")]

    def test_only_line_feeds_end_a_line(self) -> None:
        odd = "a\u2028b\x0bc\x85d"
        assert texts_of(list(read_text(as_file(odd), "f"))) == [("1", odd)]

    def test_a_byte_order_mark_is_no_text(self) -> None:
        assert texts_of(list(read_text(as_file(b"\xef\xbb\xbfa"), "f"))) == [("1", "a")]

    def test_other_encodings_are_told_by_line(self) -> None:
        with pytest.raises(CorpusError, match=r"corpus\.txt:2: not UTF-8 \(byte 0xe9 at position 4\)"):
            list(read_text(as_file(b"a\ncaf\xe9\n"), "corpus.txt"))
        with pytest.raises(CorpusError, match="UTF-16"):
            list(read_text(as_file("a".encode("utf-16")), "corpus.txt"))


class TestJsonl:
    def test_unknown_keys_come_back_as_meta(self) -> None:
        line = {"id": 3, "text": "Samia", "entities": [[0, 5, "PER"]], "meta": {"a": 1}, "ratio": 0.1, "none": None}
        (record,) = read_jsonl(as_file(json.dumps(line)), "f")
        written = json.loads(encode_jsonl(record, label(record.sentence, "swh_Latn", [])))
        assert written["meta"] == {key: line[key] for key in ("entities", "meta", "ratio", "none")}
        assert (written["id"], written["text"], written["entities"][0]["text"]) == (3, "Samia", "Samia")

    def test_ids_default_to_line_numbers(self) -> None:
        lines = '{"text": "a"}\n\n{"tokens": ["b"], "id": null}\n'
        assert texts_of(list(read_jsonl(as_file(lines), "f"))) == [("1", "a"), ("3", ["b"])]

    def test_a_source_is_sent_along(self) -> None:
        line = '{"tokens": ["Samia"], "source": {"tokens": ["Samia"], "entities": [{"start":0,"end":1,"label":"PER"}]}}'
        (record,) = read_jsonl(as_file(line), "f")
        assert record.sentence.source is not None
        assert record.sentence.source.tokens == ["Samia"]

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("{", "not valid JSON"),
            ('{"text": NaN}', "NaN is no JSON value"),
            ('["a"]', "not an object"),
            ('{"text": 1}', "text: "),
            ('{"text": "a", "id": 1.5}', "id"),
            ('{"tokens": ["a", 2]}', r"tokens\.1"),
            ("[" * 100_000, "not valid JSON"),
        ],
    )
    def test_what_is_no_sentence_is_told_by_line(self, line: str, told: str) -> None:
        with pytest.raises(CorpusError, match=rf"^in\.jsonl:2: .*{told}"):
            list(read_jsonl(as_file(f'{{"text": "a"}}\n{line}\n'), "in.jsonl"))

    def test_lone_surrogates_survive(self) -> None:
        (record,) = read_jsonl(as_file('{"text": "a", "note": "\\ud800é"}'), "f")
        written = encode_jsonl(record, label(record.sentence, "swh_Latn", []))
        assert json.loads(written)["meta"] == {"note": "\ud800é"}

    @given(texts, st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=3))
    def test_what_is_written_can_be_read_again(self, text: str, meta: dict[str, object]) -> None:
        record = Record(Sentence(id="1", text=text), meta)
        line = encode_jsonl(record, label(record.sentence, "swh_Latn", ["tokens"]))
        assert line.count(b"\n") == 1
        written = json.loads(line)
        assert written.get("meta", {}) == meta
        assert written["text"] == text
        assert all(text[each["start"] : each["end"]] == each["text"] for each in written["entities"])


class TestConll:
    def test_the_first_column_is_the_token(self) -> None:
        found = list(read_conll(as_file("Rais O\nSamia\tB-PER\n\n\nNairobi _ _ B-LOC\r\n"), "f"))
        assert texts_of(found) == [("1", ["Rais", "Samia"]), ("2", ["Nairobi"])]

    def test_comments_and_document_starts_are_no_tokens(self) -> None:
        text = "-DOCSTART- -X- O O\n\n# sent_id = 1\n# text = Rais\nRais O\n# O\n#Samia B-PER\n\n# O\n"
        found = list(read_conll(as_file(text), "f"))
        assert texts_of(found) == [("1", ["Rais", "#", "#Samia"]), ("2", ["#"])]
        assert found[0].meta == {"comments": ["# sent_id = 1", "# text = Rais"]}

    def test_comments_are_written_back(self) -> None:
        (record,) = read_conll(as_file("# sent_id = 1\nSamia B-LOC\njana O\n"), "f")
        written = encode_conll(record, label(record.sentence, "swh_Latn", ["tokens"]))
        assert written == b"# sent_id = 1\nSamia B-PER\njana O\n\n"

    def test_a_failed_sentence_is_left_out(self) -> None:
        record = Record(Sentence(id="1", text=""))
        assert encode_conll(record, label(record.sentence, "swh_Latn", ["tokens"])) == b""

    @given(st.lists(token_lists, min_size=1, max_size=4))
    def test_tokens_survive_reading_and_writing(self, sentences: list[list[str]]) -> None:
        records = [Record(Sentence(id=str(number), tokens=tokens)) for number, tokens in enumerate(sentences, 1)]
        results = [label(record.sentence, "swh_Latn", ["tokens"]) for record in records]
        written = b"".join(encode_conll(*pair) for pair in zip(records, results, strict=True))
        read = [record.sentence.tokens for record in read_conll(as_file(written), "f")]
        # A sentence that begins with -DOCSTART- can't be told from a document's beginning.
        assert read == [cut for each in sentences if (cut := _without_docstart(each))]

    @given(texts)
    def test_every_row_has_two_columns(self, text: str) -> None:
        record = Record(Sentence(id="1", text=text))
        rows = encode_conll(record, label(record.sentence, "swh_Latn", ["tokens"])).decode().split("\n")
        assert rows[-2:] == ["", ""]
        assert all(len(row.split(" ")) == len(row.split()) == 2 for row in rows[:-2])


def _without_docstart(tokens: list[str]) -> list[str]:
    start = next((place for place, token in enumerate(tokens) if token != "-DOCSTART-"), len(tokens))
    return tokens[start:]


class TestDocBin:
    @given(texts)
    def test_words_and_spaces_give_the_text_again(self, text: str) -> None:
        found, spaces = words_and_spaces(text, [token.text for token in tokenize(text, "swh_Latn")])
        assert "".join(word + " " * space for word, space in zip(found, spaces, strict=True)) == text

    @given(texts)
    def test_documents_hold_text_and_entities(self, text: str) -> None:
        record = Record(Sentence(id="1", text=text), {"note": "\ud800"})
        result = label(record.sentence, "swh_Latn", ["tokens"])
        docs = DocBin().from_bytes(build_docbin([encode_jsonl(record, result)])).get_docs(Vocab())
        (doc,) = docs
        assert doc.text == text
        assert [(e.start_char, e.end_char, e.text, e.label_) for e in doc.ents] == [
            (each.start, each.end, each.text, each.label) for each in result.entities
        ]

    @given(token_lists)
    def test_token_input_keeps_its_tokens(self, tokens: list[str]) -> None:
        record = Record(Sentence(id=7, tokens=tokens))
        result = label(record.sentence, "swh_Latn", ["tokens"])
        bin_ = DocBin(store_user_data=True).from_bytes(build_docbin([encode_jsonl(record, result)]))
        (doc,) = bin_.get_docs(Vocab())
        assert [token.text for token in doc] == tokens
        tags = [token.ent_iob_ + (f"-{token.ent_type_}" if token.ent_type_ else "") for token in doc]
        assert tags == result.tags
        places = join_tokens(tokens)[1]
        assert [tuple(char_span(each.span, places)) for each in spans_of(tags)] == [
            (each.start, each.end) for each in result.entities
        ]
        assert (doc.user_data["id"], doc.user_data["lang"]) == (7, "swh_Latn")

    def test_failed_sentences_are_left_out(self) -> None:
        failed = SentenceResult(id="1", text="", lang="swh_Latn", entities=[], error=ErrorBody(error="E", detail="d"))
        assert len(DocBin().from_bytes(build_docbin([encode_jsonl(Record(Sentence(id="1")), failed)]))) == 0

    def test_tokens_of_another_text_are_refused(self) -> None:
        with pytest.raises(ValueError, match="'b' doesn't follow"):
            words_and_spaces("a x b", ["a", "b"])


@pytest.mark.parametrize(
    ("name", "read", "written"),
    [
        ("a.txt", InputFormat.TEXT, OutputFormat.JSONL),
        ("a.jsonl", InputFormat.JSONL, OutputFormat.JSONL),
        ("a.CONLL", InputFormat.CONLL, OutputFormat.CONLL),
        ("a.spacy", InputFormat.SPACY, OutputFormat.SPACY),
        ("-", InputFormat.TEXT, OutputFormat.JSONL),
    ],
)
def test_names_stand_for_formats(name: str, read: InputFormat, written: OutputFormat) -> None:
    assert (guess_input(Path(name)), guess_output(Path(name))) == (read, written)
