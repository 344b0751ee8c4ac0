"""Columns of tokens and tags: every good form read, every fault named by file and line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.scheme import IOB2, Tokens

from spanbridge_evaluation.data.lines import DataError
from spanbridge_evaluation.data.tagged import TaggedSentence, read_tagged, strict_spans


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


GOOD = [TaggedSentence(("Rais", "Samia"), ("O", "B-PER"), 1), TaggedSentence(("Roma",), ("B-LOC",), 4)]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("Rais O\nSamia B-PER\n\nRoma B-LOC\n", (1, 4)),
        ("Rais\tO\nSamia\tB-PER\n\nRoma\tB-LOC", (1, 4)),
        ("Rais O  \r\nSamia  B-PER\r\n \t\r\n\n\nRoma B-LOC\r\n\r\n", (1, 6)),
        ("-DOCSTART- -X- -X- O\n\nRais NN B O\nSamia NN B B-PER\n\n-DOCSTART- O\n\nRoma NN B B-LOC\n", (3, 8)),
        ("\ufeff# id 1\nRais O\nSamia B-PER\n\n# id 2\nRoma B-LOC\n", (2, 6)),
    ],
)
def test_good_forms(tmp_path: Path, content: str, lines: tuple[int, int]) -> None:
    expected = [TaggedSentence(each.tokens, each.tags, line) for each, line in zip(GOOD, lines, strict=True)]
    assert read_tagged(write(tmp_path / "f.txt", content)) == expected


def test_odd_tokens_are_kept(tmp_path: Path) -> None:
    found = read_tagged(write(tmp_path / "f", "#\tO\na\u00a0b\tO\n\u2028\u200f\tO\nO\tB-PER\n"))
    assert found[0].tokens == ("#", "a\u00a0b", "\u2028\u200f", "O")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Rais O\nSamia\n", r"f\.txt:2: no tag: the line has one column \('Samia'\)"),
        ("Habari gani\n", r"f\.txt:1: the last column, 'gani', is no IOB2 tag"),
        ("Rais O\nSamia NN B-PER\n", r"f\.txt:2: 3 columns, but the lines before have 2"),
        ("Rais\tO\n\tO\n", r"f\.txt:2: the first column, the token, is empty"),
        ("Rais O\nSamia X-PER\n", r"f\.txt:2: the last column, 'X-PER', is no IOB2 tag"),
        ("Rais O\nSamia B-\n", r"f\.txt:2: the last column, 'B-', is no IOB2 tag"),
        ("Rais O\nSamia PER\n", r"f\.txt:2: the last column, 'PER', is no IOB2 tag"),
        ("Rais O\nSamia S-PER\n", r"f\.txt:2: the last column, 'S-PER', is no IOB2 tag.*; convert IOBES or BILOU"),
        ("O Rais\nB-PER Samia\n", r"f\.txt:1: the last column, 'Rais', is no .*; column 1 looks like one, but"),
        ("Rais O NN\nSamia B-PER NN\n", r"f\.txt:1: the last column, 'NN', is no .*; column 2 looks like one"),
        ("Rais O\rSamia B-PER\r", r"f\.txt:1: a carriage return at position 7; lines must end in LF or CRLF"),
        ("Rais O\n\ufeffSamia B-PER\n", r"f\.txt:2: a byte order mark inside the file"),
        ("Rais O\n\nSamia B-PERSON\n", r"f\.txt:3: unknown label 'PERSON'; known are DATE, LOC, MISC, ORG, PER"),
        ("Rais O\nSamia O\n", r"f\.txt:1: from here to the end there is no entity"),
        ("a O\nb O\n\nRais O\nSamia I-PER\n", r"f\.txt:5: an I- tag without its B-.*IOB1"),
        (b"Rais O\ncaf\xe9 B-LOC\n", r"f\.txt:2: not UTF-8 \(byte 0xe9 at position 4\)"),
        ("Rais O\n".encode("utf-16"), r"f\.txt:1: the file is in UTF-16"),
        (b"Rais O\nSa\0mia B-PER\n", r"f\.txt:2: a NUL character at position 3"),
        ("", r"f\.txt:1: no sentences"),
        ("\n \n-DOCSTART- O\n", r"f\.txt:1: no sentences"),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, content: str | bytes, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_tagged(write(tmp_path / "f.txt", content))


def test_labels_asked_for_are_known(tmp_path: Path) -> None:
    path = write(tmp_path / "f", "Samia B-PERSON\n")
    assert read_tagged(path, labels=frozenset({"PERSON"}))[0].tags == ("B-PERSON",)


def test_folders_and_impossible_names_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read: Is a directory"):
        read_tagged(tmp_path)
    with pytest.raises(DataError, match="can't be read: File name too long"):
        read_tagged(tmp_path / ("x" * 300))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.txt can't be read: No such file"):
        read_tagged(tmp_path / "nothing.txt")


@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), max_size=12))
def test_strict_spans_are_seqevals(tags: list[str]) -> None:
    expected = [(each.start, each.end, each.tag) for each in Tokens(tags, IOB2).entities]
    assert [(*each.span, each.label) for each in strict_spans(tags)] == expected
