"""Reading a token-classification checkpoint of transformers, for the backend that runs it and for the converter."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanbridge_shared.errors import ConfigurationError

_NOT_PART_OF_THE_MODEL = frozenset({".md", ".lock"})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded checkpoint: the torch module, its tokenizer as `tokenizer.json`, its tags by row of the head."""

    name: str
    version: str
    model: Any
    tokenizer_json: str
    tags: tuple[str, ...]
    max_tokens: int
    pad_id: int


def load_checkpoint(source: str) -> Checkpoint:
    """Load a hub id or a folder in float32, in evaluation mode.

    Raises `ConfigurationError` where transformers is missing, where the checkpoint can't be found or read, where its
    head was never trained, and where its tokenizer has no `tokenizer.json` form.
    """
    try:
        import torch
        from transformers import AutoModelForTokenClassification, AutoTokenizer
    except ImportError as fault:
        raise ConfigurationError("torch and transformers are needed: `pip install 'spanbridge[convert]'`") from fault
    try:
        model, report = AutoModelForTokenClassification.from_pretrained(
            source, output_loading_info=True, dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, ImportError) as fault:
        raise ConfigurationError(f"transformers can't load {source!r} for token classification: {fault}") from fault
    if missing := sorted(report["missing_keys"]):
        raise ConfigurationError(
            f"{source!r} is no fine-tuned token classifier: the checkpoint lacks {', '.join(missing[:4])}"
        )
    if not getattr(tokenizer, "is_fast", False):
        raise ConfigurationError(f"the tokenizer of {source!r} can't be written as tokenizer.json")
    config = model.config
    return Checkpoint(
        name=Path(source).name if Path(source).is_dir() else source,
        version=_version(source, config),
        model=model.eval(),
        tokenizer_json=tokenizer.backend_tokenizer.to_str(),
        tags=tuple(str(config.id2label[row]) for row in range(config.num_labels)),
        max_tokens=_max_tokens(config, tokenizer),
        pad_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0,
    )


def _max_tokens(config: Any, tokenizer: Any) -> int:
    """Return the longest input, special tokens included; RoBERTa's kin count positions from behind the padding id."""
    positions = int(config.max_position_embeddings)
    if "roberta" in config.model_type:
        positions -= int(config.pad_token_id) + 1
    return min(positions, int(tokenizer.model_max_length))


def _version(source: str, config: Any) -> str:
    """Return the hub's commit, or a hash of the folder's files."""
    folder = Path(source)
    if not folder.is_dir():
        commit = getattr(config, "_commit_hash", None)
        return str(commit)[:8] if commit else "unknown"
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.suffix not in _NOT_PART_OF_THE_MODEL:
            digest.update(file.name.encode())
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:8]
