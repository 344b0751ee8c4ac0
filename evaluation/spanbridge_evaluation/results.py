"""The rows that every output is made of: JSON, table and report."""

from enum import StrEnum
from typing import Any

from spanbridge_shared.contracts.base import WireModel


class Caches(StrEnum):
    """What `seconds` may have gained from caches.

    OFF: nothing, every answer was computed. FRESH: what this process itself answered before. SHARED: what earlier
    settings, or anybody else, asked for; then `seconds` can't be compared.
    """

    OFF = "off"
    FRESH = "fresh"
    SHARED = "shared"


class LabelRow(WireModel):
    """Scores of one label in [0, 1], and its counts."""

    precision: float
    recall: float
    f1: float
    gold: int
    predicted: int
    correct: int


class PublishedFigure(WireModel):
    """What others report for the same language: their F1 or AER in [0, 1], on their own `split`."""

    method: str
    setup: str
    source: str
    split: str
    value: float


class _Row(WireModel):
    """What all have in common; `faults` counts the `failed` sentences by their error.

    `preset` is the name of the setting among those that `--compare` runs. `published` is best first.
    """

    dataset: str
    lang: str
    split: str
    method: str
    options: dict[str, Any]
    sentences: int
    failed: int
    faults: dict[str, int]
    preset: str | None = None
    caches: Caches = Caches.FRESH
    published: list[PublishedFigure] = []

    @property
    def setting(self) -> str:
        """The method and its options in one line."""
        return " ".join([self.method, *(f"{name}={_shown(value)}" for name, value in self.options.items())])

    @property
    def name(self) -> str:
        """The preset, where there is one, or else the method and its options."""
        return self.preset or self.setting


class NerRow(_Row):
    """Entities of one language by one method.

    `labels` were counted, `left_out` are those asked for that no teacher gives. Failed sentences have no predictions.
    """

    precision: float
    recall: float
    f1: float
    ci95: tuple[float, float]
    per_label: dict[str, LabelRow]
    confusion: dict[str, dict[str, int]]
    labels: list[str]
    left_out: list[str]
    seconds: float
    sentences_per_second: float
    model_version: str


class AlignmentRow(_Row):
    """Links of one file by one method; a link counts, whatever its weight."""

    precision: float
    recall: float
    f1: float
    aer: float
    seconds: float
    sentences_per_second: float
    model_version: str


class TranslationRow(_Row):
    """Translations into English of one file; `bleu` and `chrf` in [0, 100]."""

    bleu: float
    chrf: float
    signatures: dict[str, str]
    seconds: float
    sentences_per_second: float
    model_version: str


Row = NerRow | AlignmentRow | TranslationRow


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
