"""Target spans that an entity may be projected onto: n-grams, aligned ones alone, or those that a teacher labels.

Candidates are an array (n_candidates, 2) of half-open token ranges, sorted by start, then by end.
"""

from collections.abc import Sequence

import numpy as np

from spanbridge_projection.core.sentence import Booleans, Integers, Probabilities, Sentence, link_weights
from spanbridge_shared.contracts.projection import CandidateOptions, CandidateSource, ProjectionCount, Score, Solver
from spanbridge_shared.errors import InvalidSource
from spanbridge_shared.text.bio import spans_of


def candidate_spans(sentence: Sentence, options: CandidateOptions) -> Integers:
    """Return the candidates of a sentence; the given ones as they came, none at all where it has no entity.

    Raises `InvalidSource` where NER candidates are asked for and the sentence has no probabilities.
    """
    if sentence.given_spans is not None:
        return _table(sentence.given_spans)
    if not sentence.entities:
        return _table([])
    if options.candidates is CandidateSource.NER:
        if sentence.probabilities is None:
            raise InvalidSource('candidates "ner" need the sentence\'s probabilities; send them, or use "ngram"')
        return teacher_spans(sentence.probabilities)
    if options.candidates is CandidateSource.NGRAM and not _may_shrink(options):
        return ngrams(sentence.target, options.max_words)
    weights = link_weights(sentence.entities, sentence.links, len(sentence.target))
    return aligned_ngrams(sentence.target, options.max_words, weights > 0)


def ngrams(tokens: Sequence[str], max_words: int) -> Integers:
    """Return every span of at most `max_words` tokens that holds no "!" and no "?" token.

    >>> ngrams(["a", "b", "!", "c"], 2).tolist()
    [[0, 1], [0, 2], [1, 2], [3, 4]]
    """
    return _spans(_unmarked(tokens, max_words))


def aligned_ngrams(tokens: Sequence[str], max_words: int, aligned: Booleans) -> Integers:
    """Return the n-grams whose first and last words are both aligned with the same entity; `aligned` (S, n_tokens).

    With the align score alone and at most n_proj projections per entity this loses nothing, for both solvers. Take any
    solution and a pair (s, t) in it with c > 0 that is not here, and let t' be t without the words at its ends that s
    has no link to. t' is not empty, since c > 0; it is an n-gram, shorter than t and free of marks if t is, so it is a
    candidate here. Its link weight is t's and its length is less, so c[s, t'] > c[s, t]: strictly better, and above
    `min_score` if t is. It overlaps only what t overlaps, so t' may replace t: no optimal solution holds t. When the
    greedy solver could take t it could take t' too, for whatever excludes t' overlaps t as well, and it prefers t'. All
    of these spans lie between the leftmost and the rightmost aligned word of an entity, the published reduction. None
    of this changes with `align_count` and the weights of words, as long as every word adds to a span's length.

    With exactly and at_least the best total is the same, too: a pair forced at c = 0 goes onto t' of an entity that t
    does score with, and scores 0 there as well. But the greedy solver may choose other spans for such pairs.

    >>> aligned_ngrams(["a", "b", "c", "d"], 10, np.array([[True, False, True, False]])).tolist()
    [[0, 1], [0, 3], [2, 3]]
    """
    allowed = _unmarked(tokens, max_words)
    for length in range(1, allowed.shape[1] + 1):
        last = len(tokens) - length + 1
        allowed[:last, length - 1] &= (aligned[:, :last] & aligned[:, length - 1 :]).any(axis=0)
    return _spans(allowed)


def teacher_spans(probabilities: Probabilities) -> Integers:
    """Return the spans that the likeliest label of each word forms, read as IOB2, of any class.

    >>> rows = np.array([[0.1, 0.8, 0.1], [0.1, 0.2, 0.7], [0.9, 0.1, 0.0]])
    >>> teacher_spans(Probabilities(("O", "B-PER", "I-PER"), rows)).tolist()
    [[0, 2]]
    """
    return _table([labelled.span for labelled in spans_of(probabilities.best_labels())])


def _may_shrink(options: CandidateOptions) -> bool:
    """Say whether `aligned_ngrams` hold whatever the solver would choose among all n-grams."""
    if options.n_proj_form is not ProjectionCount.AT_MOST and options.solver is not Solver.EXACT:
        return False
    if options.score is Score.FUSED:
        return options.weight_align > 0 and not (options.weight_ner or options.weight_ner_spans or options.weight_nmt)
    return options.score is Score.ALIGN


def _unmarked(tokens: Sequence[str], max_words: int) -> Booleans:
    """Return (n_tokens, lengths): whether the span of `length - 1` at a start ends in time and holds no mark."""
    n = len(tokens)
    marks = np.zeros(n + 1, np.int64)
    np.cumsum([not token.strip("!?") for token in tokens], out=marks[1:])
    starts = np.arange(n)[:, None]
    ends = starts + np.arange(1, min(max_words, n) + 1)
    allowed: Booleans = (ends <= n) & (marks[np.minimum(ends, n)] == marks[starts])
    return allowed


def _spans(allowed: Booleans) -> Integers:
    starts, lengths = np.nonzero(allowed)
    return np.stack((starts, starts + lengths + 1), axis=1).astype(np.int64, copy=False)


def _table(spans: Sequence[tuple[int, int]]) -> Integers:
    return np.array(spans, np.int64).reshape(-1, 2)
