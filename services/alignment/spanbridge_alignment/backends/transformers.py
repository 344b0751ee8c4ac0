"""Any encoder of Transformers, run by torch: for models that are not converted, and to compare with."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spanbridge_alignment.backends.base import Pieces, Tokens
from spanbridge_alignment.backends.checkpoint import open_checkpoint
from spanbridge_alignment.backends.words import WordTokenizer
from spanbridge_alignment.core.vectors import FloatArray, IntArray


class TransformersEncoder:
    """Reads hidden state number `layer` (0 would be the embeddings) of a hub id or a checkpoint folder."""

    def __init__(self, source: str, *, layer: int, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        checkpoint = open_checkpoint(source, layer)
        self._torch = torch
        self._model = checkpoint.model
        self._layer = layer
        self._words = WordTokenizer(checkpoint.tokenizer_json)
        self._pad = int(checkpoint.tokenizer.pad_token_id or 0)
        self.parallel_calls = 1
        self.window = checkpoint.max_tokens - len(self._words.head) - len(self._words.tail)
        self.model_version = _version(source, layer, checkpoint.model)

    def tokenize(self, sentences: Sequence[Tokens]) -> list[Pieces]:
        """See `EncoderBackend`."""
        return self._words(sentences)

    def encode(self, windows: Sequence[IntArray]) -> list[FloatArray]:
        """See `EncoderBackend`."""
        head, tail = self._words.head, self._words.tail
        width = len(head) + max(len(ids) for ids in windows) + len(tail)
        rows = np.full((len(windows), width), self._pad, dtype=np.int64)
        mask = np.zeros_like(rows)
        for row, ids in enumerate(windows):
            whole = np.concatenate([head, ids, tail])
            rows[row, : len(whole)], mask[row, : len(whole)] = whole, 1
        with self._torch.inference_mode():
            states = self._model(
                input_ids=self._torch.from_numpy(rows),
                attention_mask=self._torch.from_numpy(mask),
                output_hidden_states=True,
            ).hidden_states[self._layer]
        hidden = np.asarray(states.float().numpy(), dtype=np.float32)
        return [hidden[row, len(head) : len(head) + len(ids)] for row, ids in enumerate(windows)]


def _version(source: str, layer: int, model: Any) -> str:
    """Name the weights: by the hub's commit, or by a folder's weight files (name, size and time of change)."""
    commit = getattr(model.config, "_commit_hash", None)
    if not commit:
        files = sorted(each for each in Path(source).iterdir() if each.is_file())
        facts = [(each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in files]
        commit = hashlib.sha256(repr(facts).encode()).hexdigest()
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(source).name)
    return f"{name}-layer{layer}-{commit[:8]}"
