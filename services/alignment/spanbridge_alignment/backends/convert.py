"""Turning a BERT or XLM-R encoder checkpoint into what the ctranslate2 backend loads."""

import hashlib
import json
import re
import tempfile
from pathlib import Path

from spanbridge_alignment.backends.checkpoint import CONVERTIBLE, Checkpoint, open_checkpoint
from spanbridge_shared.contracts.manifest import MANIFEST_FILE, EncoderManifest
from spanbridge_shared.errors import ConfigurationError

_FILES = ("model.bin", "config.json", "vocabulary.json", "tokenizer.json")


def convert(
    source: str, output: Path, *, layer: int = 8, quantization: str = "int8", licence: str, name: str | None = None
) -> Path:
    """Write the encoder's first `layer` layers, its tokenizer and its manifest to `output`, and return that folder.

    `source` is a hub id or a folder. Raises `ConfigurationError` for a checkpoint of another kind, a layer that it
    doesn't have, or an output folder with files in it.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ConfigurationError(f"{output} exists and is not an empty folder; name another one")
    checkpoint = open_checkpoint(source, layer)
    if checkpoint.model_type not in CONVERTIBLE:
        raise ConfigurationError(
            f"{source} is a {checkpoint.model_type} model; encoders of {' and '.join(CONVERTIBLE)} can be converted"
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    # Beside the output, so that the last step is a rename: a folder with a manifest is always complete.
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        cut, folder = Path(scratch) / "cut", Path(scratch) / "converted"
        _save_cut(checkpoint, cut)
        _run_converter(cut, folder, quantization)
        (folder / "tokenizer.json").write_text(checkpoint.tokenizer_json, encoding="utf-8")
        manifest = EncoderManifest(
            name=_safe_name(name or f"{Path(source).name}-layer{layer}"),
            licence=licence,
            files={file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in _FILES},
            kind="encoder",
            layer=layer,
            hidden_size=checkpoint.model.config.hidden_size,
            max_tokens=checkpoint.max_tokens,
        )
        (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if output.exists():
            output.rmdir()
        folder.rename(output)
    return output


def _save_cut(checkpoint: Checkpoint, folder: Path) -> None:
    """Save the encoder as the converter wants it; its pooler, which no link uses, as zeros."""
    pooler = getattr(checkpoint.model, "pooler", None)
    if pooler is not None:
        # Checkpoints without one get random numbers here, and the same checkpoint must give the same file.
        pooler.dense.weight.data.zero_()
        pooler.dense.bias.data.zero_()
    checkpoint.model.save_pretrained(folder)
    checkpoint.tokenizer.save_pretrained(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    # CTranslate2 asks for it; transformers 5 no longer writes it.
    path.write_text(json.dumps(config | {"position_embedding_type": "absolute"}), encoding="utf-8")


def _run_converter(checkpoint: Path, folder: Path, quantization: str) -> None:
    from ctranslate2.converters import TransformersConverter

    try:
        TransformersConverter(str(checkpoint)).convert(str(folder), quantization=quantization)
    except ValueError as fault:
        raise ConfigurationError(f"CTranslate2 can't convert this checkpoint: {str(fault)[:300]}") from fault


def _safe_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:80]
