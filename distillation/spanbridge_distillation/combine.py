"""Several teachers' soft labels become one (Wu et al. 2020): p = Σ_k α_k p_k, and which words and sentences count.

Everywhere `soft` is (n_teachers, n_words, n_tags) of all sentences' words, one behind the other; `starts`
(n_sentences + 1,) are their first words, and the end of the last one; no sentence is empty. Pure: numpy alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanbridge_distillation.recipe import Consistency, Recipe

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]
_TINY = 1e-12
_OUTSIDE = 0


@dataclass(frozen=True, slots=True)
class Combined:
    """What a student learns: `soft` (n_words, n_tags), and what each word counts, `weights` (n_words,).

    `usable` (n_sentences,) marks sentences of which any word counts; `agreement` (n_sentences,) lies in [0, 1].
    """

    soft: Floats
    weights: Floats
    usable: Marks
    agreement: Floats


def combine(soft: Floats, sound: Marks, starts: Ints, alphas: Floats, recipe: Recipe) -> Combined:
    """Combine; `sound` (n_teachers, n_sentences) marks answers, `alphas` (n_teachers, n_sentences) are weights.

    Where a teacher failed the others take over its weight; a sentence without any teacher isn't usable.
    """
    lengths = np.diff(starts)
    sharp = sharpened(soft, recipe.sharpen)
    shares = np.repeat(normalised(alphas, sound), lengths, axis=1)
    agrees = words_agree(sharp, np.repeat(sound, lengths, axis=1))
    if recipe.consistency is Consistency.AVERAGE:
        equal = np.repeat(normalised(np.ones_like(alphas), sound), lengths, axis=1)
        shares = np.where(agrees, shares, equal)
    mixed = mixture(sharp, shares)
    confidence = mixed.max(axis=-1)
    counts = np.repeat(sound.any(axis=0), lengths) & (confidence >= recipe.min_confidence)
    if recipe.consistency is Consistency.DROP:
        counts &= agrees
    counts &= np.repeat(sentence_means(confidence, starts) >= recipe.min_mean, lengths)
    best = mixed.argmax(axis=-1)
    weights = np.where(counts, np.where(best == _OUTSIDE, 1.0, recipe.entity_weight), 0.0)
    return Combined(
        soft=hardened(mixed) if recipe.hard else mixed,
        weights=weights,
        usable=np.add.reduceat(weights, starts[:-1]) > 0,
        agreement=sentence_agreement(sharp, agrees, starts),
    )


def sharpened(soft: Floats, power: float) -> Floats:
    """Raise probabilities to a power and normalise; rows of zeros stay zeros.

    >>> sharpened(np.array([[0.75, 0.25]]), 2.0).tolist()
    [[0.9, 0.1]]
    """
    if power == 1.0:
        return soft
    raised = soft**power
    return np.asarray(raised / np.maximum(raised.sum(axis=-1, keepdims=True), _TINY))


def normalised(alphas: Floats, sound: Marks) -> Floats:
    """Return weights (n_teachers, n_sentences) that are 0 where a teacher failed, and sum to 1 where one answered.

    >>> normalised(np.array([[0.6], [0.4], [0.2]]), np.array([[True], [False], [True]])).round(2).tolist()
    [[0.75], [0.0], [0.25]]
    """
    kept = np.where(sound, alphas, 0.0)
    total = kept.sum(axis=0)
    # Where every teacher of some weight failed, those that answered count the same.
    kept = np.where((total <= _TINY) & sound, 1.0, kept)
    return np.asarray(kept / np.maximum(kept.sum(axis=0), _TINY))


def mixture(soft: Floats, shares: Floats) -> Floats:
    """Return Σ_k α_k p_k (n_words, n_tags) for `shares` (n_teachers, n_words).

    >>> soft = np.array([[[1.0, 0.0]], [[0.5, 0.5]]])
    >>> mixture(soft, np.array([[0.6], [0.4]])).tolist()
    [[0.8, 0.2]]
    """
    return np.asarray((soft * shares[..., None]).sum(axis=0))


def hardened(soft: Floats) -> Floats:
    """Return 1 for each word's best tag and 0 for the others; the first one wins a tie.

    >>> hardened(np.array([[0.4, 0.6]])).tolist()
    [[0.0, 1.0]]
    """
    return np.asarray(np.eye(soft.shape[-1])[soft.argmax(axis=-1)])


def words_agree(soft: Floats, sound: Marks) -> Marks:
    """Say of each word whether all teachers that answered give it the same tag; `sound` is (n_teachers, n_words).

    >>> soft = np.array([[[0.9, 0.1], [0.9, 0.1]], [[0.6, 0.4], [0.1, 0.9]]])
    >>> words_agree(soft, np.ones((2, 2), bool)).tolist()
    [True, False]
    """
    best = soft.argmax(axis=-1)
    highest = np.where(sound, best, -1).max(axis=0)
    lowest = np.where(sound, best, soft.shape[-1]).min(axis=0)
    return np.asarray(highest <= lowest) | ~sound.any(axis=0)


def sentence_agreement(soft: Floats, agrees: Marks, starts: Ints) -> Floats:
    """Return the share of words with the same tag, of those that any teacher names; 1 where no word is named.

    Words that nobody names would have all sentences look alike.
    """
    named = (soft.argmax(axis=-1) != _OUTSIDE).any(axis=0)
    n_named = np.add.reduceat(named.astype(np.float64), starts[:-1])
    both = np.add.reduceat((named & agrees).astype(np.float64), starts[:-1])
    return np.where(n_named > 0, both / np.maximum(n_named, 1.0), 1.0)


def sentence_means(values: Floats, starts: Ints) -> Floats:
    """Return the mean of each sentence's words.

    >>> sentence_means(np.array([1.0, 0.5, 0.25]), np.array([0, 2, 3])).tolist()
    [0.75, 0.25]
    """
    return np.asarray(np.add.reduceat(values, starts[:-1]) / np.diff(starts))
