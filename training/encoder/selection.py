"""Choose which pieces a pruned vocabulary keeps. Pure."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.encoder.scripts import COMMON, HUGE, SERVED, piece_script
from training.encoder.tokenizer import SPECIALS, WORD_MARK, ScoredPiece, is_reachable


@dataclass(frozen=True)
class Selection:
    """Kept ids, ascending in the full vocabulary, and how many came in by which rule."""

    kept: list[int]
    by_rule: dict[str, int]


def piece_rates(
    pieces: Sequence[ScoredPiece], counts: Mapping[tuple[str, str], int], *, prior: float
) -> dict[str, float]:
    """Return each piece's expected share of a language's tokens, every language weighing the same.

    Unigram scores are log-probabilities over the hundred languages of the original vocabulary: they stand in for the
    languages not counted, and weigh as much as `prior` languages together.

    >>> rates = piece_rates([("a", math.log(0.5)), ("b", math.log(0.5))], {("x", "a"): 3, ("x", "b"): 1}, prior=1)
    >>> {piece: round(rate, 3) for piece, rate in rates.items()}
    {'a': 0.625, 'b': 0.375}
    """
    totals: dict[str, int] = defaultdict(int)
    for (language, _), n in counts.items():
        totals[language] += n
    mass = sum(math.exp(score) for piece, score in pieces if piece not in SPECIALS)
    rates = {piece: prior * math.exp(score) / mass for piece, score in pieces}
    for (language, piece), n in counts.items():
        rates[piece] += n / totals[language]
    return {piece: rate / (prior + len(totals)) for piece, rate in rates.items()}


def guaranteed_pieces(counts: Mapping[tuple[str, str], int], guarantees: Mapping[str, float]) -> set[str]:
    """Return the most frequent pieces that make up the given share of each named language's tokens.

    >>> sorted(guaranteed_pieces({("x", "a"): 8, ("x", "b"): 1, ("x", "c"): 1}, {"x": 0.85}))
    ['a', 'b']
    """
    found: set[str] = set()
    for language, share in guarantees.items():
        uses = [(n, piece) for (tag, piece), n in counts.items() if tag == language]
        if not uses:
            raise ValueError(f"nothing was counted for {language!r}; counted: {sorted({tag for tag, _ in counts})}")
        goal = share * sum(n for n, _ in uses)
        ranked = sorted(uses, key=lambda use: (-use[0], use[1]))
        seen = 0
        for n, piece in ranked:
            if seen >= goal:
                break
            seen += n
            found.add(piece)
    return found


def select(pieces: Sequence[ScoredPiece], rates: Mapping[str, float], guaranteed: set[str], *, size: int) -> Selection:
    """Keep `size` pieces, by these rules until it is full.

    1. the special pieces; 2. single characters of every script but Han and Hangul; 3. every Ethiopic piece;
    4. of the pieces of the served scripts, and of none, the guaranteed ones; 5. of those, the rest by rate.

    Raises ValueError when rules 1–4 alone pass `size`.
    """
    scripts = [piece_script(piece) for piece, _ in pieces]
    usable = [i for i, (piece, _) in enumerate(pieces) if is_reachable(piece) and i >= len(SPECIALS)]
    served = [i for i in usable if scripts[i] in SERVED or scripts[i] == COMMON]
    rules = {
        "special": list(range(len(SPECIALS))),
        "character": [i for i in usable if len(pieces[i][0].lstrip(WORD_MARK)) <= 1 and scripts[i] not in HUGE],
        "ethiopic": [i for i in usable if scripts[i] == "ETHIOPIC"],
        "guaranteed": [i for i in served if pieces[i][0] in guaranteed],
    }
    kept: set[int] = set()
    by_rule = {}
    for rule, ids in rules.items():
        by_rule[rule] = len(set(ids) - kept)
        kept.update(ids)
    if len(kept) > size:
        raise ValueError(f"the rules before the rate keep {len(kept)} pieces, more than --size {size}")
    rest = [i for i in served if i not in kept]
    best = sorted(rest, key=lambda i: (-rates[pieces[i][0]], i))[: size - len(kept)]
    by_rule["rate"] = len(best)
    return Selection(sorted(kept.union(best)), by_rule)
