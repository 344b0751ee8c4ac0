"""Sentence pairs without labels: DATA/parallel, filtered and capped, as words of the service's own tokenizer."""

import lzma
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spanbridge_shared.text.tokenization import tokenize
from training.nmt.errors import DataError
from training.teacher.recipe import PrepareRecipe

PAIRS, STATISTICS = "pairs.tsv", "statistics.tsv"
_PRONOUNS = frozenset({"I", "Je", "J’ai"})


@dataclass(frozen=True)
class Pair:
    """Words of a pivot sentence (English or French) and of the other language's; codes are FLORES codes."""

    corpus: str
    lang: str
    pivot: str
    source: tuple[str, ...]
    target: tuple[str, ...]

    def row(self) -> str:
        """The pair as a line of tab-separated fields; words hold no white space."""
        return "\t".join([self.corpus, self.lang, self.pivot, " ".join(self.source), " ".join(self.target)]) + "\n"


def read_rows(path: Path) -> Iterator[Pair]:
    """Give the pairs of a file of `Pair.row` lines."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            corpus, lang, pivot, source, target = line.rstrip("\n").split("\t")
            yield Pair(corpus, lang, pivot, tuple(source.split(" ")), tuple(target.split(" ")))


def words_of(text: str, lang: str) -> tuple[str, ...]:
    """Return the words as the services cut them, white space within one (an ideographic space) left out."""
    return tuple(word for token in tokenize(text, lang) if (word := "".join(token.text.split())))


def shows_name(words: tuple[str, ...]) -> bool:
    """Tell whether a word behind the first begins with a capital letter.

    >>> shows_name(("Rain", "fell")), shows_name(("Rain", "in", "Lagos"))
    (False, True)
    """
    return any(word[:1].isupper() and word not in _PRONOUNS for word in words[1:])


def _read(path: Path) -> Iterator[tuple[str, str, str, str]]:
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 4:
                raise DataError(f"{path.name}, line {number}: expected 4 columns, found {len(fields)}")
            yield fields[0], fields[1], fields[2], fields[3]


def _fits(source: tuple[str, ...], target: tuple[str, ...], recipe: PrepareRecipe) -> bool:
    shorter, longer = sorted((len(source), len(target)))
    return recipe.min_words <= shorter and longer <= recipe.max_words and longer <= recipe.max_ratio * shorter


def choose_pairs(data: Path, recipe: PrepareRecipe, extra: int, output: Path) -> dict[str, int]:
    """Write `pairs.tsv` (to learn from) and `statistics.tsv` (for the aligner alone); return pairs by corpus."""
    taken: dict[str, int] = {}
    spare: dict[tuple[str, str], int] = defaultdict(int)
    files = sorted((data / "parallel").glob("*.tsv.xz"))
    if not files:
        raise DataError("DATA/parallel holds no *.tsv.xz")
    with (
        (output / PAIRS).open("w", encoding="utf-8", newline="\n") as chosen,
        (output / STATISTICS).open("w", encoding="utf-8", newline="\n") as rest,
    ):
        for path in files:
            corpus = path.name.removesuffix(".tsv.xz")
            rng = random.Random(f"{recipe.seed} {corpus}")
            rows = list(_read(path))
            rng.shuffle(rows)
            counts: dict[tuple[str, str], int] = defaultdict(int)
            cap = recipe.caps.get(corpus, recipe.cap)
            for lang, pivot, text, translation in rows:
                key = (lang, pivot)
                if counts[key] >= cap and spare[key] >= extra:
                    continue
                pair = Pair(corpus, lang, pivot, words_of(translation, pivot), words_of(text, lang))
                wanted = _fits(pair.source, pair.target, recipe) and (
                    shows_name(pair.source) or rng.random() < recipe.nameless
                )
                if wanted and counts[key] < cap:
                    counts[key] += 1
                    chosen.write(pair.row())
                elif spare[key] < extra and 0 < len(pair.source) <= 100 and 0 < len(pair.target) <= 100:
                    spare[key] += 1
                    rest.write(pair.row())
            taken[corpus] = sum(counts.values())
    return taken
