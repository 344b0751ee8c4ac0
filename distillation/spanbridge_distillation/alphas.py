"""The teachers' weights α: the same, given, or learnt from how alike languages look (Wu et al. 2020)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spanbridge_distillation.faults import DataFault

Floats = NDArray[np.float64]


def given_alphas(teachers: Sequence[str], weights: Mapping[str, float], n_sentences: int) -> Floats:
    """Return (n_teachers, n_sentences) of weights by name that sum to 1; all the same where none are given.

    >>> given_alphas(["transfer", "projection"], {"transfer": 3, "projection": 1}, 1).tolist()
    [[0.75], [0.25]]

    Raises `DataFault` where they aren't of these teachers.
    """
    if weights and set(weights) != set(teachers):
        raise DataFault(f"weights are of {', '.join(sorted(weights))}; the teachers are {', '.join(teachers)}")
    found = np.array([weights.get(name, 1.0) for name in teachers], np.float64)
    return np.tile((found / found.sum())[:, None], (1, n_sentences))


def sentence_alphas(logits: Floats) -> Floats:
    """Return α (n_sentences, n_sources) for logit_k(x): softmax_k(logit_k(x) / var_k(logit(x))).

    The variance is the population's, over the sources of one sentence; where it is 0 they count the same.

    >>> sentence_alphas(np.array([[2.0, 0.0]])).round(4).tolist()  # var 1: e² / (e² + 1)
    [[0.8808, 0.1192]]
    >>> sentence_alphas(np.array([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """
    variance = logits.var(axis=-1, keepdims=True)
    scaled = np.divide(logits, variance, out=np.zeros_like(logits), where=variance > 0)
    raised = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def domain_alphas(logits: Floats) -> Floats:
    """Return α (n_sources,): the mean of `sentence_alphas` over the target text's sentences.

    >>> domain_alphas(np.array([[2.0, 0.0], [0.0, 2.0]])).tolist()
    [0.5, 0.5]
    """
    return np.asarray(sentence_alphas(logits).mean(axis=0))
