"""Translation into English: from texts and references to a row of scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spanbridge_evaluation.data.pairs import TranslationSet
from spanbridge_evaluation.metrics.translations import translation_scores
from spanbridge_evaluation.results import TranslationRow
from spanbridge_evaluation.running.entities import DECIMALS
from spanbridge_evaluation.running.journal import Outcome
from spanbridge_evaluation.running.settings import Setting
from spanbridge_evaluation.running.workbench import Workbench
from spanbridge_shared.contracts.translation import Translation
from spanbridge_shared.errors import TextTooLong
from spanbridge_shared.text.sentences import split_sentences

DEFAULT_BEAM = 4


@dataclass(frozen=True, slots=True)
class MeasuredTranslation:
    """A row with the translations that it was counted from, in the order of the data."""

    row: TranslationRow
    data: TranslationSet
    translations: list[str]


def measure_translation(bench: Workbench, data: TranslationSet, setting: Setting) -> MeasuredTranslation:
    """Translate all texts, and score them; a text that fails counts as an empty translation."""
    beam: Any = setting.options.get("beam", DEFAULT_BEAM)

    def call(part: Sequence[str]) -> list[Outcome]:
        return _translated(bench, part, data.code, beam)

    run = bench.run(
        f"translation {data.lang} beam {beam}", data.texts, call, kind="translation", texts=data.texts, lang=data.code,
        beam=beam,
    )  # fmt: skip
    texts = [str(outcome["text"]) for outcome in run.outcomes]
    scores = translation_scores(texts, data.english)
    row = TranslationRow(
        dataset="translation",
        lang=data.lang,
        split=data.split,
        method=setting.method,
        options=dict(setting.options),
        sentences=len(data.texts),
        bleu=round(scores.bleu, DECIMALS),
        chrf=round(scores.chrf, DECIMALS),
        signatures=scores.signatures,
        failed=sum(run.faults.values()),
        faults=run.faults,
        seconds=round(run.seconds, 3),
        sentences_per_second=round(run.rate, 3),
        model_version=bench.model_version,
        preset=setting.preset,
        caches=bench.caches,
    )
    return MeasuredTranslation(row, data, texts)


def _translated(bench: Workbench, texts: Sequence[str], lang: str, beam: Any) -> list[Outcome]:
    """Translate texts; one too long for the model is cut, as the pipeline does it."""
    found = bench.client.translate(texts, lang, beam=beam)
    outcomes = []
    for text, translation in zip(texts, found, strict=True):
        parts = _parts(text, lang) if translation.error and translation.error.error == TextTooLong.__name__ else []
        if len(parts) > 1:
            done = _translated(bench, parts, lang, beam)
            error = next((each["error"] for each in done if each["error"] is not None), None)
            outcomes.append({"text": " ".join(each["text"] for each in done), "error": error})
        else:
            outcomes.append(_outcome(translation))
    return outcomes


def _parts(text: str, lang: str) -> list[str]:
    """Cut a text into its sentences, or one sentence into halves; a single word stays as it is."""
    sentences = [text[place.start : place.end] for place in split_sentences(text, lang)]
    words = text.split()
    half = len(words) // 2
    return sentences if len(sentences) > 1 or half == 0 else [" ".join(words[:half]), " ".join(words[half:])]


def _outcome(found: Translation) -> Outcome:
    if found.error is not None:
        return {"text": "", "error": found.error.error}
    return {"text": found.hypotheses[0].text if found.hypotheses else "", "error": None}
