"""How much a sentence looks like each teacher's own language, learnt by telling them apart (Wu et al. 2020)."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from spanbridge_distillation.corpus import Ints
from spanbridge_distillation.faults import DataFault
from spanbridge_distillation.network import Student
from spanbridge_distillation.subwords import Specials

RANK, GAMMA = 64, 0.01
_STEPS, _RATE, _BATCH = 500, 1e-3, 64
_POOL_BATCH = 64

Vectors = NDArray[np.float32]


class LanguageSimilarity(nn.Module):  # type: ignore[misc]  # torch is not followed.
    """logit_k(x) = U(h_x)·V(μ_k): U and V linear maps to `rank`, μ_k learnt from the mean of source k's sentences."""

    def __init__(self, means: Tensor, rank: int) -> None:
        super().__init__()
        self.means = nn.Parameter(means.clone())
        self.u = nn.Linear(means.shape[1], rank, bias=False)
        self.v = nn.Linear(means.shape[1], rank, bias=False)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits (n, n_sources) for sentence vectors (n, hidden)."""
        logits: Tensor = self.u(vectors) @ self.v(self.means).T
        return logits

    def loss(self, vectors: Tensor, sources: Tensor, gamma: float) -> Tensor:
        """Return CE + γ‖MᵀM - I‖²_F, the columns of M being the μ_k, for each sentence's source (n,)."""
        gram = self.means @ self.means.T
        penalty = (gram - torch.eye(len(gram), device=gram.device)).square().sum()
        total: Tensor = functional.cross_entropy(self(vectors), sources) + gamma * penalty
        return total


def fit_similarity(
    vectors: Vectors, sources: Ints, n_sources: int, *, rank: int = RANK, gamma: float = GAMMA, steps: int = _STEPS,
    seed: int = 0,
) -> LanguageSimilarity:  # fmt: skip
    """Learn from sentence vectors (n, hidden) and the source of each (n,); the same seed gives the same weights.

    Raises `DataFault` where a source has no sentence.
    """
    if missing := sorted(set(range(n_sources)) - set(sources.tolist())):
        raise DataFault(f"source {missing[0]} has no sentence, so that nothing can be told of it")
    means = np.stack([vectors[sources == source].mean(axis=0) for source in range(n_sources)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LanguageSimilarity(torch.from_numpy(means), rank)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        rows = rng.integers(0, len(vectors), min(_BATCH, len(vectors)))
        loss = model.loss(torch.from_numpy(vectors[rows]), torch.from_numpy(sources[rows]), gamma)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def logits_of(model: LanguageSimilarity, vectors: Vectors) -> NDArray[np.float64]:
    """Return logits (n, n_sources) for target sentences' vectors (n, hidden)."""
    with torch.no_grad():
        found: NDArray[np.float64] = model(torch.from_numpy(vectors)).double().numpy()
    return found


def sentence_vectors(
    student: Student, sentences: Sequence[Ints], specials: Specials, width: int, device: torch.device
) -> Vectors:
    """Return h_x (n, hidden): the mean of the encoder's last states over a sentence's tokens, cut at `width`."""
    student.eval()
    order = sorted(range(len(sentences)), key=lambda place: len(sentences[place]))
    found: list[Vectors] = [np.zeros(0, np.float32)] * len(sentences)
    room = width - len(specials.before) - len(specials.after)
    for start in range(0, len(order), _POOL_BATCH):
        places = order[start : start + _POOL_BATCH]
        rows = [[*specials.before, *sentences[place][:room].tolist(), *specials.after] for place in places]
        longest = max(len(row) for row in rows)
        ids = torch.tensor([[*row, *[specials.pad] * (longest - len(row))] for row in rows], device=device)
        with torch.inference_mode():
            mask = (ids != specials.pad).float()[..., None]
            pooled = (student.hidden(ids).float() * mask).sum(dim=1) / mask.sum(dim=1)
        for place, vector in zip(places, pooled.cpu().numpy(), strict=True):
            found[place] = vector
    return np.stack(found)
