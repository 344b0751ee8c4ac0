"""What annotators corrected, beside the unlabelled text: left out of it as a fair test set, or learnt as it is."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from spanbridge_distillation.columns import ScoredSpan, columns_of, rows_of_spans
from spanbridge_distillation.soft_labels import SoftLabels, soft_labels
from spanbridge_distillation.texts import Sentence, Texts, digest_of
from spanbridge_shared.corrections.current import read_current
from spanbridge_shared.corrections.gold import GoldSentence, gold_of, likeness, likenesses
from spanbridge_shared.corrections.store import CorrectionStore
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.text.checks import MAX_TOKENS


class CorrectionsUse(StrEnum):
    """What a distillation does with corrections."""

    LEAVE_OUT = "leave-out"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Told:
    """What was done, for the report: sentences of the unlabelled text, and of gold, with entities by label.

    `misfits` counts entities that aren't whole words, whose sentences aren't learnt, and `not_learnt` those of other
    labels, which count as no entities.
    """

    use: str
    folder: str
    corrections: int
    left_out: dict[str, int] = field(default_factory=dict)
    added: dict[str, int] = field(default_factory=dict)
    misfits: int = 0
    not_learnt: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return what people are told."""
        found = [f"corrections: {self.corrections:,} in {self.folder}, {self.use}"]
        found += [f"{lang}: {count:,} sentences of the text left out" for lang, count in self.left_out.items()]
        found += [f"{lang}: {count:,} corrected sentences added as gold" for lang, count in self.added.items()]
        if self.misfits:
            found.append(f"{self.misfits:,} entities aren't whole words of one sentence; those sentences aren't added")
        if self.not_learnt:
            told = ", ".join(f"{label} ({count:,})" for label, count in self.not_learnt.items())
            found.append(f"not among --labels, and learnt as no entities: {told}")
        return found


@dataclass(frozen=True, slots=True)
class Corrected:
    """Texts without what was corrected, and gold sentences a text, none unless they are to be added.

    `told` is None where there are no corrections.
    """

    texts: list[Texts]
    gold: list["GoldTexts"]
    told: Told | None


@dataclass(frozen=True, slots=True)
class GoldTexts:
    """Gold sentences of one language, and their labels as every teacher would have them if it were always right."""

    texts: Texts
    labels: SoftLabels

    @property
    def digest(self) -> str:
        """A hash of the sentences and their labels."""
        return hashlib.sha256(self.texts.digest.encode() + self.labels.rows.tobytes()).hexdigest()

    def behind(self, texts: Texts) -> Texts:
        """Return other texts of the language with these behind them."""
        return Texts(texts.lang, (*texts.sentences, *self.texts.sentences), f"{texts.digest}+{self.digest}")


def with_corrections(texts: Sequence[Texts], folder: Path, use: CorrectionsUse, labels: Sequence[str]) -> Corrected:
    """Apply a store's corrections to unlabelled texts; raises `ConfigurationError` where there is no store.

    A sentence that was corrected is never among the unlabelled ones, whatever its language is said to be; sentences
    that differ in nothing but white space and case are the same.
    """
    found = read_current(CorrectionStore(folder)).corrections
    corrected: set[str] = set()
    for each in found:
        for lang in {each.lang, *(text.lang for text in texts)} - {None}:
            corrected |= likenesses(each, str(lang))
    kept = [_without(each, corrected) for each in texts]
    if gone := [each.lang for each in kept if not each.sentences]:
        raise ConfigurationError(f"every sentence of the {gone[0]} text was corrected: nothing is left to learn from")
    left_out = {old.lang: len(old.sentences) - len(new.sentences) for old, new in zip(texts, kept, strict=True)}
    told = Told(use.value, str(folder), len(found), left_out)
    if use is CorrectionsUse.LEAVE_OUT:
        return Corrected(kept, [], told)
    gold: dict[str, dict[tuple[str, ...], GoldSentence]] = {each.lang: {} for each in texts}
    misfits = 0
    for each in found:
        if each.lang in gold:
            cut = gold_of(each, each.lang)
            misfits += len(cut.misfits)
            # Of equal sentences the last one counts, as of the lines of a text the first.
            gold[each.lang] |= {one.words: one for one in cut.sentences if len(one.words) <= MAX_TOKENS}
    made = [_gold(lang, list(sentences.values()), labels) for lang, sentences in gold.items()]
    others = Counter(span.label for sentences in gold.values() for one in sentences.values() for span in one.entities)
    not_learnt = {label: count for label, count in others.most_common() if label not in labels}
    added = {lang: len(sentences) for lang, sentences in gold.items()}
    return Corrected(kept, made, replace(told, added=added, misfits=misfits, not_learnt=not_learnt))


def _without(texts: Texts, corrected: set[str]) -> Texts:
    sentences = tuple(each for each in texts.sentences if likeness("".join(each.words)) not in corrected)
    if len(sentences) == len(texts.sentences):
        return texts  # With its digest, so that what was gathered of it still counts.
    return Texts(texts.lang, sentences, digest_of(sentences))


def _gold(lang: str, sentences: Sequence[GoldSentence], labels: Sequence[str]) -> GoldTexts:
    tags = columns_of(labels)
    rows: list[np.ndarray[Any, Any]] = []
    for each in sentences:
        spans = [ScoredSpan(span.start, span.end, label, 1.0) for span, label in each.entities]
        rows.append(rows_of_spans(spans, len(each.words), tags))
    words = tuple(Sentence(each.words) for each in sentences)
    return GoldTexts(
        Texts(lang, words, digest_of(words)), soft_labels(rows, [len(each.words) for each in sentences], len(tags))
    )
