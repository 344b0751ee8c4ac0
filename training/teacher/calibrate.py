"""One temperature for the teacher's probabilities, fitted on development sets, and how far off they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from spanbridge_ner_teacher.backends.base import ProbabilityTeacher
from spanbridge_ner_teacher.core.sentences import Sentence
from spanbridge_shared.text.languages import ENGLISH, resolve_language
from training.teacher.english import DEV, TAGS, check_sentences, english_sentences
from training.teacher.evaluate import Tagged, open_folder

CALIBRATION = "calibration.json"
_TEMPERATURES = np.round(np.arange(0.5, 3.01, 0.05), 2)
_BINS = 15
_LEAST = 1e-12
_BATCH = 64
_PER_LANGUAGE = 100

Probabilities = NDArray[np.float64]
Ints = NDArray[np.int64]


def best_temperature(probabilities: Probabilities, gold: NDArray[np.integer]) -> float:
    """Return the temperature of least mean negative log-likelihood; Guo et al. (2017), On Calibration, section 4.2.

    `probabilities` (n, k) at temperature 1, `gold` (n,). Logits aren't needed: log-probabilities differ from them by a
    constant a row.

    >>> sure = np.array([[0.999, 0.001]] * 4)
    >>> best_temperature(sure, np.array([0, 0, 0, 1])) > 1
    True
    """
    logs = np.log(np.maximum(probabilities, _LEAST))
    losses = []
    for temperature in _TEMPERATURES:
        scaled = logs / temperature
        totals = np.log(np.exp(scaled - scaled.max(axis=1, keepdims=True)).sum(axis=1)) + scaled.max(axis=1)
        losses.append(float((totals - scaled[np.arange(len(gold)), gold]).mean()))
    return float(_TEMPERATURES[int(np.argmin(losses))])


def calibration_error(probabilities: Probabilities, gold: NDArray[np.integer]) -> float:
    """Return the expected calibration error over 15 bins of the top probability; Guo et al. (2017), equation 3.

    >>> calibration_error(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    0.5
    """
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == gold
    bins = np.minimum((top * _BINS).astype(int), _BINS - 1)
    parts = [abs(top[bins == b].sum() - right[bins == b].sum()) for b in range(_BINS)]
    return float(sum(parts) / len(gold))


def word_rows(teacher: ProbabilityTeacher, sentences: Sequence[tuple[str, Tagged]]) -> tuple[Probabilities, Ints]:
    """Return probabilities (n_words, n_tags) in the order of TAGS, and gold columns (n_words,)."""
    rows: list[Probabilities] = []
    columns = [list(teacher.card.tags or ()).index(tag) for tag in TAGS]
    for start in range(0, len(sentences), _BATCH):
        batch = [Sentence(lang, tokens=words) for lang, (words, _) in sentences[start : start + _BATCH]]
        rows += [each[:, columns] for each in teacher.probabilities(batch)]
    gold = np.array([TAGS.index(tag) for _, (_, tags) in sentences for tag in tags], np.int64)
    return np.concatenate(rows), gold


def calibration_sets(data: Path) -> dict[str, list[tuple[str, Tagged]]]:
    """EWT's dev set, and the first sentences of each language of MasakhaNER 2's, each with its language."""
    english = [(ENGLISH, (each.words, each.tags)) for each in english_sentences(data, 0.0) if each.split == DEV]
    counts: dict[str, int] = {}
    others: list[tuple[str, Tagged]] = []
    for lang, words, tags in check_sentences(data):
        counts[lang] = counts.get(lang, 0) + 1
        if counts[lang] <= _PER_LANGUAGE:
            others.append((resolve_language(lang), (words, tags)))
    return {"ewt dev": english, "masakhaner2 dev": others}


def calibrate(folder: Path, data: Path, threads: int) -> dict[str, object]:
    """Fit a temperature for a folder whose manifest has 1.0, each set counting the same; return it with the errors."""
    teacher = cast("ProbabilityTeacher", open_folder(folder, threads))
    rows: dict[str, tuple[Probabilities, Ints]] = {}
    for name, sentences in calibration_sets(data).items():
        rows[name] = word_rows(teacher, sentences)
    size = min(len(gold) for _, gold in rows.values())
    chosen = [(p[:: max(1, len(g) // size)], g[:: max(1, len(g) // size)]) for p, g in rows.values()]
    temperature = best_temperature(np.concatenate([p for p, _ in chosen]), np.concatenate([g for _, g in chosen]))
    errors: Mapping[str, object] = {
        name: {
            "before": round(calibration_error(p, g), 4),
            "after": round(calibration_error(at_temperature(p, temperature), g), 4),
        }
        for name, (p, g) in rows.items()
    }
    return {"temperature": temperature, "expected calibration error": errors}


def at_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Return probabilities of temperature 1 at another one.

    >>> at_temperature(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
    [[0.667, 0.333]]
    """
    powers = np.maximum(probabilities, _LEAST) ** (1 / temperature)
    scaled: Probabilities = powers / powers.sum(axis=1, keepdims=True)
    return scaled
