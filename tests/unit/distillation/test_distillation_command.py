"""`spanbridge distill` as it is typed, and its student served."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from spanbridge.cli import main
from tests.conftest import MODELS
from tests.support.ner_checkpoint import sentences


def _distill(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["distill", *arguments])


def test_the_command_is_found_and_loads_no_model_library() -> None:
    assert "distill " in CliRunner().invoke(main, ["--help"]).stdout
    assert "--unlabelled" in _distill("--help").stdout
    code = (
        "import sys, spanbridge_distillation.commands, spanbridge_distillation.running; "
        "sys.exit(bool({'torch', 'transformers', 'ctranslate2', 'fastapi'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--unlabelled", "a.txt"), "LANG=FILE"),
        (("--unlabelled", "swa=a.txt", "--teacher", "me"), "none of transfer"),
        (("--unlabelled", "swa=a.txt", "--set", "steps=no"), "steps"),
        (("--unlabelled", "swa=a.txt", "--source", "llm=b.txt"), "TEACHER=FILE"),
        (("--unlabelled", "swa=a.txt"), "can't be read"),
    ],
)
def test_what_is_typed_wrong_is_told(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    ended = _distill(*arguments, "--out", str(tmp_path), "--licence", "MIT")
    assert ended.exit_code != 0
    assert told in ended.stderr


@pytest.mark.models
@pytest.mark.torch
def test_a_student_is_distilled_from_the_pipeline_and_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANBRIDGE_MODELS_DIR", str(MODELS))
    lines = list(dict.fromkeys(" ".join(words) for words, _ in sentences(3, 60)))[:20]
    file, out = tmp_path / "swa.txt", tmp_path / "out"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    arguments = [
        "--lang", "swh_Latn", "--unlabelled", str(file), "--tokenized", "--out", str(out), "--layers", "2",
        "--weights", "transfer=.6,projection=.4", "--steps", "3", "--set", "batch_tokens=256", "--set", "held_out=2",
    ]  # fmt: skip
    ended = _distill(*arguments)
    assert ended.exit_code == 0, ended.stderr
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["gold_labels_read"] == 0
    assert [each["teacher"] for each in report["gathered"]] == ["transfer", "projection"]
    assert "No gold label was read" in (out / "report.md").read_text(encoding="utf-8")
    trained = out / "work" / "trained" / "index.json"
    made = trained.stat().st_mtime_ns
    # The same command again trains nothing anew.
    assert _distill(*arguments).exit_code == 0
    assert trained.stat().st_mtime_ns == made
    _check_served(out, lines)


def _check_served(out: Path, lines: list[str]) -> None:
    """The served student gives the probabilities that the trained weights give."""
    import torch

    from spanbridge_distillation.corpus import load_corpus
    from spanbridge_distillation.network import Layout, Student
    from spanbridge_distillation.trained import load_trained
    from spanbridge_ner_teacher.backends.ctranslate2_teacher import open_ctranslate2
    from spanbridge_ner_teacher.core.labels import TagScheme
    from spanbridge_ner_teacher.core.sentences import Sentence

    served = open_ctranslate2(str(out / "model"), threads=1, scheme=TagScheme.AUTO, max_batch_tokens=512)
    assert served.card.languages == ("swh_Latn",)
    rows = served.probabilities([Sentence("swh_Latn", tokens=tuple(line.split())) for line in lines])
    corpus = load_corpus(out / "work" / "encoded")
    student = Student(corpus.config, len(corpus.tags), 0.0, corpus.specials.pad).eval()
    weights, _ = load_trained(out / "work" / "trained")
    student.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    ids, words = Layout(corpus, torch.device("cpu")).batch(np.arange(len(lines)), 64)
    with torch.inference_mode():
        mine = student(ids).softmax(dim=-1)[words >= 0].numpy()
    assert np.abs(np.concatenate(rows) - mine).max() < 0.05
