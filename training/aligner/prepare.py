"""Stage `prepare`: sentence pairs of DATA/parallel as words of the service's own tokenizer, the best text first."""

import json
import lzma
import random
from collections import Counter
from pathlib import Path

from training.aligner.recipe import PrepareRecipe
from training.nmt.errors import DataError
from training.nmt.prepare import Pair as TextPair
from training.nmt.prepare import held_out_keys, read_pairs, rejection, sentence_key
from training.nmt.recipe import PrepareRecipe as Filters
from training.nmt.stages import write_json
from training.teacher.pairs import Pair, words_of

PAIRS, SUMMARY = "pairs.tsv.xz", "summary.json"
_FILTERS = Filters()


def prepare(data: Path, recipe: PrepareRecipe, output: Path) -> None:
    """Write `pairs.tsv.xz` and `summary.json`; the same inputs give the same pairs."""
    held_out = held_out_keys(data)
    taken: Counter[tuple[str, str]] = Counter()
    by_corpus: dict[str, Counter[str]] = {}
    seen: set[bytes] = set()
    chosen: list[Pair] = []
    for corpus in recipe.corpora:
        path = data / "parallel" / f"{corpus}.tsv.xz"
        if not path.is_file():
            raise DataError(f"DATA/parallel lacks {path.name}, which the recipe names")
        rows = list(read_pairs(path))
        random.Random(f"{recipe.seed} {corpus}").shuffle(rows)
        here: Counter[tuple[str, str]] = Counter()
        for row in rows:
            key = (row.language, row.pivot)
            if taken[key] >= recipe.cap or here[key] >= recipe.corpus_caps.get(corpus, recipe.cap):
                continue
            if rejection(row, _FILTERS) or _repeated(row, held_out, seen):
                continue
            pair = Pair(
                corpus, row.language, row.pivot, words_of(row.translation, row.pivot), words_of(row.text, row.language)
            )
            if fits(pair, recipe):
                taken[key] += 1
                here[key] += 1
                chosen.append(pair)
        by_corpus[corpus] = Counter({"-".join(key): n for key, n in here.items()})
    # Translations of one sentence beside each other: the packed file is a third smaller.
    chosen.sort(key=lambda pair: (pair.corpus, pair.pivot, pair.source, pair.lang))
    with lzma.open(output / PAIRS, "wt", encoding="utf-8", newline="\n", preset=6) as lines:
        lines.writelines(pair.row() for pair in chosen)
    pairs = {"-".join(key): n for key, n in sorted(taken.items())}
    corpora = {corpus: sum(counts.values()) for corpus, counts in by_corpus.items()}
    write_json(output / SUMMARY, {"pairs": pairs, "corpora": corpora})


def fits(pair: Pair, recipe: PrepareRecipe) -> bool:
    """Tell whether both sides have a length to learn from.

    >>> fits(Pair("x", "swh_Latn", "eng_Latn", ("He", "reads", "."), ("Anasoma", "kitabu", ".")), PrepareRecipe())
    True
    >>> fits(Pair("x", "swh_Latn", "eng_Latn", ("Yes",), ("Ndiyo",)), PrepareRecipe())
    False
    """
    shorter, longer = sorted((len(pair.source), len(pair.target)))
    return recipe.min_words <= shorter and longer <= recipe.max_words and longer <= recipe.max_ratio * shorter


def read_chosen(path: Path) -> list[Pair]:
    """Read what `prepare` wrote."""
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        rows = (line.rstrip("\n").split("\t") for line in lines)
        return [Pair(c, lang, pivot, tuple(s.split(" ")), tuple(t.split(" "))) for c, lang, pivot, s, t in rows]


def read_summary(folder: Path) -> dict[str, dict[str, int]]:
    """Read the counts of `prepare`."""
    values: dict[str, dict[str, int]] = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    return values


def _repeated(row: TextPair, held_out: set[bytes], seen: set[bytes]) -> bool:
    keys = sentence_key(row.text), sentence_key(row.translation)
    identity = row.language.encode() + row.pivot.encode() + keys[0] + keys[1]
    if identity in seen or not held_out.isdisjoint(keys):
        return True
    seen.add(identity)
    return False
