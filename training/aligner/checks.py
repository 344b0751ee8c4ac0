"""Measure a network on gold alignments as the service reads it: mutual best matches of centred word vectors."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from tokenizers import Tokenizer

from training.encoder.encoders import batches
from training.encoder.evaluate import GoldPair, links
from training.encoder.links import word_vectors
from training.encoder.metrics import AlignmentCounts
from training.encoder.tokenizer import PAD_ID
from training.encoder.wheel import FloatArray

_BATCH_TOKENS = 8192


def measure(
    network: Any, tokenizer: Tokenizer, checks: Mapping[str, Sequence[GoldPair]], device: torch.device
) -> dict[str, float]:
    """F1 of each set of gold pairs, in percent."""
    pairs = [pair for each in checks.values() for pair in each]
    sources = _vectors(network, tokenizer, [pair.source for pair in pairs], device)
    targets = _vectors(network, tokenizer, [pair.target for pair in pairs], device)
    counts = [
        AlignmentCounts.of(links(source, target), pair.sure, pair.possible)
        for pair, source, target in zip(pairs, sources, targets, strict=True)
    ]
    figures, begin = {}, 0
    for name, each in checks.items():
        total = AlignmentCounts.total(counts[begin : begin + len(each)])
        figures[name] = round(100 * total.f1, 2)
        begin += len(each)
    return figures


def _vectors(
    network: Any, tokenizer: Tokenizer, sentences: Sequence[Sequence[str]], device: torch.device
) -> list[FloatArray]:
    encodings = tokenizer.encode_batch([list(words) for words in sentences], is_pretokenized=True)
    found: dict[int, FloatArray] = {}
    for group in batches([len(encoding.ids) for encoding in encodings], _BATCH_TOKENS):
        width = max(len(encodings[i].ids) for i in group)
        ids = torch.tensor(
            [encodings[i].ids + [PAD_ID] * (width - len(encodings[i].ids)) for i in group], device=device
        )
        with torch.inference_mode():
            states = network(input_ids=ids, attention_mask=(ids != PAD_ID).long()).last_hidden_state
        hidden = states.float().cpu().numpy()
        for row, i in enumerate(group):
            own = hidden[row, : len(encodings[i].ids)]
            found[i] = word_vectors(own, encodings[i].word_ids, len(sentences[i]))
    return [found[i] for i in range(len(sentences))]
