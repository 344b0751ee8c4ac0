"""Every hyper-parameter of the teacher, read from a TOML file; the defaults are those of `recipe.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from training.recipe_files import EACH, Stages

DEFAULT_RECIPE = Path(__file__).with_name("recipe.toml")


@dataclass(frozen=True)
class PrepareRecipe:
    """Which sentences are used; lengths count words.

    `english_copies` says how many times a gold set is written, each copy but the first with noise; `caps` bounds the
    pairs of a corpus in one language; `nameless` is the share kept of pairs whose pivot side shows no name.
    """

    seed: int = 0
    held_out: float = 0.4
    min_words: int = 4
    max_words: int = 60
    max_ratio: float = 2.6
    nameless: float = 0.25
    cap: int = 0
    english_copies: Mapping[str, int] = field(default_factory=dict)
    caps: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TranslateRecipe:
    """Machine translation of unlabelled sentences, so that the teacher meets the English that the pipeline makes."""

    sentences: int = 300
    beam: int = 2
    threads: int = 1
    batch_tokens: int = 1500


@dataclass(frozen=True)
class AlignRecipe:
    """Statistical word alignment by eflomal.

    `extra_pairs` of each language pair are kept for their statistics, and lent to one of fewer than `least_pairs`;
    `iterations` is relative to what eflomal would take.
    """

    extra_pairs: int = 10_000
    least_pairs: int = 7000
    samplers: int = 1
    iterations: float = 0.35


@dataclass(frozen=True)
class Round:
    """One round of training, with labels made by the model of the round before.

    `models` are trained from different seeds and label as one; `shares` are the parts of a batch drawn from gold,
    pivot-side, target-side, machine-translated and unlabelled sentences. `fresh` starts from where the training
    started, not from the round before.
    """

    steps: int
    shares: Mapping[str, float]
    models: int = 1
    fresh: bool = True
    learning_rate: float = 1e-4


@dataclass(frozen=True)
class TrainRecipe:
    """Optimisation; `batch_tokens` counts padded sub-words, `widths` the lengths that a batch may have.

    The network has the first `layers` layers of what it starts from, or all of them.
    """

    seed: int = 0
    layers: int | None = None
    batch_tokens: int = 16_384
    widths: tuple[int, ...] = (16, 24, 32, 48, 64, 96, 128)
    rounds: tuple[Round, ...] = field(default=(), metadata={EACH: Round})
    warmup: float = 0.1
    head_rate: float = 10.0
    weight_decay: float = 0.01
    dropout: float = 0.1
    smoothing: float = 0.05
    clip: float = 1.0
    temperature: float = 0.5
    decay: float = 0.999
    checkpoint_steps: int = 500
    evaluate_steps: int = 1000


@dataclass(frozen=True)
class LabelRecipe:
    """How labels cross a pair: spans below `sure` are masked; `gap` unlinked words may lie inside a span.

    `labellers` are finished taggers that label for the first round, by name, with the weights of their probabilities.
    """

    sure: float = 0.7
    gap: int = 1
    growth: int = 3
    own_weight: float = 0.5
    plain_weight: float = 0.5
    temperature: float = 1.0
    labellers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ConvertRecipe:
    """What the manifest says."""

    name: str = "teacher-1"
    licence: str = "CC-BY-NC-4.0"
    quantization: str = "int8"
    max_tokens: int = 128
    threads: int = 2


@dataclass(frozen=True)
class Recipe(Stages):
    """All stages."""

    prepare: PrepareRecipe = field(default_factory=PrepareRecipe)
    translate: TranslateRecipe = field(default_factory=TranslateRecipe)
    align: AlignRecipe = field(default_factory=AlignRecipe)
    train: TrainRecipe = field(default_factory=TrainRecipe)
    label: LabelRecipe = field(default_factory=LabelRecipe)
    convert: ConvertRecipe = field(default_factory=ConvertRecipe)


def load_recipe(path: Path = DEFAULT_RECIPE) -> Recipe:
    """Read a TOML recipe; keys left out keep their defaults, unknown ones are refused."""
    return Recipe.read(path)
