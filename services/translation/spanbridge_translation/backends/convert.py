"""Turns an NLLB or M2M100 checkpoint into a folder that the ctranslate2 backend loads. Needs the `convert` extra."""

import hashlib
import json
from pathlib import Path
from typing import Any

from spanbridge_shared.contracts.manifest import MANIFEST_FILE, TranslationManifest
from spanbridge_shared.errors import ConfigurationError
from spanbridge_translation.backends.checkpoint import Checkpoint, open_checkpoint

_FILES = ("model.bin", "config.json", "shared_vocabulary.json", "tokenizer.json")


def convert(source: str, output: Path, *, quantization: str = "int8", licence: str, name: str | None = None) -> Path:
    """Convert a checkpoint (a folder or a hub id) into `output` and return it.

    `licence` is the weights' own and goes into the manifest; `name` defaults to the checkpoint's. Raises
    `ConfigurationError` where the source is no such checkpoint, or the output folder already holds something.
    """
    if output.exists() and any(output.iterdir()):
        raise ConfigurationError(f"{output} is not empty; name a new folder")
    checkpoint = open_checkpoint(source)
    _convert_weights(source, output, checkpoint, quantization)
    (output / "tokenizer.json").write_text(checkpoint.tokenizer_json, encoding="utf-8")
    manifest = TranslationManifest(
        kind="translation",
        name=name or Path(source).name,
        licence=licence,
        files={file: _sha256(output / file) for file in _FILES},
        layout=checkpoint.layout,
        languages=checkpoint.languages,
        pairs=None,
        max_source_tokens=checkpoint.max_tokens,
        max_target_tokens=checkpoint.max_tokens,
    )
    (output / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return output


def _convert_weights(source: str, output: Path, checkpoint: Checkpoint, quantization: str) -> None:
    import numpy as np
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):  # type: ignore[misc]
        """CTranslate2's own, with attention averaged over all heads."""

        def _load(self) -> Any:
            spec = super()._load()
            spec.decoder.alignment_heads = np.dtype("int16").type(0)
            return spec

    Converter(source).convert(str(output), quantization=None if quantization == "float32" else quantization, force=True)
    # CTranslate2 reads the vocabulary off the tokenizer object, which under transformers 5 no longer lists every token.
    path = output / "shared_vocabulary.json"
    if len(json.loads(path.read_text(encoding="utf-8"))) != len(checkpoint.vocabulary):
        raise ConfigurationError(f"{source}: its tokenizer and its weights don't have the same number of tokens")
    path.write_text(json.dumps(checkpoint.vocabulary, ensure_ascii=False, indent=0), encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
