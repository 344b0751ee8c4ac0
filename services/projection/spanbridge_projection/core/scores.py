"""Matching scores of entities with candidates, each a matrix (S, T) built from prefix sums over the target words.

Formulas: Politov et al. 2025 (arXiv 2501.18750). Scores are sums and products of non-negative parts; they may exceed 1.
"""

from collections.abc import Callable, Sequence

import numpy as np

from spanbridge_projection.core.sentence import (
    WEIGHT_STEPS,
    Entity,
    Floats,
    Integers,
    LinkTable,
    Probabilities,
    Sentence,
    link_table,
    link_weights,
)
from spanbridge_shared.contracts.projection import AlignCount, CandidateOptions, Score
from spanbridge_shared.errors import InvalidSource
from spanbridge_shared.text.spans import Span

_DECIMALS = 12
"""Scores other than align are rounded, so that sums taken in another order still tie."""


def score_parts(sentence: Sentence, spans: Integers, options: CandidateOptions) -> dict[str, Floats]:
    """Return each score that counts and their `total`, by name, all (S, T).

    Raises `InvalidSource` where the sentence lacks what a score needs.
    """
    weights = part_weights(options)
    compute: dict[Score, Callable[[], Floats]] = {
        Score.ALIGN: lambda: align_scores(
            sentence.entities,
            sentence.links,
            len(sentence.target),
            spans,
            count=options.align_count,
            unlinked_weight=options.unlinked_weight,
        ),
        Score.NER: lambda: _ner(sentence, spans, options, own_label=True),
        Score.NER_SPANS: lambda: _ner(sentence, spans, options, own_label=False),
        Score.NMT: lambda: _nmt(sentence, spans, options),
    }
    parts: dict[str, Floats] = {score.value: compute[score]() for score in weights}
    if len(parts) == 1 and set(weights.values()) == {1.0}:
        return parts | {"total": next(iter(parts.values()))}
    total = sum((weight * parts[score.value] for score, weight in weights.items()), np.zeros(()))
    return parts | {"total": np.round(total * _shares_of_unknown(sentence, weights), _DECIMALS)}


def _shares_of_unknown(sentence: Sentence, weights: dict[Score, float]) -> Floats:
    """Return (S, 1): what the other parts are multiplied by where the teacher doesn't know an entity's label.

    The ner score of such an entity would be zero everywhere, for want of an opinion and not because of one; its weight
    goes to the other parts instead, unless it is the only part.
    """
    whole, unsaid = sum(weights.values()), weights.get(Score.NER, 0.0)
    known = () if sentence.probabilities is None else sentence.probabilities.classes()
    factor = whole / (whole - unsaid) if unsaid < whole else 1.0
    return np.array([[1.0 if entity.label in known else factor] for entity in sentence.entities]).reshape(-1, 1)


def part_weights(options: CandidateOptions) -> dict[Score, float]:
    """Return the scores that count and their weights.

    >>> part_weights(CandidateOptions(score=Score.FUSED, weight_align=0.5, weight_nmt=1.0))
    {<Score.ALIGN: 'align'>: 0.5, <Score.NMT: 'nmt'>: 1.0}
    """
    if options.score is not Score.FUSED:
        return {options.score: 1.0}
    weights = {
        Score.ALIGN: options.weight_align,
        Score.NER: options.weight_ner,
        Score.NER_SPANS: options.weight_ner_spans,
        Score.NMT: options.weight_nmt,
    }
    return {score: weight for score, weight in weights.items() if weight > 0}


def align_scores(
    entities: Sequence[Entity],
    links: Sequence[tuple[int, int, float]],
    n_target: int,
    spans: Integers,
    *,
    count: AlignCount = AlignCount.LINKS,
    unlinked_weight: float = 1.0,
) -> Floats:
    """Return c = 2·(weight of the links from s into t) / (|s| + |t|); with 0/1 links the published score.

    With `count` words the numerator is the weight of the words that these links reach, those of s and those of t, each
    once with its heaviest link; where no word has two links that is the same. `unlinked_weight` is what a word of t
    adds to |t| that has no link to any word of the sentence: it speaks neither for the span nor against it.

    >>> from spanbridge_shared.text.spans import Span
    >>> links = [(0, 0, 1.0), (1, 1, 1.0), (2, 2, 1.0)]
    >>> align_scores([Entity(Span(0, 2), "PER")], links, 3, np.array([[0, 1], [0, 2], [0, 3]])).round(3)
    array([[0.667, 1.   , 0.8  ]])
    """
    reached: Integers | Floats = 2 * _range_sums(link_weights(entities, links, n_target), spans)
    if count is AlignCount.WORDS:
        table = link_table(links)
        rows = [_reached(entity, table, n_target, spans) for entity in entities]
        reached = np.array(rows, np.int64).reshape(reached.shape)
    unlinked = np.ones((1, n_target), np.int64)
    unlinked[0, [target for _, target, weight in links if weight > 0]] = 0
    own = np.array([len(entity.span) for entity in entities], np.int64)[:, None]
    lengths = own + (spans[:, 1] - spans[:, 0]) - (1 - unlinked_weight) * _range_sums(unlinked, spans)
    scores: Floats = reached / (lengths * WEIGHT_STEPS)
    return scores


def _reached(entity: Entity, table: LinkTable, n_target: int, spans: Integers) -> Integers:
    """Return (T,), in 1e-9: for each word of the entity its heaviest link into t, for each of t its heaviest from s."""
    heaviest = np.zeros(n_target, np.int64)
    total = np.zeros(len(spans), np.int64)
    for place in range(*entity.span):
        targets, steps = table.of(Span(place, place + 1))
        if len(targets):
            np.maximum.at(heaviest, targets, steps)
            own = np.zeros(n_target, np.int64)
            own[targets] = steps
            total += _range_maxima(own, spans)
    total += _range_sums(heaviest[None], spans)[0]
    return total


def ner_scores(
    probabilities: Probabilities, classes: Sequence[str], spans: Integers, *, alpha: float, threshold: float
) -> Floats:
    """Return (n_classes, T): c = [p(t0, B-l) + Σ_{k>t0} p(k, I-l)] / |t|, zero where it is at most `threshold`.

    The factor α^(|t|−1) is applied before the threshold, and only to spans whose words' likeliest labels already are
    B-l I-l … I-l. A class that the teacher doesn't know scores zero.

    >>> rows = np.array([[0.1, 0.8, 0.1], [0.1, 0.2, 0.7], [0.9, 0.1, 0.0]])
    >>> known = Probabilities(("O", "B-PER", "I-PER"), rows)
    >>> ner_scores(known, ["PER"], np.array([[0, 1], [0, 2], [0, 3]]), alpha=1.15, threshold=0.05).round(4)
    array([[0.8   , 0.8625, 0.5   ]])
    """
    begin, inside = _columns(probabilities, "B", classes), _columns(probabilities, "I", classes)
    best = np.array(probabilities.best_labels(), dtype=object)
    names = np.array(classes, dtype=object)[:, None]
    starts, rest = spans[:, 0], np.stack((spans[:, 0] + 1, spans[:, 1]), axis=1)
    lengths = spans[:, 1] - starts
    scores = (begin[:, starts] + _range_sums(inside, rest)) / lengths
    is_begin = (best == "B-" + names).astype(np.bool_)
    is_inside = (best == "I-" + names).astype(np.int64)
    formed = is_begin[:, starts] & (_range_sums(is_inside, rest) == lengths - 1)
    scores = np.round(np.where(formed, alpha ** (lengths - 1.0), 1.0) * scores, _DECIMALS)
    return np.where(scores > threshold, scores, 0.0)


def nmt_matrix(
    scores: Sequence[tuple[int, int, float]], n_entities: int, n_candidates: int, *, threshold: float
) -> Floats:
    """Return the given [entity, candidate, score] as (S, T), zero where left out or at most `threshold`.

    A pair given twice counts with its larger score.

    >>> nmt_matrix([(0, 1, 0.7), (0, 0, 0.05)], 1, 3, threshold=0.1)
    array([[0. , 0.7, 0. ]])
    """
    matrix = np.zeros((n_entities, n_candidates))
    if scores:
        table = np.array(scores, np.float64)
        rows, columns = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
        np.maximum.at(matrix, (rows, columns), table[:, 2])
    return np.where(matrix > threshold, np.round(matrix, _DECIMALS), 0.0)


def _ner(sentence: Sentence, spans: Integers, options: CandidateOptions, *, own_label: bool) -> Floats:
    known = sentence.probabilities
    if known is None:
        raise InvalidSource(
            "scores ner and ner_spans need the sentence's probabilities; send them, or use another score"
        )
    classes = sorted({entity.label for entity in sentence.entities} if own_label else known.classes())
    by_class = ner_scores(known, classes, spans, alpha=options.ner_alpha, threshold=options.ner_threshold)
    if own_label:
        return by_class[[classes.index(entity.label) for entity in sentence.entities]]
    best = by_class.max(axis=0, initial=0.0)
    return np.tile(best, (len(sentence.entities), 1))


def _nmt(sentence: Sentence, spans: Integers, options: CandidateOptions) -> Floats:
    if sentence.nmt is None:
        raise InvalidSource("the nmt score needs the sentence's nmt_scores; send them, or use another score")
    return nmt_matrix(sentence.nmt, len(sentence.entities), len(spans), threshold=options.nmt_threshold)


def _columns(known: Probabilities, prefix: str, classes: Sequence[str]) -> Floats:
    """Return (n_classes, n_target): each word's probability of `prefix`-class, zero where there is no such label."""
    places = {label: column for column, label in enumerate(known.labels)}
    padded = np.concatenate((known.rows, np.zeros((len(known.rows), 1))), axis=1)
    return padded[:, [places.get(f"{prefix}-{name}", -1) for name in classes]].T


def _range_maxima(values: Integers, spans: Integers) -> Integers:
    """Return the largest value within each span (T,), by a sparse table: O(n·log n + T).

    >>> _range_maxima(np.array([3, 1, 2]), np.array([[0, 3], [1, 3], [1, 2]])).tolist()
    [3, 2, 1]
    """
    table = [values]
    while 2 ** len(table) <= len(values):
        half = 2 ** (len(table) - 1)
        table.append(np.maximum(table[-1][:-half], table[-1][half:]))
    level = np.log2(spans[:, 1] - spans[:, 0]).astype(np.int64)
    padded = np.stack([np.pad(row, (0, len(values) - len(row))) for row in table])
    found: Integers = np.maximum(padded[level, spans[:, 0]], padded[level, spans[:, 1] - 2**level])
    return found


def _range_sums(values: Integers | Floats, spans: Integers) -> Floats:
    """Return, for each row of values (R, n) and each span, the sum over the span's words: (R, T)."""
    prefix = np.zeros((values.shape[0], values.shape[1] + 1), values.dtype)
    np.cumsum(values, axis=1, out=prefix[:, 1:])
    sums: Floats = prefix[:, spans[:, 1]] - prefix[:, spans[:, 0]]
    return sums
