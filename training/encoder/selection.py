"""Choose which pieces a pruned vocabulary keeps. Pure."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from training.encoder.scripts import COMMON, HUGE, SERVED, piece_script
from training.encoder.tokenizer import SPECIALS, WORD_MARK, ScoredPiece, is_reachable


@dataclass(frozen=True)
class VocabularyRecipe:
    """How many pieces to keep, and how much each language's use of them counts."""

    size: int
    prior: float = 0.0
    other: float = 1.0
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    """Kept ids, ascending in the full vocabulary, and how many came in by which rule."""

    kept: list[int]
    by_rule: dict[str, int]


def piece_rates(
    pieces: Sequence[ScoredPiece], counts: Mapping[tuple[str, str], int], recipe: VocabularyRecipe
) -> dict[str, float]:
    """Return each piece's share of the tokens of the languages counted, in the mean that the recipe weighs.

    Unigram scores are log-probabilities over the hundred languages of the original vocabulary: they stand in for the
    languages not counted, and weigh `prior`. Raises ValueError when a weight names a language that was not counted.

    >>> rates = piece_rates(
    ...     [("a", math.log(0.5)), ("b", math.log(0.5))],
    ...     {("x", "a"): 3, ("x", "b"): 1, ("y", "b"): 2},
    ...     VocabularyRecipe(2, prior=1, other=1, weights={"x": 2}),
    ... )
    >>> {piece: round(rate, 3) for piece, rate in rates.items()}
    {'a': 0.5, 'b': 0.5}
    """
    totals: dict[str, int] = defaultdict(int)
    for (language, _), n in counts.items():
        totals[language] += n
    if unknown := sorted(recipe.weights.keys() - totals.keys()):
        raise ValueError(f"nothing was counted for {', '.join(unknown)}; counted: {', '.join(sorted(totals))}")
    weights = {language: recipe.weights.get(language, recipe.other) for language in totals}
    mass = sum(math.exp(score) for piece, score in pieces if piece not in SPECIALS)
    rates = {piece: recipe.prior * math.exp(score) / mass for piece, score in pieces}
    for (language, piece), n in counts.items():
        rates[piece] += weights[language] * n / totals[language]
    whole = recipe.prior + sum(weights.values())
    return {piece: rate / whole for piece, rate in rates.items()}


def select(pieces: Sequence[ScoredPiece], rates: Mapping[str, float], *, size: int) -> Selection:
    """Keep `size` pieces, by these rules until it is full.

    1. the special pieces; 2. single characters of every script but Han and Hangul; 3. of the pieces of the served
    scripts, and of none, those of the best rate.

    Raises ValueError when rules 1 and 2 alone pass `size`.
    """
    scripts = [piece_script(piece) for piece, _ in pieces]
    usable = [i for i, (piece, _) in enumerate(pieces) if is_reachable(piece) and i >= len(SPECIALS)]
    served = [i for i in usable if scripts[i] in SERVED or scripts[i] == COMMON]
    special = list(range(len(SPECIALS)))
    characters = [i for i in usable if len(pieces[i][0].lstrip(WORD_MARK)) <= 1 and scripts[i] not in HUGE]
    kept = {*special, *characters}
    if len(kept) > size:
        raise ValueError(f"the special pieces and single characters are {len(kept)}, more than the size {size}")
    rest = [i for i in served if i not in kept]
    best = sorted(rest, key=lambda i: (-rates[pieces[i][0]], i))[: size - len(kept)]
    by_rule = {"special": len(special), "character": len(characters), "rate": len(best)}
    return Selection(sorted(kept.union(best)), by_rule)
