"""`make models-check`: it finds what is wrong, and nothing where nothing is."""

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("ctranslate2", reason="ctranslate2 comes with the services")

from training.check.__main__ import main
from training.check.figures import MEASURES, check_figures, read_figures
from training.check.findings import Finding, at_most, near, table
from training.nmt.errors import DataError

MODELS = Path(__file__).parents[3] / "models"


def test_limits_and_figures_have_edges() -> None:
    assert at_most("m", "size", 60.0, 60, "MB").met
    assert not at_most("m", "size", 60.1, 60, "MB").met
    assert near("m", "F1", 0.696, 0.691, 0.005).met
    assert not near("m", "F1", 0.697, 0.691, 0.005).met
    assert not near("m", "F1", 0.685, 0.691, 0.005).met


def test_the_last_line_counts() -> None:
    findings = [Finding("m", "x", "1", "1", met=True), Finding("m", "y", "2", "1", met=False)]
    told = table(findings)
    assert told.endswith("models-check: 2 checks, 1 missed\n")
    assert "| m | y | 2 | 1 | NO |" in told


@pytest.mark.models
def test_shipped_models_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--models", str(MODELS)]) == 0
    told = capsys.readouterr().out
    assert ", 0 missed" in told
    for folder in MODELS.iterdir():
        assert not folder.is_dir() or f"| {folder.name} | checksums | as in the manifest |" in told


@pytest.mark.models
def test_a_changed_file_is_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(MODELS / "teacher", tmp_path / "teacher")
    shutil.copy(MODELS / "figures.json", tmp_path)
    vocabulary = json.loads((tmp_path / "teacher" / "vocabulary.json").read_text(encoding="utf-8"))
    (tmp_path / "teacher" / "vocabulary.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    assert main(["--models", str(tmp_path)]) == 1
    assert "vocabulary.json" in next(line for line in capsys.readouterr().out.split("\n") if "| checksums |" in line)


@pytest.mark.models
def test_a_folder_without_limits_is_missed(tmp_path: Path) -> None:
    shutil.copytree(MODELS / "encoder", tmp_path / "another")
    shutil.copy(MODELS / "figures.json", tmp_path)
    assert main(["--models", str(tmp_path)]) == 1


def test_every_figure_names_a_model_that_is_shipped_and_can_be_measured() -> None:
    figures = read_figures(MODELS)
    assert {each.model for each in figures} == {path.name for path in MODELS.iterdir() if path.is_dir()}
    assert {each.model for each in figures} <= set(MEASURES)


def test_unknown_figures_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"model": "voice", "figure": "f1", "value": 1, "within": 0}
    (tmp_path / "figures.json").write_text(json.dumps({"figures": [row]}), encoding="utf-8")
    with pytest.raises(DataError, match="voice"):
        read_figures(tmp_path)
    (tmp_path / "figures.json").write_text(json.dumps({"figures": [row | {"model": "nmt"}]}), encoding="utf-8")
    monkeypatch.setattr("training.check.figures.MEASURES", {"nmt": lambda folder, data: {"bleu mean": 14.0}})
    with pytest.raises(DataError, match="no figure 'f1'; it has bleu mean"):
        check_figures(tmp_path, tmp_path, read_figures(tmp_path))


def test_figures_are_measured_once_a_model_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"model": "nmt", "figure": name, "value": 14.2, "within": 0.3} for name in ("bleu mean", "chrf mean")]
    (tmp_path / "figures.json").write_text(json.dumps({"figures": rows}), encoding="utf-8")
    asked: list[Path] = []

    def measure(folder: Path, data: Path) -> dict[str, float]:
        asked.append(folder)
        return {"bleu mean": 14.4, "chrf mean": 13.0}

    monkeypatch.setattr("training.check.figures.MEASURES", {"nmt": measure})
    findings = check_figures(tmp_path, tmp_path, read_figures(tmp_path))
    assert [each.met for each in findings] == [True, False]
    assert asked == [tmp_path / "nmt"]
