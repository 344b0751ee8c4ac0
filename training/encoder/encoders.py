"""The two ways to run the encoder, behind one protocol: CTranslate2 int8 and the torch checkpoint it came from."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from training.encoder.manifest import MANIFEST_NAME
from training.encoder.tokenizer import PAD_ID
from training.encoder.wheel import FloatArray

MAX_BATCH_TOKENS = 2048
TokenIds = Sequence[int]


class Encoder(Protocol):
    """Turns token ids into hidden states."""

    def encode(self, sentences: Sequence[TokenIds]) -> list[FloatArray]:
        """Return one `(n_tokens, size)` array per sentence, in the order given."""


def batches(lengths: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Group indices by length, longest first, so that padded batches stay within `max_tokens`.

    >>> batches([3, 9, 4], 10)
    [[1], [2, 0]]
    """
    groups: list[list[int]] = []
    width = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if not groups or (len(groups[-1]) + 1) * width > max_tokens:
            groups.append([])
            width = lengths[index]
        groups[-1].append(index)
    return groups


def _in_batches(sentences: Sequence[TokenIds], forward: Callable[[list[TokenIds]], FloatArray]) -> list[FloatArray]:
    states: dict[int, FloatArray] = {}
    for group in batches([len(sentence) for sentence in sentences], MAX_BATCH_TOKENS):
        hidden = forward([sentences[i] for i in group])
        states.update((i, hidden[row, : len(sentences[i])]) for row, i in enumerate(group))
    return [states[i] for i in range(len(sentences))]


class CTranslate2Encoder:
    """The shipped form."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        import ctranslate2

        self._encoder = ctranslate2.Encoder(str(folder), device="cpu", intra_threads=threads)

    def encode(self, sentences: Sequence[TokenIds]) -> list[FloatArray]:
        """See Encoder."""
        return _in_batches(sentences, self._forward)

    def _forward(self, batch: list[TokenIds]) -> FloatArray:
        output = self._encoder.forward_batch([list(ids) for ids in batch])
        return np.array(output.last_hidden_state, dtype=np.float32)


class TorchEncoder:
    """A checkpoint in fp32, read at hidden state `layer` (0: the embeddings)."""

    def __init__(self, folder: Path, *, layer: int, threads: int) -> None:
        import torch
        from transformers import BertModel

        torch.set_num_threads(threads)
        self._torch = torch
        self._model = BertModel.from_pretrained(folder, num_hidden_layers=layer).eval()

    def encode(self, sentences: Sequence[TokenIds]) -> list[FloatArray]:
        """See Encoder."""
        return _in_batches(sentences, self._forward)

    def _forward(self, batch: list[TokenIds]) -> FloatArray:
        width = max(len(ids) for ids in batch)
        ids = self._torch.full((len(batch), width), PAD_ID)
        mask = self._torch.zeros((len(batch), width), dtype=self._torch.long)
        for row, sentence in enumerate(batch):
            ids[row, : len(sentence)] = self._torch.tensor(sentence)
            mask[row, : len(sentence)] = 1
        with self._torch.inference_mode():
            hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        return np.asarray(hidden.numpy(), dtype=np.float32)


def load_encoder(folder: Path, *, layer: int, threads: int) -> Encoder:
    """Open a shipped folder with CTranslate2, any other as a checkpoint cut at `layer`."""
    if (folder / MANIFEST_NAME).is_file():
        return CTranslate2Encoder(folder, threads=threads)
    return TorchEncoder(folder, layer=layer, threads=threads)
