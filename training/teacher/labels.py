"""Soft tags and weights of every word of the corpus: gold, and what models said, round by round."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.teacher.arrays import GOLD, PIVOT, TRANSLATED, UNLABELLED
from training.teacher.corpus import SPECIALS, Corpus, Ints
from training.teacher.crossing import Rows, agreed, crossed
from training.teacher.english import TAGS
from training.teacher.network import Layout
from training.teacher.recipe import LabelRecipe

_HALF = np.float16


@dataclass
class Labels:
    """`soft` (n_words, n_tags) and `weights` (n_words,), both float16; `usable` (n_sentences,) have some weight."""

    soft: NDArray[np.float16]
    weights: NDArray[np.float16]
    usable: NDArray[np.bool_]


def gold_labels(corpus: Corpus) -> Labels:
    """Return one-hot tags for gold training sentences, and nothing for all others."""
    n_words = int(corpus.words[-1])
    soft = np.zeros((n_words, len(TAGS)), _HALF)
    weights = np.zeros(n_words, _HALF)
    usable = np.zeros(len(corpus.group), bool)
    for row in corpus.of_group(GOLD):
        words = np.arange(corpus.words[row], corpus.words[row + 1])
        soft[words, corpus.tags[words]] = 1.0
        weights[words] = 1.0
        usable[row] = len(words) > 0
    return Labels(soft, weights, usable)


def length_batches(corpus: Corpus, rows: Ints, widths: Sequence[int], tokens: int) -> Iterator[tuple[int, Ints]]:
    """Give (width, sentences) that cover `rows`, each at the least width that holds it, the widest cutting it."""
    buckets = np.minimum(np.searchsorted(np.array(widths), corpus.lengths()[rows] + SPECIALS), len(widths) - 1)
    for place, width in enumerate(widths):
        mine = rows[buckets == place]
        size = max(1, tokens // width)
        for start in range(0, len(mine), size):
            yield width, mine[start : start + size]


class Predictor:
    """Probabilities of models that label as one."""

    def __init__(self, corpus: Corpus, layout: Layout, widths: Sequence[int], tokens: int) -> None:
        self._corpus, self._layout, self._widths, self._tokens = corpus, layout, widths, tokens

    @torch.inference_mode()  # type: ignore[untyped-decorator]  # torch is not followed.
    def predict(self, models: Sequence[nn.Module], rows: Ints, temperature: float = 1.0) -> NDArray[np.float16]:
        """Return (n_words, n_tags) over all words, filled for the words of `rows`; words cut off are surely O."""
        found = np.zeros((int(self._corpus.words[-1]), len(TAGS)), _HALF)
        found[:, 0] = 1.0
        for width, sentences in length_batches(self._corpus, rows, self._widths, self._tokens):
            ids, words = self._layout.batch(sentences, width)
            with torch.autocast(ids.device.type, torch.bfloat16, enabled=ids.device.type == "cuda"):
                logits = [model(ids) for model in models]
            mean = torch.stack([(each / temperature).softmax(dim=-1) for each in logits]).mean(dim=0)
            chosen = words >= 0
            found[words[chosen].cpu().numpy()] = mean[chosen].to(torch.float16).cpu().numpy()
        return found


def cross_labels(
    corpus: Corpus, labels: Labels, said: NDArray[np.float16], recipe: LabelRecipe, *, own: bool, pivots: Sequence[int]
) -> None:
    """Write the labels of unlabelled sentences from what models `said` (n_words, n_tags) of them.

    Pivot sentences in the languages `pivots` are labelled by the models themselves, their other sides across links.
    With `own`, both sides of a pair count, and sentences without another side: models that know only English have
    nothing to say of these.
    """
    served = np.isin(corpus.lang, np.array(pivots, np.int64))
    alone = corpus.of_group(UNLABELLED) if own else np.zeros(0, np.int64)
    labelled = [rows[served[rows]] for rows in (corpus.of_group(PIVOT), corpus.of_group(TRANSLATED))]
    for row in np.concatenate([*labelled, alone]):
        words = _words(corpus, row)
        labels.soft[words], labels.weights[words], labels.usable[row] = said[words], 1.0, True
    translated = corpus.groups.index(TRANSLATED)
    for pair, (source, target) in enumerate(corpus.pairs):
        if not served[source]:
            continue
        links = corpus.links[corpus.link_starts[pair] : corpus.link_starts[pair + 1]]
        there, back = _words(corpus, source), _words(corpus, target)
        _write(labels, int(target), back, _carried(said, there, back, links, recipe, own=own))
        if own and corpus.group[source] == translated:
            reverse = links[:, ::-1]
            _write(labels, int(source), there, _carried(said, back, there, reverse, recipe, own=True))


def _words(corpus: Corpus, row: int) -> slice:
    return slice(int(corpus.words[row]), int(corpus.words[row + 1]))


def _carried(
    said: NDArray[np.float16], source: slice, target: slice, links: Ints, recipe: LabelRecipe, *, own: bool
) -> tuple[Rows, Rows]:
    carried = crossed(said[source].astype(np.float32), links, target.stop - target.start, recipe)
    return agreed(carried, said[target].astype(np.float32), recipe.own_weight) if own else carried


def _write(labels: Labels, row: int, words: slice, found: tuple[Rows, Rows]) -> None:
    soft, weights = found
    labels.soft[words], labels.weights[words] = soft, weights
    labels.usable[row] = bool((weights > 0).any())
