"""From a sentence and options to target entities: candidates, scores, solver; or the heuristic."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from spanbridge_projection.core.candidates import candidate_spans
from spanbridge_projection.core.exact import exact
from spanbridge_projection.core.greedy import Pick, greedy
from spanbridge_projection.core.heuristic import heuristic
from spanbridge_projection.core.preparation import prepared, standing
from spanbridge_projection.core.scores import align_scores, score_parts
from spanbridge_projection.core.sentence import Floats, Integers, Sentence
from spanbridge_shared.contracts.projection import CandidateOptions, HeuristicOptions, Solver
from spanbridge_shared.errors import InvalidSource, TextTooLong
from spanbridge_shared.text.spans import Span

MAX_CELLS = 5_000_000
"""Most scores of one sentence, entities times candidates: 40 MB for each part."""

_SOLVERS: dict[Solver, Callable[..., list[Pick]]] = {Solver.GREEDY: greedy, Solver.EXACT: exact}


class Projection(NamedTuple):
    """A target span, the index of its source entity, and the scores of the pair by name, `total` among them."""

    span: Span
    source: int
    scores: dict[str, float]


def project(sentence: Sentence, options: CandidateOptions | HeuristicOptions) -> list[Projection]:
    """Return target spans in order, none overlapping; of source entities that share a word only the longest has some.

    Raises `SentenceError` where the sentence lacks what the options need, or is too long for them.
    """
    if not sentence.entities:
        return []
    sentence = prepared(sentence, options)
    if isinstance(options, HeuristicOptions):
        return _by_heuristic(sentence, options)
    spans = candidate_spans(sentence, options)
    _check_size(len(sentence.entities), len(spans))
    _check_nmt(sentence, len(spans))
    parts = score_parts(sentence, spans, options)
    picks = _SOLVERS[options.solver](
        np.where(standing(sentence.entities)[:, None], parts["total"], 0.0),
        spans,
        n_proj=options.n_proj,
        form=options.n_proj_form,
        min_score=options.min_score,
        power=options.score_power,
    )
    return [_projection(spans[pick.candidate], pick, parts) for pick in picks]


def _by_heuristic(sentence: Sentence, options: HeuristicOptions) -> list[Projection]:
    places = np.flatnonzero(standing(sentence.entities)).tolist()
    runs = heuristic([sentence.entities[place] for place in places], sentence.links, len(sentence.target), options)
    if not runs:
        return []
    found = [(places[index], span) for index, span in runs]
    spans = np.array([span for _, span in found], np.int64)
    scores = align_scores(sentence.entities, sentence.links, len(sentence.target), spans)
    parts = {"align": scores, "total": scores}
    return [_projection(spans[column], Pick(source, column), parts) for column, (source, _) in enumerate(found)]


def _projection(span: Integers, pick: Pick, parts: dict[str, Floats]) -> Projection:
    scores = {name: float(part[pick]) for name, part in parts.items()}
    return Projection(Span(int(span[0]), int(span[1])), pick.source, scores)


def _check_size(n_entities: int, n_candidates: int) -> None:
    if n_entities * n_candidates > MAX_CELLS:
        raise TextTooLong(
            f"{n_entities:,} entities and {n_candidates:,} candidate spans are more than {MAX_CELLS:,} pairs; split "
            "the sentence, or lower max_words"
        )


def _check_nmt(sentence: Sentence, n_candidates: int) -> None:
    for position, (entity, candidate, _) in enumerate(sentence.nmt or ()):
        if entity >= len(sentence.entities) or candidate >= n_candidates:
            raise InvalidSource(
                f"nmt_scores {position} is for entity {entity} and candidate {candidate}; there are "
                f"{len(sentence.entities)} entities and {n_candidates} candidates, counted from 0"
            )
