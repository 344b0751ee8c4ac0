"""Every hyper-parameter of the model, read from a TOML file; the defaults are `recipe.toml`, nmt-seed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from training.recipe_files import Stages

DEFAULT_RECIPE = Path(__file__).with_name("recipe.toml")


@dataclass(frozen=True)
class PrepareRecipe:
    """Filters; lengths are code points. An empty `corpora` or `languages` means all of them."""

    corpora: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    max_pairs: int = 0
    max_characters: int = 1000
    max_ratio: float = 4.0
    ratio_slack: int = 20
    min_letters: float = 0.4


@dataclass(frozen=True)
class TokenizerRecipe:
    """The BPE: `pieces` counts sentencepiece's three special ones; lines are sampled per language, n^temperature."""

    pieces: int = 24000
    lines: int = 400_000
    temperature: float = 0.5
    character_coverage: float = 0.9999
    max_line_bytes: int = 2000
    threads: int = 2


@dataclass(frozen=True)
class LinkRecipe:
    """Which pairs get word links: up to `cap` of each language pair, corpora first named first; words per side."""

    corpora: tuple[str, ...] = (
        "mafand",
        "mafand_fr",
        "menyo20k",
        "igbo_en_benchmark",
        "hornmt",
        "ntrex128",
        "flores200",
        "tico19",
        "nllb_seed",
        "wmt_newstest",
        "nollysenti",
        "salt",
        "naija_nsc",
        "autshumato",
        "bayelemabaga_fr",
    )
    cap: int = 13_000
    min_words: int = 3
    max_words: int = 60
    max_ratio: float = 2.5


@dataclass(frozen=True)
class EncodeRecipe:
    """Each pair is encoded `copies` times: once as served, the others with this share of BPE merges left out.

    A linked pair has `marked_copies` more, 1 to `marked_spans` phrases of each between brackets.
    """

    copies: int = 1
    merge_dropout: float = 0.1
    marked_copies: int = 1
    marked_spans: int = 3
    seed: int = 0


@dataclass(frozen=True)
class ModelRecipe:
    """The shape of the M2M100 network."""

    width: int = 512
    feed_forward: int = 2048
    encoder_layers: int = 6
    decoder_layers: int = 3
    heads: int = 8
    dropout: float = 0.1
    positions: int = 256


@dataclass(frozen=True)
class TrainRecipe:
    """Optimisation; `batch_tokens` counts padded tokens of the longer side, `widths` code and `</s>` too.

    A pair of a corpus in `corpus_weights` is drawn that many times as often as others of its language pair, and
    counts as that many when the language pairs are weighed. `marked_share` of what is drawn of a language pair are its
    marked copies, if it has any. With `respelled` above 0 each pair is read in so many further spellings, where each
    piece is cut with probability `cut` (see `respelling`). `guide_weight` is the weight of the links' loss.
    Parameters whose names begin with one of `frozen` don't learn. With `follow`, which wants the encoder frozen, the
    loss is how far the decoder's output is from that of the network of the warm start, for `follow_output_steps`, and
    then how far its probabilities are; see `following`.
    """

    seed: int = 0
    steps: int = 7400
    batch_tokens: int = 56_000
    widths: tuple[int, ...] = (16, 24, 32, 48, 64, 96, 128)
    temperature: float = 0.55
    from_pivot: float = 0.3
    learning_rate: float = 1e-3
    min_learning_rate: float = 2e-5
    warmup_steps: int = 2000
    weight_decay: float = 0.01
    label_smoothing: float = 0.1
    clip: float = 1.0
    checkpoint_steps: int = 500
    keep_checkpoints: int = 4
    average: int = 1
    corpus_weights: Mapping[str, float] = field(default_factory=dict)
    marked_share: float = 0.12
    respelled: int = 0
    cut: float = 0.1
    guide_weight: float = 0.0
    frozen: tuple[str, ...] = ()
    follow: bool = False
    follow_output_steps: int = 0
    compile: bool = True
    bfloat16_on_cpu: bool = False


@dataclass(frozen=True)
class ConvertRecipe:
    """What the manifest says."""

    name: str = "nmt-seed"
    licence: str = "CC-BY-NC-4.0"
    quantization: str = "int8"


@dataclass(frozen=True)
class EvaluateRecipe:
    """Translation of the development sets; `marked_sentences` of each with up to `marked_spans` names in brackets."""

    sentences: int = 200
    marked_sentences: int = 100
    marked_spans: int = 3
    beam: int = 4
    target: str = "eng_Latn"
    batch_tokens: int = 2048
    threads: int = 2


@dataclass(frozen=True)
class Recipe(Stages):
    """All stages."""

    prepare: PrepareRecipe = field(default_factory=PrepareRecipe)
    tokenizer: TokenizerRecipe = field(default_factory=TokenizerRecipe)
    link: LinkRecipe = field(default_factory=LinkRecipe)
    encode: EncodeRecipe = field(default_factory=EncodeRecipe)
    model: ModelRecipe = field(default_factory=ModelRecipe)
    train: TrainRecipe = field(default_factory=TrainRecipe)
    convert: ConvertRecipe = field(default_factory=ConvertRecipe)
    evaluate: EvaluateRecipe = field(default_factory=EvaluateRecipe)


def load_recipe(path: Path = DEFAULT_RECIPE) -> Recipe:
    """Read a TOML recipe; keys left out keep their defaults, unknown ones are refused."""
    return Recipe.read(path)
