"""Every format: what is written can be read again, with nothing lost that the format can hold."""

import io
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spanbridge.formats.documents import Document, Mark, in_order, offsets_of
from spanbridge.formats.records import InputFormat, OutputFormat
from spanbridge.formats.registry import BUILDERS, DOCUMENT_READERS, RECORD_READERS, Target
from spanbridge_shared.text.offsets import char_span
from spanbridge_shared.text.spans import Span

# Emoji with joiners and flags, combining marks, right-to-left and unspaced scripts, odd white space, quotes and signs.
PIECES = ["Samia", "👩‍👩‍👧", "🇰🇪", "é", "Ẹ̀kọ́", "שלום", "مرحبا", "\u200f", "ሰላም", "東京", "n’umwanya", "#", "|", "=",
          "\\s", "O", "-DOCSTART-", " ", "  ", "\u00a0", "\u3000", ".", "\u0301", "𐍈", '"', "&", "<a>",
          "1-2"]  # fmt: skip
LINES = [*PIECES, "\n", "\t", "\u2028"]
TEXTS = st.lists(st.sampled_from(LINES), max_size=10).map("".join)
META = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5),
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31)
    | st.text(max_size=5)
    | st.lists(st.integers(0, 9), max_size=2),
    max_size=3,
)
OWN_KEYS = {"meta", "conllu", "brat", "relations", "entities", "comments", "document", "ner_tags"}
FEWER = settings(max_examples=settings().max_examples // 2)
"""Of each format, of which there are many."""


@dataclass(frozen=True)
class Kept:
    """What a format keeps beside texts and marks. `text` is False where only words are kept, and a space between."""

    output: OutputFormat
    input: InputFormat
    ids: bool = True
    id_types: bool = True
    meta: bool = True
    scores: bool = True
    empty: bool = True
    text: bool = True
    lang: bool = True
    name: str = "out"


TEXT_ALONE = {"meta": False, "scores": False, "lang": False}
FORMATS = [
    Kept(OutputFormat.JSONL, InputFormat.JSONL),
    Kept(OutputFormat.SPACY, InputFormat.SPACY, empty=False),
    Kept(OutputFormat.CONLLU, InputFormat.CONLLU, id_types=False, empty=False),
    Kept(OutputFormat.HUGGINGFACE, InputFormat.HUGGINGFACE, scores=False),
    Kept(OutputFormat.BRAT, InputFormat.BRAT),
    Kept(OutputFormat.LABEL_STUDIO, InputFormat.LABEL_STUDIO),
    Kept(OutputFormat.DOCCANO, InputFormat.DOCCANO, scores=False),
    Kept(OutputFormat.DOCCANO_RELATIONS, InputFormat.DOCCANO, scores=False),
    Kept(OutputFormat.PRODIGY, InputFormat.PRODIGY),
    Kept(OutputFormat.ARGILLA, InputFormat.ARGILLA, id_types=False),
    Kept(OutputFormat.ARGILLA, InputFormat.ARGILLA, id_types=False, name="out.jsonl"),
    Kept(OutputFormat.DATASAUR, InputFormat.DATASAUR),
    Kept(OutputFormat.INCEPTION, InputFormat.INCEPTION, id_types=False, empty=False, **TEXT_ALONE),
    Kept(OutputFormat.INCEPTION, InputFormat.INCEPTION, id_types=False, empty=False, **TEXT_ALONE, name="out.xmi"),
    Kept(OutputFormat.CONLL, InputFormat.CONLL, ids=False, empty=False, text=False, **TEXT_ALONE),
]  # fmt: skip


@st.composite
def documents(draw: st.DrawFn, kept: Kept) -> list[Document]:
    texts = draw(st.lists(TEXTS, max_size=4))
    made = []
    for number, text in enumerate(texts):
        if not kept.empty and not text.strip():
            continue
        plain = Document("", number, text, lang="swh_Latn")
        words = offsets_of(plain)
        tokens = tuple(text[each.start : each.end] for each in words)
        cuts = sorted(draw(st.sets(st.integers(0, len(words)), max_size=5))) if words else []
        # Neighbouring cuts make adjacent marks, and the first and last word can be in one.
        marks = [
            Mark(*char_span(Span(a, b), words), draw(st.sampled_from(["PER", "LOC", "ORG-x"])), draw(_scores(kept)))
            for a, b in itertools.pairwise(cuts)
            if draw(st.booleans())
        ]
        id_ = draw(st.sampled_from([number, f"n-{number}", f"é {number}/x"]))
        meta = {key: value for key, value in draw(META).items() if key not in OWN_KEYS} if kept.meta else {}
        made.append(Document("", id_, text, in_order(marks), tokens, "swh_Latn", meta))
    return made


def _scores(kept: Kept) -> st.SearchStrategy[float]:
    return st.floats(0, 1).map(lambda each: round(each, 6)) if kept.scores else st.none()


def through(kept: Kept, given_: list[Document]) -> list[Document]:
    content = b"".join(BUILDERS[kept.output](given_, Target(Path(kept.name), "models-1:a+b")))
    return list(DOCUMENT_READERS[kept.input](io.BytesIO(content), kept.name))


def seen(kept: Kept, document: Document) -> dict[str, Any]:
    """What must be the same before and after."""
    marks = [(document.text[m.start : m.end], m.label, m.score) for m in document.marks]
    shown: dict[str, Any] = {"marks": marks}
    if kept.text:
        shown["text"] = document.text
        shown["places"] = [(m.start, m.end) for m in document.marks]
    else:
        shown["marks"] = [("".join(text.split()), label, score) for text, label, score in marks]
        shown["tokens"] = ["".join(each.split()) for each in document.tokens or ()]
    if kept.ids:
        shown["id"] = document.id if kept.id_types else str(document.id)
    if kept.meta:
        shown["meta"] = dict(document.meta)
    if kept.lang:
        shown["lang"] = document.lang
    return shown


@pytest.mark.parametrize("kept", FORMATS, ids=lambda each: f"{each.output}-{each.name}")
@FEWER
@given(st.data())
def test_nothing_is_lost_that_the_format_holds(kept: Kept, data: st.DataObject) -> None:
    before = data.draw(documents(kept))
    if not kept.text:  # A sentence that begins with -DOCSTART- can't be told from a document's beginning.
        assume(not any((each.tokens or ("",))[0] == "-DOCSTART-" for each in before))
    after = through(kept, before)
    assert [seen(kept, each) for each in after] == [seen(kept, each) for each in before]


@pytest.mark.parametrize("kept", FORMATS[:-1], ids=lambda each: f"{each.output}-{each.name}")
@FEWER
@given(st.data())
def test_what_is_written_twice_is_the_same(kept: Kept, data: st.DataObject) -> None:
    before = data.draw(documents(kept))
    assert through(kept, through(kept, before)) == through(kept, before)


@pytest.mark.parametrize("kept", FORMATS[1:-1], ids=lambda each: f"{each.output}-{each.name}")
@FEWER
@given(st.data())
def test_every_format_can_be_labelled_anew(kept: Kept, data: st.DataObject) -> None:
    before = data.draw(documents(kept))
    content = b"".join(BUILDERS[kept.output](before, Target(Path(kept.name), "v")))
    records = list(RECORD_READERS[kept.input](io.BytesIO(content), kept.name))
    assert len(records) == len(before)
    for record, document in zip(records, before, strict=True):
        if record.sentence.text is not None:
            assert record.sentence.text == document.text
        else:
            assert record.sentence.tokens == list(document.tokens or ())
        found = [(each["text"], each["label"]) for each in record.meta.get("entities", [])]
        assert [label for _, label in found] == [mark.label for mark in document.marks]
