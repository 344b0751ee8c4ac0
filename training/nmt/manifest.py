"""`spanbridge.json`, the manifest that the translation service reads."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.nmt.recipe import ConvertRecipe
from training.nmt.stages import sha256, write_json

MANIFEST = "spanbridge.json"
FILES = ("model.bin", "tokenizer.json", "shared_vocabulary.json", "config.json")


def directions(pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Every direction of trained pairs, sorted: both ways of each (language, pivot)."""
    both = {pair for language, pivot in pairs for pair in ((language, pivot), (pivot, language))}
    return [list(pair) for pair in sorted(both)]


def manifest(folder: Path, recipe: ConvertRecipe, pairs: Sequence[tuple[str, str]], max_tokens: int) -> dict[str, Any]:
    """The manifest of the model in `folder`; `max_tokens` counts code and `</s>` too, on either side."""
    codes = sorted({code for pair in pairs for code in pair})
    return {
        "kind": "translation",
        "name": recipe.name,
        "licence": recipe.licence,
        "layout": "nllb",
        "languages": {code: code for code in codes},
        "pairs": directions(pairs),
        "max_source_tokens": max_tokens,
        "max_target_tokens": max_tokens,
        "files": {name: sha256(folder / name) for name in FILES},
    }


def write_manifest(folder: Path, recipe: ConvertRecipe, pairs: Sequence[tuple[str, str]], max_tokens: int) -> None:
    """Write `spanbridge.json` beside the files that it lists."""
    write_json(folder / MANIFEST, manifest(folder, recipe, pairs, max_tokens))


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """The manifest of a converted model."""
    values: Mapping[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return values
