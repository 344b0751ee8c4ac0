"""The network: a BERT encoder and one linear layer that gives each first sub-word its tag."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from spanbridge_distillation.start import HEAD, Start
from training.nmt.errors import ModelFileError
from training.parcels import restored
from training.teacher.corpus import BOS_ID, EOS_ID, PAD_ID, SPECIALS, Corpus, Ints
from training.teacher.english import TAGS

_HEAD_SPREAD = 0.02


class Tagger(nn.Module):  # type: ignore[misc]  # torch is not followed.
    """Encoder and head; `encoder` may be saved as a transformers BertModel."""

    def __init__(self, config: Mapping[str, Any], dropout: float) -> None:
        super().__init__()
        settings = dict(config) | {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        self.encoder = BertModel(BertConfig(**settings), add_pooling_layer=False)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(int(config["hidden_size"]), len(TAGS))
        nn.init.normal_(self.head.weight, std=_HEAD_SPREAD)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits (rows, width, n_tags) in float32 for padded ids (rows, width)."""
        hidden = self.encoder(input_ids=ids, attention_mask=(ids != PAD_ID).long()).last_hidden_state
        logits: Tensor = self.head(self.dropout(hidden)).float()
        return logits


def tagger_of(start: Start, dropout: float) -> Tagger:
    """Return a tagger with the weights of `start`, the head random where it brings none.

    Raises `ModelFileError` where they don't fit.
    """
    tagger = Tagger(start.config, dropout)
    weights = {
        name if name.startswith(HEAD) else f"encoder.{name}": value for name, value in restored(start.arrays).items()
    }
    outcome = tagger.load_state_dict(weights, strict=False)
    headless = not any(name.startswith(HEAD) for name in weights)
    missing = [
        name for name in outcome.missing_keys if "position_ids" not in name and not (headless and name.startswith(HEAD))
    ]
    if missing or outcome.unexpected_keys:
        raise ModelFileError(f"the starting weights lack {missing[:3]} and have unknown {outcome.unexpected_keys[:3]}")
    return tagger


class Layout:
    """The corpus on a device, laid out by batch: padded ids, and for each first sub-word the number of its word."""

    def __init__(self, corpus: Corpus, device: torch.device) -> None:
        self._ids = torch.from_numpy(corpus.ids.astype(np.int32)).to(device)
        self._words = torch.from_numpy(np.where(corpus.firsts, corpus.word_of, -1)).to(device)
        self._starts = torch.from_numpy(corpus.starts).to(device)
        self._device = device

    def batch(self, sentences: Ints, width: int) -> tuple[Tensor, Tensor]:
        """Return ids `<s> pieces </s>` (n, width), cut where longer, and words (n, width), -1 where no word begins."""
        rows = torch.from_numpy(sentences).to(self._device)
        starts = self._starts[rows][:, None]
        lengths = (self._starts[rows + 1][:, None] - starts).clamp(max=width - SPECIALS)
        columns = torch.arange(width, device=self._device)[None, :]
        at = (starts + columns - 1).clamp(0, len(self._ids) - 1)
        inside = (columns > 0) & (columns <= lengths)
        ids = torch.where(inside, self._ids[at].long(), PAD_ID)
        ids = torch.where(columns == 0, BOS_ID, torch.where(columns == lengths + 1, EOS_ID, ids))
        return ids, torch.where(inside, self._words[at], -1)


def tagging_loss(logits: Tensor, words: Tensor, soft: Tensor, weights: Tensor, smoothing: float) -> Tensor:
    """Weighted cross-entropy against soft tags.

    `logits` (rows, width, n_tags), `words` (rows, width), `soft` (n_words, n_tags) and `weights` (n_words,) by word.
    """
    # Every place counts, most with weight 0: picking the words out would make the host wait for the device.
    rows = words.clamp(min=0)
    targets = soft[rows].float()
    targets = targets * (1 - smoothing) + smoothing / targets.shape[-1]
    importance = weights[rows].float() * (words >= 0)
    losses = -(targets * functional.log_softmax(logits, dim=-1)).sum(dim=-1)
    return (losses * importance).sum() / importance.sum().clamp(min=1.0)
