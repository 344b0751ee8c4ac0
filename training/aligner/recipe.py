"""Every hyper-parameter of the alignment encoder, read from a TOML file; the defaults are `recipe.toml`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from training.recipe_files import Stages

DEFAULT_RECIPE = Path(__file__).with_name("recipe.toml")


@dataclass(frozen=True)
class PrepareRecipe:
    """Which pairs are taken: corpora in order of preference, limits in words and pairs."""

    seed: int = 1
    corpora: tuple[str, ...] = ()
    cap: int = 12_000
    corpus_caps: Mapping[str, int] = field(default_factory=dict)
    min_words: int = 3
    max_words: int = 60
    max_ratio: float = 2.5


@dataclass(frozen=True)
class LinkRecipe:
    """Languages whose links the encoder itself gives, better than statistics of a few thousand pairs."""

    known: tuple[str, ...] = ("deu_Latn", "fra_Latn", "ita_Latn", "spa_Latn", "por_Latn", "nld_Latn")


@dataclass(frozen=True)
class EncodeRecipe:
    """What is carried: pairs up to a length, word lists, layers of the teacher, gold alignments by glob."""

    lists: tuple[str, ...] = ()
    list_words: int = 6000
    max_words: int = 45
    layers: int = 7
    checks: tuple[str, ...] = ("*/xlwa.dev.tsv",)


@dataclass(frozen=True)
class TrainRecipe:
    """Optimisation. `batch_tokens` counts padded sub-words of both sides; `widths` with `<s>` and `</s>`.

    The first `distil_steps` steps learn the teacher's vectors alone. Then the loss is link_weight · links +
    consistency_weight · consistency + distil_weight · distillation. `unknown_trust` weighs the teacher's vectors in
    languages that it doesn't know, `salience` adds to the weight of capitalised words and numbers in the links' loss,
    `teacher_floor` is the least cosine of a teacher's link. Every `check_steps` steps F1 is measured on the first
    `check_pairs` of each gold set, 0 for all. `snapshots` are steps whose weights are kept beside the last ones.
    """

    seed: int = 1
    steps: int = 6000
    layers: int = 7
    batch_tokens: int = 32_768
    widths: tuple[int, ...] = (24, 40, 64, 96, 128)
    temperature: float = 0.6
    pseudo_pairs: int = 4000
    pseudo_words: int = 12
    learning_rate: float = 1e-4
    warmup_steps: int = 200
    decay: float = 0.3
    weight_decay: float = 0.01
    dropout: float = 0.1
    clip: float = 1.0
    distil_steps: int = 1500
    distil_weight: float = 0.5
    link_weight: float = 1.0
    consistency_weight: float = 0.3
    temperature_links: float = 0.1
    unknown_trust: float = 0.1
    salience: float = 1.0
    teacher_floor: float = 0.2
    average_decay: float = 0.998
    check_steps: int = 500
    check_pairs: int = 0
    snapshots: tuple[int, ...] = ()
    group_weights: Mapping[str, float] = field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        """The values as JSON would give them back."""
        return asdict(self)


@dataclass(frozen=True)
class Recipe(Stages):
    """All stages."""

    prepare: PrepareRecipe = field(default_factory=PrepareRecipe)
    link: LinkRecipe = field(default_factory=LinkRecipe)
    encode: EncodeRecipe = field(default_factory=EncodeRecipe)
    train: TrainRecipe = field(default_factory=TrainRecipe)


def load_recipe(path: Path = DEFAULT_RECIPE) -> Recipe:
    """Read a TOML recipe; keys left out keep their defaults, unknown ones are refused."""
    return Recipe.read(path)
