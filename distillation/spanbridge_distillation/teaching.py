"""What the student is to learn: the teachers' labels combined by the recipe, α learnt where it is asked for."""

import numpy as np
import torch
from numpy.typing import NDArray

from spanbridge_distillation.alphas import domain_alphas, given_alphas, sentence_alphas
from spanbridge_distillation.combine import Combined, combine
from spanbridge_distillation.corpus import Corpus
from spanbridge_distillation.faults import DataFault
from spanbridge_distillation.network import Student
from spanbridge_distillation.recipe import Alpha, Recipe
from spanbridge_distillation.similarity import fit_similarity, logits_of, sentence_vectors


def teach(corpus: Corpus, recipe: Recipe, start: Student, device: torch.device) -> tuple[Combined, NDArray[np.float64]]:
    """Return the combined labels and the teachers' weights (n_teachers, n_sentences); `start` pools sentence vectors.

    Raises `DataFault` where α is to be learnt and the corpus has no sentences of the teachers' own languages.
    """
    alphas = _alphas(corpus, recipe, start, device)
    return combine(corpus.soft.astype(np.float64), corpus.sound, corpus.words, alphas, recipe), alphas


def _alphas(corpus: Corpus, recipe: Recipe, start: Student, device: torch.device) -> NDArray[np.float64]:
    if recipe.weights or recipe.alpha is Alpha.UNIFORM:
        return given_alphas(corpus.teachers, recipe.weights, corpus.n_sentences)
    n_teachers = len(corpus.teachers)
    if set(corpus.source_of.tolist()) != set(range(n_teachers)):
        raise DataFault(f"alpha={recipe.alpha} needs --source TEACHER=FILE for each teacher, text of its own language")
    limit = corpus.max_tokens
    vectors = sentence_vectors(start, corpus.sources, corpus.specials, limit, device)
    model = fit_similarity(vectors, corpus.source_of, n_teachers, seed=recipe.seed)
    found = np.zeros((n_teachers, corpus.n_sentences))
    pieces = np.split(corpus.ids, corpus.starts[1:-1])[: corpus.n_sentences]
    for lang in range(len(corpus.languages)):
        mine = np.flatnonzero(corpus.lang == lang)
        logits = logits_of(
            model, sentence_vectors(start, [pieces[row] for row in mine], corpus.specials, limit, device)
        )
        by_sentence = recipe.alpha is Alpha.SENTENCE
        found[:, mine] = sentence_alphas(logits).T if by_sentence else domain_alphas(logits)[:, None]
    return found


def told_of(
    corpus: Corpus, combined: Combined, alphas: NDArray[np.float64], learnt: NDArray[np.int64]
) -> list[dict[str, object]]:
    """Return for each language what it has: sentences, those learnt, how far teachers agree, and their mean weights."""
    found: list[dict[str, object]] = []
    for lang, name in enumerate(corpus.languages):
        mine = corpus.lang == lang
        weights = alphas[:, mine].mean(axis=1).round(4).tolist()
        found.append(
            {
                "lang": name,
                "sentences": int(mine.sum()),
                "learnt": int((corpus.lang[learnt] == lang).sum()),
                "agreement": round(float(combined.agreement[mine].mean()), 4),
                "weights": dict(zip(corpus.teachers, weights, strict=True)),
            }
        )
    return found
