"""Reading a model's manifest: checks that the files are the ones it names, and derives `model_version`."""

import hashlib
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from spanbridge_shared.contracts.manifest import (
    MANIFEST,
    MANIFEST_FILE,
    EncoderManifest,
    TokenClassifierManifest,
    TranslationManifest,
)
from spanbridge_shared.errors import ConfigurationError

AnyManifest = TypeVar("AnyManifest", TranslationManifest, EncoderManifest, TokenClassifierManifest)


def read_manifest(folder: Path, kind: type[AnyManifest]) -> AnyManifest:
    """Return the manifest of a model folder after checking every file's checksum.

    Raises `ConfigurationError` where the folder, the manifest or a file is missing, of another kind, or changed.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise ConfigurationError(
            f"no model at {folder}: it has no {MANIFEST_FILE}; name a folder of models/ or convert one with "
            "`spanbridge models convert`"
        )
    try:
        manifest = MANIFEST.validate_json(path.read_bytes())
    except ValidationError as fault:
        raise ConfigurationError(f"{path} is not a manifest: {fault}") from fault
    if not isinstance(manifest, kind):
        raise ConfigurationError(f"{folder} is of kind {manifest.kind}; another kind is needed here")
    for name, expected in manifest.files.items():
        _check(folder / name, expected)
    return manifest


def model_version(manifest: TranslationManifest | EncoderManifest | TokenClassifierManifest) -> str:
    """Return a name that changes whenever a file or the manifest does, such as `nmt-1-1f3a9c02`."""
    digest = hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()
    return f"{manifest.name}-{digest[:8]}"


def _check(path: Path, expected: str) -> None:
    if not path.is_file():
        raise ConfigurationError(f"{path} is missing; the manifest beside it names it")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise ConfigurationError(f"{path} is damaged or of another version: sha256 {found[:12]}…, not {expected[:12]}…")
