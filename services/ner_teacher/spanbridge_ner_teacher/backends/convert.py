"""`spanbridge models convert` for token classifiers: BERT or XLM-R checkpoints become what this service loads."""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spanbridge_ner_teacher.backends.checkpoints import Checkpoint, load_checkpoint
from spanbridge_ner_teacher.core.labels import read_tags
from spanbridge_shared.contracts.manifest import MANIFEST_FILE, TokenClassifierManifest
from spanbridge_shared.contracts.ner import ANY_LANGUAGE
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.text.languages import resolve_language

_SERVED_TYPES = ("bert", "xlm-roberta")


def convert(
    source: str,
    output: Path,
    *,
    quantization: str = "int8",
    licence: str,
    name: str | None = None,
    languages: Sequence[str] = (ANY_LANGUAGE,),
) -> Path:
    """Write encoder, head, tokenizer and manifest to `output`, and return it; `source` is a hub id or a folder.

    `quantization` is CTranslate2's (int8, float32 …) and touches the encoder alone. `output` appears once it is whole.
    Raises `ConfigurationError` for an output that exists, for other architectures, and for what `load_checkpoint` and
    `read_tags` refuse.
    """
    if output.exists():
        raise ConfigurationError(f"{output} exists; name a folder that doesn't")
    served = [each if each == ANY_LANGUAGE else resolve_language(each) for each in languages]
    checkpoint = load_checkpoint(source)
    read_tags(checkpoint.tags)
    _check_architecture(checkpoint)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as parent:
        folder = Path(parent) / "model"
        _write_encoder(source, folder, quantization)
        (folder / "tokenizer.json").write_text(checkpoint.tokenizer_json, encoding="utf-8")
        _write_head(checkpoint, folder / "head.npz")
        manifest = TokenClassifierManifest(
            kind="token-classification",
            name=name or _safe_name(source),
            licence=licence,
            files=_checksums(folder),
            labels=list(checkpoint.tags),
            languages=served,
            max_tokens=checkpoint.max_tokens,
        )
        (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        shutil.move(folder, output)
    return output


def _check_architecture(checkpoint: Checkpoint) -> None:
    config = checkpoint.model.config
    if config.model_type not in _SERVED_TYPES:
        raise ConfigurationError(
            f"{checkpoint.name} is a {config.model_type} model; {' and '.join(_SERVED_TYPES)} can be converted"
        )
    if getattr(config, "position_embedding_type", None) not in (None, "absolute"):
        raise ConfigurationError(f"{checkpoint.name} has relative positions, which CTranslate2's BERT doesn't know")


def _write_head(checkpoint: Checkpoint, path: Path) -> None:
    classifier = checkpoint.model.classifier
    np.savez(path, weight=classifier.weight.detach().numpy(), bias=classifier.bias.detach().numpy())


def _write_encoder(source: str, folder: Path, quantization: str) -> None:
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):  # type: ignore[misc]  # CTranslate2 has no types.
        """CTranslate2's own converter with a patched model in place of a patched copy of the user's folder."""

        def load_model(self, model_class: Any, model_name_or_path: str, **kwargs: Any) -> Any:
            model = super().load_model(model_class, model_name_or_path, **kwargs)
            # transformers 5 dropped this attribute, and CTranslate2 4 insists on it.
            model.config.position_embedding_type = "absolute"
            pooler = getattr(model, "pooler", None)
            if pooler is not None:
                # Token classifiers have no pooler: left at random it would make every conversion another file.
                pooler.dense.weight.data.zero_()
                pooler.dense.bias.data.zero_()
            return model

    Converter(source).convert(str(folder), quantization=quantization)


def _checksums(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def _safe_name(source: str) -> str:
    """Return a name for the manifest.

    >>> _safe_name("dslim/bert-base-NER")
    'bert-base-NER'
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", source.rstrip("/").rpartition("/")[2])[:80]
