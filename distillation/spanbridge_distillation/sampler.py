"""Which sentences make a batch: of one width, languages evened out, the agreed ones first if so wished."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spanbridge_distillation.corpus import Corpus, Ints
from spanbridge_distillation.faults import DataFault
from spanbridge_distillation.recipe import Recipe

Floats = NDArray[np.float64]


def curriculum_share(step: int, recipe: Recipe) -> float:
    """Return which share of each language may be drawn at a step: from `curriculum_from`, rising evenly, to all.

    >>> recipe = Recipe(curriculum=True, curriculum_from=0.2, curriculum_until=0.5, steps=100)
    >>> [round(curriculum_share(step, recipe), 2) for step in (0, 25, 50, 99)]
    [0.2, 0.6, 1.0, 1.0]
    """
    last = recipe.curriculum_until * recipe.steps
    if not recipe.curriculum or step >= last:
        return 1.0
    return recipe.curriculum_from + (1 - recipe.curriculum_from) * step / last


def ranks_of(agreement: Floats, groups: Ints, seed: int) -> Floats:
    """Return each sentence's place by falling agreement, in (0, 1] within its group; chance decides among equals.

    >>> ranks_of(np.array([0.5, 1.0, 0.7]), np.array([0, 0, 1]), 0).tolist()
    [1.0, 0.5, 1.0]
    """
    chance = np.random.default_rng(seed).random(len(agreement))
    ranks = np.zeros(len(agreement))
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        order = mine[np.lexsort((chance[mine], -agreement[mine]))]
        ranks[order] = np.arange(1, len(order) + 1) / len(order)
    return ranks


def held_out(corpus: Corpus, usable: NDArray[np.bool_], count: int, seed: int) -> Ints:
    """Return up to `count` usable sentences of each language, a tenth of it at most, that are not to be learnt."""
    found = []
    for lang in range(len(corpus.languages)):
        mine = np.flatnonzero((corpus.lang == lang) & usable)
        chosen = np.random.default_rng([seed, lang]).permutation(mine)[: min(count, len(mine) // 10)]
        found.append(np.sort(chosen))
    return np.concatenate(found)


class Sampler:
    """Draws rows of the corpus; a draw is a function of (seed, step) alone."""

    def __init__(self, corpus: Corpus, rows: Ints, agreement: Floats, recipe: Recipe, widths: Sequence[int]) -> None:
        """Take the sentences `rows`; longer ones than the last of `widths` are cut there."""
        self._recipe, self._widths, self._n_sentences = recipe, widths, corpus.n_sentences
        sizes = np.bincount(corpus.lang[rows], minlength=len(corpus.languages))
        weights = np.maximum(sizes, 1.0)[corpus.lang[rows]] ** (recipe.language_power - 1)
        ranks = ranks_of(agreement[rows], corpus.lang[rows], recipe.seed)
        places = np.minimum(np.searchsorted(np.array(widths), corpus.sizes()[rows]), len(widths) - 1)
        self._rows: dict[int, tuple[Ints, Floats, Floats]] = {}
        tokens = np.zeros(len(widths))
        for place in np.unique(places).tolist():
            mine = np.flatnonzero(places == place)
            mine = mine[np.argsort(ranks[mine], kind="stable")]
            self._rows[place] = rows[mine], ranks[mine], np.cumsum(weights[mine])
            tokens[place] = weights[mine].sum() * widths[place]
        if not tokens.any():
            raise DataFault("no sentence is left to learn from: are min_confidence or min_mean too high?")
        self._chances = tokens / tokens.sum()

    def draw(self, step: int) -> tuple[int, Ints]:
        """Return a width and the rows of a batch, lower-case copies among them."""
        recipe = self._recipe
        rng = np.random.default_rng([recipe.seed, step])
        place = int(rng.choice(len(self._widths), p=self._chances))
        rows, ranks, sums = self._rows[place]
        allowed = max(1, int(np.searchsorted(ranks, curriculum_share(step, recipe), side="right")))
        count = max(1, recipe.batch_tokens // self._widths[place])
        drawn = rows[np.searchsorted(sums[:allowed], rng.random(count) * sums[allowed - 1], side="right")]
        lower = rng.random(count) < recipe.lower
        return self._widths[place], np.where(lower, drawn + self._n_sentences, drawn)
