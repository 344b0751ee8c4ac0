"""The tables of the model card, computed from the files of a run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.nmt.card import licences
from training.nmt.stages import STAMP
from training.teacher.calibrate import CALIBRATION
from training.teacher.convert import MANIFEST
from training.teacher.evaluate import RESULTS, table
from training.teacher.prepare import SUMMARY
from training.teacher.scoring import MEAN
from training.teacher.train import LOG

# ner/english of DATA/README.md.
_ENGLISH_LICENCES = {
    "ewt": "CC BY-SA 4.0",
    "btc": "CC BY 4.0",
    "wikigold": "CC BY 4.0",
    "wnut17": "CC BY 4.0",
    "sec_filings": "CC BY 3.0",
}


def card(work: Path, data: Path) -> str:
    """Markdown of a finished run: size, rounds, figures, calibration, data."""
    model = work / "converted" / "model"
    manifest = _read(model / MANIFEST)
    size = sum(path.stat().st_size for path in model.iterdir() if path.name != STAMP) / 1e6
    parts = [
        f"| fact | value |\n|---|---|\n| name, licence | {manifest['name']}, {manifest['licence']} |\n"
        f"| files | {size:.1f} MB |\n| temperature | {manifest['temperature']} |",
        rounds_table([json.loads(line) for line in (work / "trained" / LOG).read_text(encoding="utf-8").splitlines()]),
        table(_read(work / "evaluated" / RESULTS)).rstrip(),
        calibration_table(_read(work / "converted" / CALIBRATION)),
        data_table(_read(work / "prepared" / SUMMARY), licences(data)),
    ]
    return "\n\n".join(parts) + "\n"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rounds_table(lines: list[Mapping[str, Any]]) -> str:
    """Return a row a round: models, steps, seconds so far, dev F1 in English and the mean of MasakhaNER 2."""
    rows = ["| round | models | steps | seconds | EWT dev | MasakhaNER 2 dev |", "|---|---:|---:|---:|---:|---:|"]
    for line in lines:
        plan, scores = line["plan"], line["scores"]
        cells = [line["round"], plan["models"], plan["steps"], line["seconds"], scores["ewt"], scores[MEAN]]
        rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(rows)


def calibration_table(found: Mapping[str, Any]) -> str:
    """Return the expected calibration errors before and after the temperature."""
    rows = ["| expected calibration error | before | after |", "|---|---:|---:|"]
    for name, errors in found["expected calibration error"].items():
        rows.append(f"| {name} | {errors['before']} | {errors['after']} |")
    return "\n".join(rows)


def data_table(summary: Mapping[str, Any], known: Mapping[str, str]) -> str:
    """Return what was trained on with licences: sentences of the English sets with copies, and pairs."""
    rows = ["| data | licence | sentences or pairs |", "|---|---|---:|"]
    for name, count in summary["english"].items():
        source = name.split("/")[0]
        rows.append(f"| ner/english {name} | {_ENGLISH_LICENCES.get(source, 'unknown')} | {count} |")
    rows += [
        f"| {name} | {known.get(name, 'unknown')} | {count} |" for name, count in summary["pairs"].items() if count
    ]
    return "\n".join(rows)
