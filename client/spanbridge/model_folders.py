"""What models there are in the models folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from spanbridge_shared.contracts.manifest import (
    MANIFEST,
    MANIFEST_FILE,
    EncoderManifest,
    TokenClassifierManifest,
    TranslationManifest,
)
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.manifests import model_version, read_manifest


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """One model; with a `fault` what could not be read is empty. `megabytes` counts 10^6 bytes of all files."""

    folder: str
    name: str = ""
    kind: str = ""
    licence: str = ""
    megabytes: float = 0.0
    version: str = ""
    fault: str | None = None


def list_models(root: Path, *, check: bool) -> list[ModelFolder]:
    """Return every folder of `root` that has a manifest, by name; `check` compares all files with their checksums."""
    if not root.is_dir():
        raise ConfigurationError(f"there is no folder {root}; SPANBRIDGE_MODELS_DIR names another one")
    return [_look(path.parent, check=check) for path in sorted(root.glob(f"*/{MANIFEST_FILE}"))]


def _look(folder: Path, *, check: bool) -> ModelFolder:
    size = round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 1)
    try:
        manifest = MANIFEST.validate_json((folder / MANIFEST_FILE).read_bytes())
    except ValidationError as fault:
        told = f"{MANIFEST_FILE} is not a manifest: {fault.errors()[0]['msg']}"
        return ModelFolder(folder.name, megabytes=size, fault=told)
    wrong: str | None = None
    if check:
        try:
            _check_files(folder, manifest.kind)
        except ConfigurationError as fault:
            wrong = fault.detail
    return ModelFolder(
        folder.name, manifest.name, manifest.kind, manifest.licence, size, model_version(manifest), wrong
    )


def _check_files(folder: Path, kind: Literal["translation", "encoder", "token-classification"]) -> None:
    match kind:
        case "translation":
            read_manifest(folder, TranslationManifest)
        case "encoder":
            read_manifest(folder, EncoderManifest)
        case "token-classification":
            read_manifest(folder, TokenClassifierManifest)
