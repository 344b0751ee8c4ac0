"""The student's recipe: which texts it learns from, and their English."""

import json
from pathlib import Path

import pytest

from training.nmt.errors import DataError
from training.student.layout import ENGLISH_TEXTS, RUNNING, TEXTS
from training.student.texts import select

MODELS = Path(__file__).parents[3] / "models"


@pytest.fixture(name="data")
def masakhaner2(tmp_path: Path) -> Path:
    for code, lines in {
        "swa": ["a b c d", "a  b c d", "one two three four", "x y", "dev text is here", "test text is here"],
        "yor": [f"ọ {number} b d" for number in range(20)],
        "bbj": ["a b c d e"],
    }.items():
        folder = tmp_path / "data" / "ner" / "masakhaner2" / code
        folder.mkdir(parents=True)
        folder.joinpath("unlabelled.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    swa = tmp_path / "data" / "ner" / "masakhaner2" / "swa"
    for part in ("dev", "test"):
        tagged = "".join(f"{word} {tag}\n" for word, tag in zip([part, "text", "is", "here"], "OOOO", strict=True))
        swa.joinpath(f"{part}.txt").write_text(tagged + "\nlast O\n", encoding="utf-8")
    return tmp_path / "data"


def _select(data: Path, output: Path, sentences: int = 100, seed: int = 0) -> None:
    select(data, output, sentences=sentences, min_words=4, max_words=60, seed=seed, leave_out=("bbj",))


def test_texts_of_dev_and_test_repeated_and_short_ones_are_left_out(data: Path, tmp_path: Path) -> None:
    _select(data, tmp_path / "out")
    chosen = (tmp_path / "out" / TEXTS / "swh_Latn.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(chosen) == ["a b c d", "one two three four"]
    assert sorted(path.stem for path in (tmp_path / "out" / TEXTS).iterdir()) == ["swh_Latn", "yor_Latn"]


def test_the_seed_alone_decides(data: Path, tmp_path: Path) -> None:
    outcomes = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        _select(data, tmp_path / name, sentences=5, seed=seed)
        outcomes.append((tmp_path / name / TEXTS / "yor_Latn.txt").read_text(encoding="utf-8"))
    assert outcomes[0] == outcomes[1] != outcomes[2]
    assert len(outcomes[0].splitlines()) == 5


def test_running_text_is_the_same_sentences(data: Path, tmp_path: Path) -> None:
    folder = data / "ner" / "masakhaner2" / "swa"
    folder.joinpath("unlabelled.txt").write_text('Alisema : " Karibu " .\n', encoding="utf-8")
    _select(data, tmp_path / "out")
    assert (tmp_path / "out" / RUNNING / "swh_Latn.txt").read_text(encoding="utf-8") == 'Alisema: "Karibu".\n'


def test_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unlabelled"):
        _select(tmp_path, tmp_path / "out")


def _selected(folder: Path, lang: str, lines: list[str]) -> Path:
    for kind in (TEXTS, RUNNING):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / f"{lang}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


@pytest.mark.models
@pytest.mark.torch
def test_translations_stand_beside_their_texts(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from training.student.translate import translate

    lines = ["Rais Samia alitembelea Nairobi jana na kukutana na viongozi wa nchi hiyo.", "Habari za asubuhi."]
    translate(_selected(tmp_path / "in", "swh_Latn", lines), MODELS / "nmt", tmp_path / "out", beam=2, batch_tokens=64)
    rows = (tmp_path / "out" / ENGLISH_TEXTS / "swh_Latn.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(row)["text"] for row in rows] == lines
    assert (tmp_path / "out" / TEXTS / "swh_Latn.txt").read_text(encoding="utf-8").splitlines() == lines
    assert "Samia" in json.loads(rows[0])["english"]
    assert "Nairobi" in json.loads(rows[0])["english"]
    with pytest.raises(DataError, match="xxx_Latn"):
        translate(
            _selected(tmp_path / "in2", "xxx_Latn", ["a"]), MODELS / "nmt", tmp_path / "o", beam=1, batch_tokens=64
        )
