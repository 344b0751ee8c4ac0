"""The manifest `spanbridge.json` of a shipped model: what it is and the checksum of each file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from training.encoder.stages import sha256, write_json

MANIFEST_NAME = "spanbridge.json"
SHIPPED = ("model.bin", "config.json", "vocabulary.json", "tokenizer.json")


class ChecksumError(ValueError):
    """A model file is not the one that the manifest describes."""


@dataclass(frozen=True)
class Manifest:
    """The contents of spanbridge.json; `files` maps names to SHA-256."""

    name: str
    layer: int
    hidden_size: int
    max_tokens: int
    files: dict[str, str]
    kind: str = "encoder"
    licence: str = "MIT"
    prefix: str = ""


def write_manifest(folder: Path, *, name: str, licence: str, layer: int, hidden_size: int, max_tokens: int) -> Manifest:
    """Hash the shipped files of `folder` and write its manifest."""
    files = {file: sha256(folder / file) for file in SHIPPED}
    manifest = Manifest(name, layer, hidden_size, max_tokens, files, licence=licence)
    write_json(folder / MANIFEST_NAME, asdict(manifest), indent=2)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest; unknown or missing keys raise TypeError."""
    return Manifest(**json.loads((folder / MANIFEST_NAME).read_text("utf-8")))


def verify(folder: Path) -> Manifest:
    """Read the manifest and check every file against it; raises ChecksumError naming the wrong ones."""
    manifest = read_manifest(folder)
    wrong = [file for file, digest in manifest.files.items() if sha256(folder / file) != digest]
    if wrong:
        raise ChecksumError(f"{', '.join(wrong)} in {folder.name} differ from {MANIFEST_NAME}")
    return manifest
