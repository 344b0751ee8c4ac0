"""Projection: the exact solver against the greedy one on the same instances, made here with a fixed seed."""

import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np

from bench.report import Row
from spanbridge_projection.core.candidates import aligned_ngrams, ngrams
from spanbridge_projection.core.exact import exact
from spanbridge_projection.core.greedy import Pick, greedy
from spanbridge_projection.core.scores import align_scores
from spanbridge_projection.core.sentence import Entity, Floats, Integers, link_weights
from spanbridge_shared.contracts.projection import ProjectionCount
from spanbridge_shared.text.spans import Span

Instance = tuple[Floats, Integers]
Solve = Callable[[Floats, Integers], list[Pick]]

_SENTENCES = 300
_LARGE = 40
_ENTITIES, _CANDIDATES = 12, 300


def run() -> dict[str, float]:
    """Return median and largest milliseconds of both solvers on each kind of instance, and their ratios."""
    found: dict[str, float] = {}
    for name, (form, instances) in _kinds().items():
        solvers = {solve.__name__: partial(solve, form=form) for solve in (greedy, exact)}
        times = {solver: _milliseconds(solve, instances) for solver, solve in solvers.items()}
        for solver, measured in times.items():
            found[f"{name}, {solver}, median ms"] = median(measured)
            found[f"{name}, {solver}, largest ms"] = max(measured)
        found[f"{name}, ratio"] = median(times["exact"]) / median(times["greedy"])
        if form is ProjectionCount.AT_MOST:
            found[f"{name}, greedy not optimal, share"] = _share_below(instances)
    return found


def compare() -> list[Row]:
    """Return a row for each kind of instance, with the targets of the project."""
    found = run()
    targets = {name: _target(name, form) for name, (form, _) in _kinds().items()}
    return [
        Row(
            f"exact : greedy solver, {name}",
            f"{found[f'{name}, exact, median ms']:.3f} ms",
            f"{found[f'{name}, greedy, median ms']:.3f} ms",
            f"{found[f'{name}, ratio']:.1f}×",
            f"exact under {target:g} ms",
            found[f"{name}, exact, median ms"] < target,
        )
        for name, target in targets.items()
    ]


def _target(name: str, form: ProjectionCount) -> float:
    """Return the milliseconds to stay under. With ≥ the greedy solution is seldom optimal: there is more to do."""
    if not name.startswith("sentences"):
        return 50.0
    return 2.0 if form is ProjectionCount.AT_LEAST else 0.5


def _kinds() -> dict[str, tuple[ProjectionCount, list[Instance]]]:
    """Return what is measured: instances with n_proj = 1 in the form ≤, and two kinds of them in the other forms."""
    instances = _instances()
    kinds = {name: (ProjectionCount.AT_MOST, each) for name, each in instances.items()}
    for name in ("sentences, align", f"{_ENTITIES} × {_CANDIDATES} dense"):
        kinds[f"{name}, ="] = ProjectionCount.EXACTLY, instances[name]
        kinds[f"{name}, ≥"] = ProjectionCount.AT_LEAST, instances[name]
    return kinds


def _instances() -> dict[str, list[Instance]]:
    rng = np.random.default_rng(20)
    sentences = [_sentence(rng) for _ in range(_SENTENCES)]
    return {
        "sentences, align": [_aligned(*each, shrink=True) for each in sentences],
        "sentences, align, all n-grams": [_aligned(*each, shrink=False) for each in sentences],
        "sentences, dense scores": [_dense(rng, *each) for each in sentences],
        f"{_ENTITIES} × {_CANDIDATES} dense": [_large(rng) for _ in range(_LARGE)],
        f"{_ENTITIES} × {_CANDIDATES} dense, ties": [
            (np.ceil(4 * scores) / 4, spans) for scores, spans in (_large(rng) for _ in range(_LARGE))
        ],
    }


def _sentence(rng: np.random.Generator) -> tuple[list[Entity], list[tuple[int, int, float]], int]:
    """Make a sentence of 20 to 30 words with 2 to 4 entities, and links that are mostly right."""
    n_words = int(rng.integers(20, 31))
    entities, links, place = [], [], 0
    for _ in range(int(rng.integers(2, 5))):
        start = place + int(rng.integers(0, 4))
        place = start + int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))
        entities.append(Entity(Span(start, place), "PER"))
    shift = int(rng.integers(-1, 4))
    for word in range(place):
        if rng.random() < 0.9:
            links.append((word, int(np.clip(word + shift + rng.integers(-1, 2), 0, n_words - 1)), 1.0))
        if rng.random() < 0.25:
            links.append((word, int(rng.integers(0, n_words)), 0.4))
    return entities, links, n_words


def _aligned(entities: list[Entity], links: list[tuple[int, int, float]], n_words: int, *, shrink: bool) -> Instance:
    words = ["word"] * n_words
    spans = aligned_ngrams(words, 10, link_weights(entities, links, n_words) > 0) if shrink else ngrams(words, 10)
    return align_scores(entities, links, n_words, spans), spans


def _dense(
    rng: np.random.Generator, entities: list[Entity], links: list[tuple[int, int, float]], n_words: int
) -> Instance:
    """Add to the align scores what a fused score adds: something for every pair."""
    scores, spans = _aligned(entities, links, n_words, shrink=False)
    return scores + 0.3 * rng.random(scores.shape), spans


def _large(rng: np.random.Generator) -> Instance:
    spans = ngrams(["word"] * 35, 10)[:_CANDIDATES]
    return rng.random((_ENTITIES, len(spans))), spans


def _milliseconds(solve: Solve, instances: list[Instance]) -> list[float]:
    for scores, spans in instances[:5]:
        solve(scores, spans)
    times = []
    for scores, spans in instances:
        started = time.perf_counter()
        solve(scores, spans)
        times.append(1000 * (time.perf_counter() - started))
    return times


def _share_below(instances: list[Instance]) -> float:
    def worth(scores: Floats, picks: list[Pick]) -> float:
        return sum(float(scores[pick]) for pick in picks)

    below = [worth(scores, greedy(scores, spans)) < worth(scores, exact(scores, spans)) for scores, spans in instances]
    return sum(below) / len(below)


if __name__ == "__main__":
    for name, value in run().items():
        print(f"{name}: {value:.3f}")
