"""brat's annotations and the cutting of documents: nothing lost, offsets right."""

from hypothesis import given
from hypothesis import strategies as st

from spanbridge_gateway.integrations.brat.codec import annotations, line_spans
from spanbridge_gateway.integrations.wanted import Wanted, pieces
from spanbridge_shared.contracts.gateway import Entity
from spanbridge_shared.text.spans import Span

CHARACTERS = st.sampled_from(["a", "é", "👩", "\u0301", "ש", " ", "\t", "\n", "\r\n", "\u2028"])
TEXTS = st.lists(CHARACTERS, max_size=40).map("".join)


@given(TEXTS, st.integers(1, 12))
def test_pieces_are_the_whole_document(text: str, limit: int) -> None:
    found = pieces(text, limit)
    assert "".join(text[each.start : each.end] for each in found) == text
    assert all(0 < len(each) <= limit for each in found)


@given(TEXTS, st.integers(1, 12))
def test_a_piece_ends_with_a_line_or_a_word_where_it_can(text: str, limit: int) -> None:
    for piece in pieces(text, limit)[:-1]:
        inside = text[piece.start : piece.end]
        whole = text[piece.start : piece.start + limit]
        if "\n" in whole:
            assert inside.endswith("\n")
        elif " " in whole or "\t" in whole:
            assert inside[-1] in " \t"


@given(TEXTS, st.data())
def test_an_annotation_has_a_part_for_each_line_it_touches(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    parts = line_spans(text, Span(start, end))
    assert all(part for part in parts)
    assert "".join(text[part.start : part.end] for part in parts) == without_line_ends(text[start:end])


def without_line_ends(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")


def test_a_carriage_return_is_part_of_the_lines_end() -> None:
    """Regression: of an entity over the end of a Windows line the first part ended with the carriage return."""
    assert line_spans("Dar\r\nes", Span(0, 7)) == [Span(0, 3), Span(5, 7)]


@given(st.lists(TEXTS.filter(str.strip), min_size=1, max_size=4))
def test_entities_of_later_pieces_count_from_the_documents_start(texts: list[str]) -> None:
    text = "".join(texts)
    labelled, start = [], 0
    for each in texts:
        entity = Entity(start=0, end=len(each), text=each, label="PER", score=1.0)
        labelled.append((Span(start, start + len(each)), [entity]))
        start += len(each)
    found = annotations(text, labelled)
    assert list(found) == [f"T{number}" for number in range(len(texts))]
    for each, annotation in zip(texts, found.values(), strict=True):
        assert [text[a:b] for a, b in annotation.offsets] == annotation.texts
        assert "".join(annotation.texts) == without_line_ends(each)


def test_labels_are_a_list_by_commas() -> None:
    assert Wanted().changed(lang="sw", labels=" PER, ,LOC,", method=None) == Wanted("sw", labels=("PER", "LOC"))
