"""How labels are combined and a student is trained: every choice with its default."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from spanbridge_distillation.faults import DataFault


class Alpha(StrEnum):
    """Where a teacher's weight comes from: all the same, or by similarity, of the whole text or of each sentence."""

    UNIFORM = "uniform"
    DOMAIN = "domain"
    SENTENCE = "sentence"


class Consistency(StrEnum):
    """Words whose teachers disagree about the tag: mixed like others, left out, or mixed in equal parts."""

    OFF = "off"
    DROP = "drop"
    AVERAGE = "average"


class Loss(StrEnum):
    """Mean squared error of probabilities, Kullback-Leibler divergence, or cross-entropy against the best tag."""

    MSE = "mse"
    KL = "kl"
    CE = "ce"


@dataclass(frozen=True)
class Recipe:
    """All choices.

    Combining: `weights` by teacher take the place of `alpha`; `sharpen` is the power of probabilities before they are
    mixed; words whose best probability is below `min_confidence` leave the loss, sentences whose mean one is below
    `min_mean` too; `entity_weight` is what a word counts whose best tag isn't O.
    Training: `steps` of `batch_tokens` padded sub-words at `widths`; `decay` of the running mean of the weights, 0 for
    none; `language_power`: a language of n sentences is drawn n^power times as often as one of a single sentence;
    `curriculum_from` is the share of each language, agreed first, at the start, and all of it counts from the share
    `curriculum_until` of the steps on; `held_out` sentences a language are never learnt, to see how well the student
    follows its teachers.
    """

    alpha: Alpha = Alpha.UNIFORM
    weights: dict[str, float] = field(default_factory=dict)
    sharpen: float = 1.0
    hard: bool = False
    min_confidence: float = 0.0
    min_mean: float = 0.0
    consistency: Consistency = Consistency.OFF
    entity_weight: float = 1.0
    curriculum: bool = False
    curriculum_from: float = 0.3
    curriculum_until: float = 0.5
    loss: Loss = Loss.MSE
    steps: int = 3000
    batch_tokens: int = 8192
    widths: tuple[int, ...] = (16, 24, 32, 48, 64, 96, 128)
    learning_rate: float = 1e-4
    head_rate: float = 10.0
    warmup: float = 0.1
    weight_decay: float = 0.01
    dropout: float = 0.1
    clip: float = 1.0
    decay: float = 0.999
    freeze_embeddings: bool = False
    frozen_layers: int = 0
    word_dropout: float = 0.0
    lower: float = 0.0
    language_power: float = 0.5
    held_out: int = 50
    checkpoint_steps: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("min_confidence", "min_mean", "curriculum_from", "curriculum_until", "dropout", "warmup", "decay",
                     "word_dropout", "lower", "language_power"):  # fmt: skip
            if not 0 <= getattr(self, name) <= 1:
                raise DataFault(f"{name} is {getattr(self, name)}; it lies between 0 and 1")
        for name in ("sharpen", "steps", "batch_tokens", "learning_rate", "checkpoint_steps", "clip"):
            if not getattr(self, name) > 0:
                raise DataFault(f"{name} is {getattr(self, name)}; it is above 0")
        if list(self.widths) != sorted(set(self.widths)) or not self.widths or self.widths[0] < 4:
            raise DataFault(f"widths are {self.widths}; they are whole numbers from 4 on, rising")
        if any(value < 0 for value in self.weights.values()) or (self.weights and not sum(self.weights.values())):
            raise DataFault("weights are 0 or more, and not all 0")

    def as_json(self) -> dict[str, Any]:
        """Return JSON values, which `changed` takes back."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return found


def changed(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """Return the recipe with some choices changed; words of choices as they are written, and lists for tuples.

    >>> changed(Recipe(), {"loss": "kl", "steps": 10}).loss
    <Loss.KL: 'kl'>

    Raises `DataFault`, naming the choice, where there is no such one or the value doesn't fit.
    """
    now = {each.name: getattr(recipe, each.name) for each in fields(recipe)}
    if unknown := sorted(set(values) - set(now)):
        raise DataFault(f"there is no choice {unknown[0]!r}; there are {', '.join(now)}")
    return replace(recipe, **{name: _as(now[name], value, name) for name, value in values.items()})


def _as(now: Any, value: Any, name: str) -> Any:
    kind = type(now)
    wrong = DataFault(f"{name} is {value!r}, which is no {kind.__name__}")
    if isinstance(now, StrEnum):
        if value not in [each.value for each in kind]:
            raise DataFault(f"{name} is {value!r}, none of {', '.join(each.value for each in kind)}")
        return kind(value)
    if kind is dict:
        if not isinstance(value, Mapping) or not all(_is_number(each) for each in value.values()):
            raise wrong
        return {key: float(each) for key, each in value.items()}
    if kind is tuple:
        if not isinstance(value, (list, tuple)) or not all(type(each) is int for each in value):
            raise wrong
        return tuple(value)
    if kind is float and _is_number(value):
        return float(value)
    if type(value) is not kind:
        raise wrong
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
