"""The tables of a model card, computed from the files: size, parameters, training pairs per corpus, figures."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spanbridge_distillation.ctranslate2_file import read_model_file
from training.nmt.dequantise import shape_of
from training.nmt.evaluate import RESULTS, table
from training.nmt.manifest import FILES, read_manifest
from training.nmt.prepare import SUMMARY


def parameter_count(model_file: Path) -> int:
    """Trained numbers of a model.bin: each alias once, without scales, switches and computed positions."""
    variables = {id(value): (name, value) for name, value in read_model_file(model_file).variables.items()}
    return sum(
        value.size
        for name, value in variables.values()
        if value.ndim and not name.endswith("_scale") and "position_encodings" not in name
    )


def licences(data: Path) -> dict[str, str]:
    """Corpus → licence, from the table in DATA/parallel/README.md."""
    found = {}
    for line in (data / "parallel" / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 4 and cells[0] not in ("corpus", "---"):
            found[cells[0]] = cells[1]
    return found


def card(model: Path, prepared: Path, evaluation: Path | None, data: Path) -> str:
    """Markdown tables of one converted model; the figures are left out when it was not evaluated."""
    shape = shape_of(read_model_file(model / "model.bin"))
    manifest = read_manifest(model)
    size = sum((model / name).stat().st_size for name in FILES) / 1e6
    layers = f"{shape.encoder_layers} encoder and {shape.decoder_layers} decoder layers"
    facts = [
        "| fact | value |",
        "|---|---|",
        f"| name, licence | {manifest['name']}, {manifest['licence']} |",
        f"| parameters | {parameter_count(model / 'model.bin') / 1e6:.1f}M |",
        f"| shape | {shape.width} wide, {shape.feed_forward} inner, {shape.heads} heads, {layers} |",
        f"| files | {size:.1f} MB |",
        f"| languages, directions | {len(manifest['languages'])}, {len(manifest['pairs'])} |",
    ]
    parts = ["\n".join(facts), _corpora(json.loads((prepared / SUMMARY).read_text(encoding="utf-8")), licences(data))]
    if evaluation is not None:
        parts.append(table(json.loads((evaluation / RESULTS).read_text(encoding="utf-8"))))
    return "\n\n".join(parts) + "\n"


def _corpora(summary: Mapping[str, Any], known: Mapping[str, str]) -> str:
    rows = ["| corpus | licence | pairs |", "|---|---|---|"]
    rows += [f"| {name} | {known.get(name, 'unknown')} | {count} |" for name, count in summary["corpora"].items()]
    return "\n".join(rows)
