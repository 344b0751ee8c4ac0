"""The cards' main figures, measured again on data: `models/figures.json` says which, and how near they must come."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.check.findings import Finding, near
from training.nmt.errors import DataError

FIGURES = "figures.json"
_THREADS, _HELD_OUT = 2, 0.4
_EN_FR_RO = ("en-fr/awesome_examples.test.tsv", "en-ro/awesome_examples.test.tsv")


@dataclass(frozen=True)
class Figure:
    """What a card says: `value` of `figure` for the model in folder `model`, and by how much it may differ."""

    model: str
    figure: str
    value: float
    within: float


def read_figures(models: Path) -> list[Figure]:
    """Read `models/figures.json`; raises DataError where a model has no way to be measured."""
    rows = json.loads((models / FIGURES).read_text(encoding="utf-8"))["figures"]
    figures = [Figure(row["model"], row["figure"], float(row["value"]), float(row["within"])) for row in rows]
    if unknown := sorted({each.model for each in figures} - set(MEASURES)):
        raise DataError(f"{FIGURES} names {', '.join(unknown)}; measured are {', '.join(MEASURES)}")
    return figures


def check_figures(models: Path, data: Path, figures: Sequence[Figure]) -> list[Finding]:
    """Measure every model that a figure names, once, on all of its sets in `data`."""
    measured = {name: MEASURES[name](models / name, data) for name in dict.fromkeys(each.model for each in figures)}
    findings = []
    for each in figures:
        if each.figure not in measured[each.model]:
            raise DataError(f"{each.model} has no figure {each.figure!r}; it has {', '.join(measured[each.model])}")
        findings.append(near(each.model, each.figure, measured[each.model][each.figure], each.value, each.within))
    return findings


def _nmt(folder: Path, data: Path) -> Mapping[str, float]:
    """BLEU and chrF into English, the mean of the languages of `mt_dev`."""
    from training.nmt.evaluate import RESULTS, evaluate
    from training.nmt.recipe import load_recipe

    with tempfile.TemporaryDirectory() as made:
        evaluate(folder, data, load_recipe().evaluate, Path(made))
        scores = json.loads((Path(made) / RESULTS).read_text(encoding="utf-8"))["scores"]
    return {f"{key} mean": sum(score[key] for score in scores) / len(scores) for key in ("bleu", "chrf")}


def _encoder(folder: Path, data: Path) -> Mapping[str, float]:
    """AER in percent of the argmax intersection: two test sets, and the mean of XL-WA's development sets."""
    from tokenizers import Tokenizer

    from training.encoder.encoders import load_encoder
    from training.encoder.evaluate import read_gold, score

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    layer = json.loads((folder / "spanbridge.json").read_text(encoding="utf-8"))["layer"]
    encoder = load_encoder(folder, layer=layer, threads=_THREADS)

    def aer(file: Path) -> float:
        return score(folder.name, file.name, read_gold(file), tokenizer, encoder).aer

    align = data / "align"
    xlwa = [aer(file) for file in sorted(align.glob("*/xlwa.dev.tsv"))]
    if not xlwa:
        raise DataError("DATA/align holds no */xlwa.dev.tsv")
    pairs = {f"aer {name.partition('/')[0]}": aer(align / name) for name in _EN_FR_RO}
    return {**pairs, "aer xlwa mean": sum(xlwa) / len(xlwa)}


def _classifier(folder: Path, data: Path) -> Mapping[str, float]:
    """Strict F1 on English sets and, as model transfer, the mean of MasakhaNER 2's development sets."""
    from training.teacher.evaluate import RESULTS, evaluate

    with tempfile.TemporaryDirectory() as made:
        evaluate(folder, data, _HELD_OUT, Path(made), threads=_THREADS)
        results = json.loads((Path(made) / RESULTS).read_text(encoding="utf-8"))
    english = {f"f1 {name}": value for name, value in results["english"][0]["f1"].items()}
    return {**english, "f1 masakhaner2 mean": results["mean"]}


MEASURES: Mapping[str, Callable[[Path, Path], Mapping[str, float]]] = {
    "nmt": _nmt,
    "encoder": _encoder,
    "teacher": _classifier,
    "student": _classifier,
}
