"""What the encoder is trained for: links as the service reads them, and word vectors near the teacher's."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_TINY = 1e-6
_FAR = -1e4


@dataclass(frozen=True)
class Words:
    """Word vectors (n, n_words, size), zero where `present` (n, n_words) is False."""

    vectors: Tensor
    present: Tensor


def pooled(hidden: Tensor, words: Tensor, width: int) -> Words:
    """Mean of each word's sub-words; `hidden` (n, length, size), `words` (n, length) the word of each, -1 for none."""
    n, _, size = hidden.shape
    slots = torch.where(words >= 0, words, width) + torch.arange(n, device=words.device)[:, None] * (width + 1)
    sums = torch.zeros(n * (width + 1), size, device=hidden.device)
    sums.index_add_(0, slots.flatten(), hidden.float().flatten(0, 1))
    counts = torch.bincount(slots.flatten(), minlength=n * (width + 1)).view(n, width + 1)[:, :width]
    vectors = sums.view(n, width + 1, size)[:, :width] / counts.clamp(min=1)[:, :, None]
    return Words(vectors, counts > 0)


def centred(words: Words) -> Words:
    """Unit vectors, each less its sentence's mean: what the service compares."""
    counts = words.present.sum(dim=1).clamp(min=1)[:, None, None]
    shifted = words.vectors - words.vectors.sum(dim=1, keepdim=True) / counts
    units = shifted / shifted.norm(dim=-1, keepdim=True).clamp(min=_TINY)
    return Words(units * words.present[:, :, None], words.present)


def cosines(source: Words, target: Words) -> Tensor:
    """Cosines (n, n_source, n_target) of `centred` words, far below -1 where a word is absent."""
    both = source.present[:, :, None] & target.present[:, None, :]
    return torch.where(both, source.vectors @ target.vectors.transpose(1, 2), _FAR)


def mutual(similarity: Tensor) -> Tensor:
    """The pairs (n, n_source, n_target) that are each other's best, as booleans."""
    forward = functional.one_hot(similarity.argmax(dim=2), similarity.shape[2]).bool()
    backward = functional.one_hot(similarity.argmax(dim=1), similarity.shape[1]).bool().transpose(1, 2)
    return forward & backward & (similarity > _FAR)


def link_loss(similarity: Tensor, links: Tensor, weights: tuple[Tensor, Tensor], temperature: float) -> Tensor:
    """Negative log of the probability that a linked word's links get together, in both directions.

    `similarity` and `links` (n, n_source, n_target); `weights` of source words (n, n_source) and of target words. The
    probabilities are a softmax of cosines by the temperature over the other side's words. One wrong link among right
    ones costs little: it is enough that the right ones win.
    """
    logits = similarity / temperature
    losses = []
    for dim, weight in ((2, weights[0]), (1, weights[1])):
        linked = links.any(dim=dim)
        inside = torch.where(links, logits, _FAR).logsumexp(dim=dim)
        loss = logits.logsumexp(dim=dim) - inside
        kept = weight * linked
        losses.append((torch.where(linked, loss, 0.0) * kept).sum() / kept.sum().clamp(min=1.0))
    return (losses[0] + losses[1]) / 2


def consistency_loss(similarity: Tensor, temperature: float) -> Tensor:
    """One less the share of the shorter side's words whose best match matches them back, softly (AWESOME's trace)."""
    present = similarity > _FAR
    logits = similarity / temperature
    agreed = logits.softmax(dim=2) * logits.softmax(dim=1)
    shorter = torch.minimum(present.any(dim=2).sum(dim=1), present.any(dim=1).sum(dim=1)).clamp(min=1)
    return (1 - torch.where(present, agreed, 0.0).sum(dim=(1, 2)) / shorter).mean()


def distillation_loss(student: Words, teacher: Words, weights: Tensor) -> Tensor:
    """Mean of one less the cosine of each `centred` word with the teacher's; `weights` (n, n_words)."""
    kept = weights * student.present
    losses = 1 - (student.vectors * teacher.vectors).sum(dim=-1)
    return (losses * kept).sum() / kept.sum().clamp(min=1.0)
