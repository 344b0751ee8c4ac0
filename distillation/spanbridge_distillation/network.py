"""The student: a BERT encoder and one linear layer that gives each word's first sub-word its tag."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from spanbridge_distillation.corpus import NO_WORD, Corpus, Ints
from spanbridge_distillation.faults import ModelFault
from spanbridge_distillation.start import HEAD, restored

_HEAD_SPREAD = 0.02


class Student(nn.Module):  # type: ignore[misc]  # torch is not followed.
    """Encoder and head; `encoder` may be saved as a transformers BertModel."""

    def __init__(self, config: Mapping[str, Any], n_tags: int, dropout: float, pad: int) -> None:
        super().__init__()
        settings = dict(config) | {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        self.encoder = BertModel(BertConfig(**settings), add_pooling_layer=False)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(int(config["hidden_size"]), n_tags)
        self.pad = pad
        nn.init.normal_(self.head.weight, std=_HEAD_SPREAD)
        nn.init.zeros_(self.head.bias)

    def hidden(self, ids: Tensor) -> Tensor:
        """Return the encoder's last hidden states (rows, width, hidden) for padded ids (rows, width)."""
        states: Tensor = self.encoder(input_ids=ids, attention_mask=(ids != self.pad).long()).last_hidden_state
        return states

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits (rows, width, n_tags) in float32 for padded ids (rows, width)."""
        logits: Tensor = self.head(self.dropout(self.hidden(ids))).float()
        return logits


def build_student(corpus: Corpus, dropout: float, start: Mapping[str, NDArray[Any]]) -> Student:
    """Return a student with the starting weights, its head random where they have none.

    Raises `ModelFault` where they don't fit.
    """
    student = Student(corpus.config, len(corpus.tags), dropout, corpus.specials.pad)
    weights = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in restored(start).items()}
    head = {name: weights.pop(name) for name in tuple(weights) if name.startswith(HEAD)}
    if head:
        student.head.load_state_dict({name.removeprefix(HEAD): value for name, value in head.items()})
    outcome = student.encoder.load_state_dict(weights, strict=False)
    missing = [name for name in outcome.missing_keys if "position_ids" not in name]
    unknown = [name for name in outcome.unexpected_keys if "position_ids" not in name and "pooler" not in name]
    if missing or unknown:
        raise ModelFault(f"the starting weights lack {missing[:3]} and have unknown {unknown[:3]}")
    return student


def freeze(student: Student, *, embeddings: bool, layers: int) -> None:
    """Keep embeddings, and the first `layers` layers, as they are."""
    frozen = [student.encoder.embeddings] if embeddings else []
    for module in (*frozen, *student.encoder.encoder.layer[:layers]):
        module.requires_grad_(False)


class Layout:
    """The corpus on a device, laid out by batch."""

    def __init__(self, corpus: Corpus, device: torch.device) -> None:
        self._ids = torch.from_numpy(corpus.ids.astype(np.int32)).to(device)
        self._words = torch.from_numpy(corpus.word_at.astype(np.int32)).to(device)
        self._starts = torch.from_numpy(corpus.starts).to(device)
        self._specials, self._device = corpus.specials, device

    def batch(self, rows: Ints, width: int) -> tuple[Tensor, Tensor]:
        """Return padded ids (n, width), cut where longer, and words (n, width), NO_WORD where none begins."""
        special = self._specials
        n_before, n_after = len(special.before), len(special.after)
        chosen = torch.from_numpy(rows).to(self._device)
        starts = self._starts[chosen][:, None]
        lengths = (self._starts[chosen + 1][:, None] - starts).clamp(max=width - n_before - n_after)
        columns = torch.arange(width, device=self._device)[None, :]
        at = (starts + columns - n_before).clamp(0, len(self._ids) - 1)
        inside = (columns >= n_before) & (columns < n_before + lengths)
        ids = torch.where(inside, self._ids[at].long(), special.pad)
        for place, token in enumerate(special.before):
            ids = torch.where(columns == place, token, ids)
        for place, token in enumerate(special.after):
            ids = torch.where(columns == n_before + lengths + place, token, ids)
        return ids, torch.where(inside, self._words[at].long(), NO_WORD)


def words_dropped(ids: Tensor, words: Tensor, unknown: int, n_before: int, rate: float) -> Tensor:
    """Return ids in which each word became unknown, all its sub-words, with the chance `rate`; special ids stay."""
    columns = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    firsts = torch.where(words != NO_WORD, columns, 0).cummax(dim=1).values
    drop = (torch.rand(ids.shape, device=ids.device) < rate).gather(1, firsts)
    ends = torch.where(words != NO_WORD, columns, -1).amax(dim=1, keepdim=True)
    # What stands behind the last word's first sub-word may be special: that word stays whole.
    return torch.where(drop & (columns >= n_before) & (columns < ends), unknown, ids)
