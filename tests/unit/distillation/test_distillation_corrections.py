"""Corrections beside unlabelled text: left out of it, or learnt as gold; never both, never silently."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from spanbridge.cli import main
from spanbridge_distillation.combine import combine
from spanbridge_distillation.corpus import load_corpus
from spanbridge_distillation.corrections import CorrectionsUse, Told, with_corrections
from spanbridge_distillation.encode import encode
from spanbridge_distillation.gather import labels_file
from spanbridge_distillation.recipe import Consistency, Recipe
from spanbridge_distillation.soft_labels import save_soft_labels, soft_labels
from spanbridge_distillation.texts import Texts, read_texts
from spanbridge_shared.contracts.corrections import Correction
from spanbridge_shared.corrections.store import CorrectionStore
from spanbridge_shared.errors import ConfigurationError
from tests.conftest import MODELS
from tests.unit.distillation.student_world import LABELS, TAGS, rows_for, write_start

TIME = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = "Rais Samia amefika.\nNairobi ni mji .  Karibu tena sana.\nrais  SAMIA amefika .\nYule amefika.\n"


def made(task: int, text: str, *spans: tuple[int, int, str], **more: Any) -> Correction:
    kept = [{"start": start, "end": end, "label": label, "tool_label": label} for start, end, label in spans]
    fields = {"tool": "t", "task": str(task), "annotation": str(task), "lang": "swh_Latn", **more}
    return Correction.model_validate(fields | {"text": text, "spans": kept, "time": TIME})


@pytest.fixture
def texts(tmp_path: Path) -> list[Texts]:
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    return [read_texts(file, "sw", tokenized=False, limit=None, translations=None)]


@pytest.fixture
def store(tmp_path: Path) -> CorrectionStore:
    found = CorrectionStore(tmp_path / "store")
    found.append(
        [
            made(1, "Rais Samia amefika. Nairobi ni mji.", (5, 10, "PER"), (20, 27, "LOC")),
            made(2, "Yule amefika.", (0, 2, "PER")),  # Half a word.
            made(3, "Lagos", (0, 5, "LOC"), lang="yor_Latn"),
            made(4, "Leo joka limefika.", (4, 8, "Myth")),
        ]
    )
    return found


def shown(texts: Texts) -> list[str]:
    return [" ".join(words) for words in texts.words()]


def told(found: Any) -> Told:
    assert isinstance(found.told, Told)
    return found.told


def test_corrected_sentences_are_left_out_however_they_are_spelled(texts: list[Texts], store: CorrectionStore) -> None:
    assert len(shown(texts[0])) == 5
    found = with_corrections(texts, store.folder, CorrectionsUse.LEAVE_OUT, LABELS)
    assert shown(found.texts[0]) == ["Karibu tena sana ."]
    assert found.texts[0].digest != texts[0].digest
    assert (found.gold, told(found).left_out, told(found).added) == ([], {"swh_Latn": 4}, {})
    assert "swh_Latn: 4 sentences of the text left out" in told(found).lines()


def test_text_that_nobody_corrected_stays_as_it_was(texts: list[Texts], tmp_path: Path) -> None:
    CorrectionStore(tmp_path / "other").append([made(1, "Kitu kingine.")])
    found = with_corrections(texts, tmp_path / "other", CorrectionsUse.LEAVE_OUT, LABELS)
    assert found.texts == texts  # What was gathered of it still counts.


def test_corrected_sentences_are_added_as_gold(texts: list[Texts], store: CorrectionStore) -> None:
    found = with_corrections(texts, store.folder, CorrectionsUse.ADD, LABELS)
    assert shown(found.texts[0]) == ["Karibu tena sana ."]
    (gold,) = found.gold
    assert shown(gold.texts) == ["Rais Samia amefika .", "Nairobi ni mji .", "Leo joka limefika ."]
    best = [TAGS[column] for column in gold.labels.rows.argmax(axis=1)]
    assert best == ["O", "B-PER", "O", "O", "B-LOC", "O", "O", "O", "O", "O", "O", "O"]
    assert gold.labels.rows.max(axis=1).tolist() == [1.0] * len(best)
    assert gold.labels.sound.all()
    lines = told(found).lines()
    assert "swh_Latn: 3 corrected sentences added as gold" in lines
    assert "not among --labels, and learnt as no entities: Myth (1)" in lines
    assert any("1 entities aren't whole words" in line for line in lines)


def test_other_gold_is_another_encoding(texts: list[Texts], store: CorrectionStore) -> None:
    (before,) = with_corrections(texts, store.folder, CorrectionsUse.ADD, LABELS).gold
    store.append([made(1, "Rais Samia amefika. Nairobi ni mji.", (5, 10, "ORG"), (20, 27, "LOC"))])
    (after,) = with_corrections(texts, store.folder, CorrectionsUse.ADD, LABELS).gold
    assert before.texts.digest == after.texts.digest
    assert before.digest != after.digest


def test_a_text_of_which_nothing_is_left_is_told(texts: list[Texts], tmp_path: Path) -> None:
    CorrectionStore(tmp_path / "all").append([made(1, TEXT)])
    with pytest.raises(ConfigurationError, match="nothing is left"):
        with_corrections(texts, tmp_path / "all", CorrectionsUse.LEAVE_OUT, LABELS)


@pytest.mark.torch
def test_gold_is_learnt_whatever_teachers_said(texts: list[Texts], store: CorrectionStore, tmp_path: Path) -> None:
    found = with_corrections(texts, store.folder, CorrectionsUse.ADD, LABELS)
    teachers = {"transfer": 0.6, "projection": 0.4}
    for teacher, sure in teachers.items():
        path = labels_file(tmp_path / "gathered", teacher, "swh_Latn")
        path.parent.mkdir(parents=True)
        rows = [rows_for(["B-PER", *["O"] * (len(words) - 1)], sure) for words in found.texts[0].words()]
        labels = soft_labels(rows, [len(each) for each in rows], len(TAGS))
        save_soft_labels(path, labels, {"fingerprint": teacher})
    start, encoded = write_start(tmp_path / "start"), tmp_path / "encoded"
    encode(found.texts, list(teachers), LABELS, tmp_path / "gathered", start, None, {}, encoded, found.gold)
    corpus = load_corpus(encoded)
    assert (corpus.languages, corpus.n_sentences) == (("swh_Latn",), 4)
    recipe = Recipe(consistency=Consistency.DROP, min_confidence=0.9)
    alphas = np.full((2, 4), 0.5)
    combined = combine(corpus.soft.astype(np.float64), corpus.sound, corpus.words, alphas, recipe)
    of_gold = slice(int(corpus.words[1]), int(corpus.words[4]))
    assert combined.soft[of_gold].tolist() == found.gold[0].labels.rows.tolist()
    assert combined.weights[of_gold].tolist() == [1.0] * 12
    # Without gold the same folder is another one.
    made_with = (encoded / "meta.json").read_text(encoding="utf-8")
    encode(found.texts, list(teachers), LABELS, tmp_path / "gathered", start, None, {}, encoded)
    assert (encoded / "meta.json").read_text(encoding="utf-8") != made_with
    assert load_corpus(encoded).n_sentences == 1


def _distill(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["distill", *arguments])


def test_a_use_without_a_store_is_told(tmp_path: Path) -> None:
    ended = _distill("--unlabelled", "sw=a.txt", "--out", str(tmp_path), "--corrections-use", "add")
    assert ended.exit_code == 2
    assert "name the store as --corrections" in ended.stderr


@pytest.mark.models
@pytest.mark.torch
@pytest.mark.parametrize(("use", "gold"), [((), 0), (("--corrections-use", "add"), 3)])
def test_a_student_is_distilled_beside_corrections(
    use: tuple[str, ...], gold: int, store: CorrectionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANBRIDGE_MODELS_DIR", str(MODELS))
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    out = tmp_path / "out"
    ended = _distill(
        "--lang", "sw", "--unlabelled", str(tmp_path / "text.txt"), "--out", str(out), "--teacher", "transfer",
        "--layers", "1", "--steps", "2", "--set", "batch_tokens=64", "--corrections", str(store.folder), *use,
    )  # fmt: skip
    assert ended.exit_code == 0, ended.stderr
    assert "swh_Latn: 4 sentences of the text left out" in ended.stderr
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["gold_labels_read"] == gold
    assert report["corrections"]["left_out"] == {"swh_Latn": 4}
    assert report["languages"][0]["sentences"] == 1 + gold
    page = (out / "report.md").read_text(encoding="utf-8")
    assert ("No gold label was read" in page) == (gold == 0)
    assert "4 sentences of the text left out" in page
