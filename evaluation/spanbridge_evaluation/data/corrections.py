"""Corrections of annotators as gold sentences, tokens cut as the pipeline cuts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spanbridge_evaluation.data.layouts import NerSet
from spanbridge_evaluation.data.lines import DataError
from spanbridge_evaluation.data.tagged import TaggedSentence
from spanbridge_shared.contracts.corrections import Correction
from spanbridge_shared.corrections.current import Annotations, read_current
from spanbridge_shared.corrections.gold import gold_of
from spanbridge_shared.corrections.store import CorrectionStore
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.text.bio import tags_of
from spanbridge_shared.text.languages import resolve_language

DATASET = "corrections"
_ALL = "all"
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class CorrectedSets:
    """A set a language, and what isn't in them, in lines for people."""

    sets: list[NerSet]
    told: list[str]


@dataclass(slots=True)
class _Misfits:
    entities: int = 0
    sentences: int = 0
    shown: list[str] = field(default_factory=list)

    def told(self) -> list[str]:
        """Return what doesn't fit, if anything."""
        if not self.entities:
            return []
        return [
            f"left out: {self.sentences:,} sentences with {self.entities:,} entities that aren't whole words of one "
            f"sentence, such as {', '.join(self.shown)}"
        ]


def is_store(path: Path) -> bool:
    """Say whether a path is a corrections store; raises `DataError` where that can't be known."""
    try:
        return CorrectionStore(path).is_there
    except ConfigurationError as fault:
        raise DataError(fault.detail) from fault


def read_corrections(
    folder: Path, langs: Sequence[str], project: str | None, which: Annotations = Annotations.LATEST
) -> CorrectedSets:
    """Read a store's corrections of the languages, of all without `langs`, and of one project or of all.

    Raises `DataError` where there is no store, none of a language, or no entity in any.
    """
    try:
        found = read_current(CorrectionStore(folder), which)
    except ConfigurationError as fault:
        raise DataError(fault.detail) from fault
    chosen = [each for each in found.corrections if project in (None, each.project)]
    there = list(dict.fromkeys(each.lang for each in chosen if each.lang is not None))
    misfits = _Misfits()
    sets = [_set(lang, chosen, project, misfits) for lang in langs or there]
    empty = [f" of {each.lang}" for each in sets if not each.sentences]
    if empty or not sets:
        raise DataError(f"{folder} has no corrections{''.join(empty[:1])} to score; {_hint(chosen, there)}")
    if all(tag == "O" for each in sets for sentence in each.sentences for tag in sentence.tags):
        raise DataError(f"{folder}: there is no entity in these corrections, so that nothing can be scored")
    return CorrectedSets(sets, [*found.told(), *misfits.told(), *_undeclared(chosen)])


def _set(lang: str, corrections: Sequence[Correction], project: str | None, misfits: _Misfits) -> NerSet:
    code = resolve_language(lang)
    sentences: list[TaggedSentence] = []
    for correction in corrections:
        if correction.lang != code:
            continue
        gold = gold_of(correction, code)
        misfits.entities += len(gold.misfits)
        misfits.sentences += gold.left_out
        misfits.shown += [
            f"{correction.text[each.start : each.end]!r} in task {correction.task}" for each in gold.misfits
        ][: _MOST_TOLD - len(misfits.shown)]
        sentences += [
            TaggedSentence(each.words, tuple(tags_of(each.entities, len(each.words))), len(sentences) + number)
            for number, each in enumerate(gold.sentences, start=1)
        ]
    return NerSet(DATASET, lang, project or _ALL, sentences)


def _undeclared(corrections: Sequence[Correction]) -> list[str]:
    count = sum(each.lang is None for each in corrections)
    hint = "`spanbridge corrections declare --lang …` does"
    return [f"left out: {count:,} that name no language; {hint}"] if count else []


def _hint(corrections: Sequence[Correction], there: Sequence[str]) -> str:
    told = f"it has {', '.join(sorted(there)) or 'none of a known language'}"
    return "; ".join([told, *_undeclared(corrections)])
