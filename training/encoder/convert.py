"""Stages `convert` and `publish`: the pruned checkpoint as CTranslate2 int8 with tokenizer and manifest."""

import json
import logging
import shutil
import tempfile
from pathlib import Path

from ctranslate2.converters import TransformersConverter
from tokenizers import Tokenizer

from training.encoder.manifest import MANIFEST_NAME, verify, write_manifest
from training.encoder.stages import Stamp, checkpoint_files, fingerprints, run_stage, write_json
from training.encoder.tokenizer import ordered_vocabulary

logger = logging.getLogger(__name__)


class VocabularyMismatchError(ValueError):
    """CTranslate2's vocabulary and the tokenizer's number the pieces differently."""


def convert(
    checkpoint: Path, out: Path, *, name: str, licence: str, quantization: str = "int8", force: bool = False
) -> bool:
    """Write model.bin, config.json, vocabulary.json, tokenizer.json and spanbridge.json to `out`."""
    inputs = fingerprints(checkpoint, checkpoint_files(checkpoint))
    stamp = Stamp("convert", {"name": name, "licence": licence, "quantization": quantization}, inputs)

    def build(folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            TransformersConverter(str(checkpoint)).convert(f"{scratch}/model", quantization=quantization)
            for path in Path(scratch, "model").iterdir():
                path.replace(folder / path.name)
        shutil.copyfile(checkpoint / "tokenizer.json", folder / "tokenizer.json")
        compact_vocabulary(folder)
        config = json.loads((checkpoint / "config.json").read_text("utf-8"))
        write_manifest(
            folder,
            name=name,
            licence=licence,
            layer=config["num_hidden_layers"],
            hidden_size=config["hidden_size"],
            max_tokens=config["max_position_embeddings"],
        )

    return run_stage(out, stamp, build, force=force)


def compact_vocabulary(folder: Path) -> None:
    """Rewrite vocabulary.json without indentation or escapes, checking it against the tokenizer."""
    path = folder / "vocabulary.json"
    vocabulary = json.loads(path.read_text("utf-8"))
    if vocabulary != ordered_vocabulary(Tokenizer.from_file(str(folder / "tokenizer.json"))):
        raise VocabularyMismatchError("vocabulary.json and tokenizer.json number the pieces differently")
    write_json(path, vocabulary, indent=None)


def publish(converted: Path, out: Path) -> list[str]:
    """Copy the checked files of a converted model into `out`, the manifest last; return those that changed.

    Other files of `out`, such as the model card, stay.
    """
    manifest = verify(converted)
    out.mkdir(parents=True, exist_ok=True)
    changed = []
    for name in (*manifest.files, MANIFEST_NAME):
        target, source = out / name, converted / name
        if target.is_file() and target.read_bytes() == source.read_bytes():
            continue
        partial = out / f".{name}.partial"
        shutil.copyfile(source, partial)
        partial.replace(target)
        changed.append(name)
    verify(out)
    logger.info("publish: %s", ", ".join(changed) or "already up to date")
    return changed
