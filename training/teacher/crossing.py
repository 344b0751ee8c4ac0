"""Labels across a sentence pair: what the model says of one side's words, carried to the other side by word links."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.teacher.recipe import LabelRecipe

Rows = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Spanned:
    """A span of words [start, end) and the probabilities of each label for it, O first (n_labels + 1,)."""

    start: int
    end: int
    label: int
    types: Rows


def by_type(rows: Rows) -> Rows:
    """Sum B- and I- columns: (n, 2k + 1) as TAGS has them becomes (n, k + 1), O first.

    >>> by_type(np.array([[0.5, 0.25, 0.125, 0.125, 0.0]], np.float32)).tolist()
    [[0.5, 0.375, 0.125]]
    """
    return np.concatenate([rows[:, :1], rows[:, 1::2] + rows[:, 2::2]], axis=1)


def found_spans(rows: Rows) -> list[Spanned]:
    """Return the spans of the most probable tag of each word; an I- behind another label begins a span.

    >>> [(s.start, s.end, s.label) for s in found_spans(np.eye(7, dtype=np.float32)[[1, 2, 0, 4, 6]])]
    [(0, 2, 1), (3, 4, 2), (4, 5, 3)]
    """
    tags = rows.argmax(axis=1)
    labels = (tags + 1) // 2
    types = by_type(rows)
    spans: list[Spanned] = []
    start = 0
    for place in range(1, len(tags) + 1):
        inside = place < len(tags) and labels[place] == labels[start] and tags[place] and tags[place] % 2 == 0
        if inside and labels[start]:
            continue
        if labels[start]:
            spans.append(Spanned(start, place, int(labels[start]), types[start:place].mean(axis=0)))
        start = place
    return spans


def crossed(
    source: Rows, links: Sequence[tuple[int, int]] | Ints, n_target: int, recipe: LabelRecipe
) -> tuple[Rows, Rows]:
    """Return soft tags (n_target, n_tags) and weights (n_target,) for the words of the other side.

    A span goes to the words from its first linked word to its last one, if hardly any other word lies between; it
    keeps the probabilities of its labels. A word linked to none of a span's words gets O, weighted by how sure that is;
    a word without links less. A span that finds no place, or is unsure, takes its words, and all that may be its words
    (those without links), out of the loss: weight 0.
    """
    n_tags = source.shape[1]
    soft = np.zeros((n_target, n_tags), np.float32)
    soft[:, 0] = 1.0
    weights = np.full(n_target, recipe.plain_weight, np.float32)
    pairs = np.asarray(links, np.int64).reshape(-1, 2)
    linked = np.zeros(n_target, bool)
    linked[pairs[:, 1]] = True
    sure_o = np.ones(n_target, np.float32)
    np.minimum.at(sure_o, pairs[:, 1], source[pairs[:, 0], 0])
    weights[linked] = sure_o[linked]
    owner = np.full(n_target, -1)
    lost = False
    spans = found_spans(source)
    for number, span in enumerate(spans):
        mine = _linked_words(pairs, span)
        weights[pairs[_within(pairs, span), 1]] = 0.0
        width = int(mine[-1] - mine[0]) + 1 if len(mine) else 0
        fits = 0 < width <= min(len(mine) + recipe.gap, span.end - span.start + recipe.growth)
        sure = span.types[span.label] >= recipe.sure
        if not (fits and sure) or (owner[mine[0] : mine[-1] + 1] >= 0).any():
            lost = True
            continue
        owner[mine[0] : mine[-1] + 1] = number
    for number in range(len(spans)):
        places = np.flatnonzero(owner == number)
        if len(places):
            soft[places], weights[places] = _tagged(spans[number].types, len(places)), 1.0
    if lost:
        weights[~linked & (owner < 0)] = 0.0
    return soft, weights


def _within(pairs: Ints, span: Spanned) -> NDArray[np.bool_]:
    return (pairs[:, 0] >= span.start) & (pairs[:, 0] < span.end)


def _linked_words(pairs: Ints, span: Spanned) -> Ints:
    """Return the other side's words that are linked to the span's words and to no other ones; failing these, all.

    Symmetrised links often take a neighbour of a name along, such as its title, which has a word of its own.
    """
    inside = _within(pairs, span)
    linked = np.unique(pairs[inside, 1])
    alone = np.setdiff1d(linked, pairs[~inside, 1])
    return alone if len(alone) else linked


def _tagged(types: Rows, length: int) -> Rows:
    """Spread label probabilities over B- for the first word, and over I- for the others."""
    rows = np.zeros((length, 2 * len(types) - 1), np.float32)
    rows[:, 0] = types[0]
    rows[0, 1::2] = types[1:]
    rows[1:, 2::2] = types[1:]
    return rows


def agreed(carried: tuple[Rows, Rows], own: Rows, own_weight: float) -> tuple[Rows, Rows]:
    """Mix labels that came across with the model's own for the words; where none came, its own count, at half weight.

    >>> rows, weights = agreed((np.eye(3, dtype=np.float32)[:2], np.array([1.0, 0.0], np.float32)),
    ...                        np.float32([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]]), 0.5)
    >>> rows.tolist(), weights.tolist()
    ([[0.75, 0.25, 0.0], [0.0, 0.25, 0.75]], [1.0, 0.25])
    """
    soft, weights = carried
    share = np.where(weights > 0, own_weight, 1.0).astype(np.float32)[:, None]
    return (1 - share) * soft + share * own, np.where(weights > 0, weights, own_weight / 2).astype(np.float32)
