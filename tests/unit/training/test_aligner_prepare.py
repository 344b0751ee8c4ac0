"""Choosing pairs: order of corpora, caps, held-out sentences, and links read back beside their pairs."""

import json
import lzma
from pathlib import Path

import pytest

pytest.importorskip("tqdm", reason="tqdm is in the training extra")
pytest.importorskip("wordfreq", reason="wordfreq is in the training extra")
pytest.importorskip("torch", reason="torch is in the training extra")

from training.aligner.corpus import Supervision
from training.aligner.encode import with_links
from training.aligner.prepare import PAIRS, SUMMARY, prepare, read_chosen
from training.aligner.recipe import PrepareRecipe
from training.nmt.errors import DataError
from training.teacher.pairs import Pair


def corpus(data: Path, name: str, rows: list[tuple[str, str]]) -> None:
    lines = "".join(f"swh_Latn\teng_Latn\t{text}\t{translation}\n" for text, translation in rows)
    (data / "parallel").mkdir(parents=True, exist_ok=True)
    (data / "parallel" / f"{name}.tsv.xz").write_bytes(lzma.compress(lines.encode()))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    corpus(
        tmp_path,
        "news",
        [(f"Rais alifika Kano mwezi wa {n} jana.", f"The president came to Kano in month {n}.") for n in range(4)],
    )
    corpus(
        tmp_path,
        "verses",
        [(f"Mungu aliona ya kuwa ni njema siku {n}.", f"God saw that it was good on day {n}.") for n in range(9)],
    )
    (tmp_path / "mt_dev").mkdir()
    (tmp_path / "mt_dev" / "swh_Latn.tsv").write_text(
        "Rais alifika Kano mwezi wa 3 jana.\tThe president came to Kano in month 3.\n", encoding="utf-8"
    )
    return tmp_path


def chosen(data: Path, output: Path, **options: object) -> list[Pair]:
    output.mkdir(exist_ok=True)
    prepare(data, PrepareRecipe(corpora=("news", "verses"), **options), output)  # type: ignore[arg-type]
    return read_chosen(output / PAIRS)


def test_better_corpora_fill_the_cap_first_and_held_out_sentences_stay_out(data: Path) -> None:
    pairs = chosen(data, data / "out", cap=5)
    assert [pair.corpus for pair in pairs] == ["news"] * 3 + ["verses"] * 2
    assert not any("3" in pair.source for pair in pairs if pair.corpus == "news")
    assert json.loads((data / "out" / SUMMARY).read_text())["pairs"] == {"swh_Latn-eng_Latn": 5}


def test_a_corpus_has_a_cap_of_its_own(data: Path) -> None:
    pairs = chosen(data, data / "out", corpus_caps={"verses": 1})
    assert [pair.corpus for pair in pairs].count("verses") == 1


def test_the_same_data_give_the_same_pairs_as_words_of_the_service(data: Path) -> None:
    pairs = chosen(data, data / "one", cap=6)
    assert pairs == chosen(data, data / "two", cap=6)
    assert pairs[0].target[-1] == "."
    assert pairs[0].source[-1] == "."


def test_a_missing_corpus_is_named(data: Path) -> None:
    with pytest.raises(DataError, match=r"lacks tales\.tsv\.xz"):
        prepare(data, PrepareRecipe(corpora=("tales",)), data)


def test_links_follow_their_pairs_and_long_pairs_are_left_out(tmp_path: Path) -> None:
    pairs = [
        Pair("x", "swh_Latn", "eng_Latn", ("a", "b"), ("c", "d")),
        Pair("x", "deu_Latn", "eng_Latn", ("a", "b"), ("c", "d")),
        Pair("x", "swh_Latn", "eng_Latn", ("a",) * 9, ("c",)),
        Pair("x", "swh_Latn", "eng_Latn", ("e", "f"), ("g", "h")),
    ]
    (tmp_path / "swh_Latn-eng_Latn.txt").write_text("0-1\n0-0\n1-0\n", encoding="utf-8")
    rows = [line.split("\t") for line in with_links(pairs, tmp_path, 5)]
    assert [(int(row[0]), row[3], row[5]) for row in rows] == [
        (Supervision.STATISTICAL, "a b", "0-1"),
        (Supervision.TEACHER, "a b", ""),
        (Supervision.STATISTICAL, "e f", "1-0"),
    ]


@pytest.mark.parametrize(("lines", "problem"), [("0-1\n", "fewer links"), ("0-1\n0-1\n0-1\n", "more links")])
def test_links_of_another_run_are_refused(tmp_path: Path, lines: str, problem: str) -> None:
    pairs = [Pair("x", "swh_Latn", "eng_Latn", ("a",), ("b",))] * 2
    (tmp_path / "swh_Latn-eng_Latn.txt").write_text(lines, encoding="utf-8")
    with pytest.raises(DataError, match=problem):
        list(with_links(pairs, tmp_path, 5))
