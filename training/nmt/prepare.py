"""Read parallel corpora, filter them, drop duplicates and held-out sentences, and write one shard per language pair.

Input: `<corpus>.tsv.xz` of four columns: language, pivot (eng_Latn or fra_Latn), text, translation. Output:
`<language>-<pivot>.tsv.xz` (corpus, text, translation) and `summary.json` (pairs kept and dropped per corpus,
by reason).
"""

import lzma
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from tqdm import tqdm

from training.nmt.errors import DataError
from training.nmt.recipe import PrepareRecipe
from training.nmt.stages import write_json

SUMMARY = "summary.json"
_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")
_PATH = re.compile(r"\.{0,2}/\S+")


@dataclass(frozen=True)
class Pair:
    """One sentence and its translation."""

    corpus: str
    language: str
    pivot: str
    text: str
    translation: str


def corpus_files(data: Path, recipe: PrepareRecipe) -> list[Path]:
    """The corpora that the recipe names, in name order; all of DATA/parallel when it names none."""
    found = {path.name.removesuffix(".tsv.xz"): path for path in sorted((data / "parallel").glob("*.tsv.xz"))}
    unknown = sorted(set(recipe.corpora) - set(found))
    if unknown or not found:
        raise DataError(f"DATA/parallel lacks {', '.join(unknown) or 'any *.tsv.xz'}")
    return [path for name, path in found.items() if not recipe.corpora or name in recipe.corpora]


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of one corpus file, fields stripped."""
    corpus = path.name.removesuffix(".tsv.xz")
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            columns = line.rstrip("\n").split("\t")
            if len(columns) != 4 or not all(_CODE.fullmatch(code) for code in columns[:2]):
                raise DataError(f"{path.name}:{number}: want language, pivot, text, translation; got {columns[:2]}")
            yield Pair(corpus, columns[0], columns[1], columns[2].strip(), columns[3].strip())


def sentence_key(text: str) -> bytes:
    """Letters, marks and digits in lower case, hashed: equal for sentences that differ in spacing and punctuation."""
    plain = unicodedata.normalize("NFKC", text).lower()
    kept = "".join(character for character in plain if unicodedata.category(character)[0] in "LMN")
    return blake2b(kept.encode(), digest_size=12).digest()


def rejection(pair: Pair, recipe: PrepareRecipe) -> str | None:
    """Why a pair is unfit, or None; cheap tests on one pair alone."""
    sides = (pair.text, pair.translation)
    longer, shorter = max(map(len, sides)), min(map(len, sides))
    if shorter == 0:
        return "empty"
    if longer > recipe.max_characters:
        return "long"
    if longer - shorter > recipe.ratio_slack and longer > recipe.max_ratio * shorter:
        return "ratio"
    if any(_PATH.fullmatch(side) for side in sides):
        return "path"
    if any(_letter_share(side) < recipe.min_letters for side in sides):
        return "letters"
    if pair.text == pair.translation and len(pair.text.split()) > 3:
        return "untranslated"
    return None


def _letter_share(text: str) -> float:
    solid = [character for character in text if not character.isspace()]
    return sum(unicodedata.category(character)[0] in "LM" for character in solid) / max(1, len(solid))


def held_out_keys(data: Path) -> set[bytes]:
    """Both sides of DATA/mt_dev, so that no development sentence is trained on."""
    keys: set[bytes] = set()
    for path in sorted((data / "mt_dev").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            keys.update(sentence_key(side) for side in line.split("\t"))
    return keys


class _Shards:
    """Deduplicates, counts, and appends pairs to one compressed file per language pair."""

    def __init__(self, folder: Path, recipe: PrepareRecipe, held_out: set[bytes]) -> None:
        self._folder, self._recipe, self._held_out = folder, recipe, held_out
        self._open = ExitStack()
        self._files: dict[str, lzma.LZMAFile] = {}
        self._seen: set[bytes] = set()
        self.kept: Counter[str] = Counter()
        self.pairs: Counter[str] = Counter()
        self.dropped: dict[str, Counter[str]] = {}

    def add(self, pair: Pair) -> None:
        reason = rejection(pair, self._recipe) or self._repeated(pair)
        if reason is not None:
            self.dropped.setdefault(pair.corpus, Counter())[reason] += 1
            return
        name = f"{pair.language}-{pair.pivot}"
        if name not in self._files:
            path = self._folder / f"{name}.tsv.xz"
            self._files[name] = self._open.enter_context(lzma.LZMAFile(path, "wb", preset=1))  # noqa: SIM115  (closed by the stack)
        self._files[name].write(f"{pair.corpus}\t{pair.text}\t{pair.translation}\n".encode())
        self.kept[pair.corpus] += 1
        self.pairs[name] += 1

    def _repeated(self, pair: Pair) -> str | None:
        keys = sentence_key(pair.text), sentence_key(pair.translation)
        if not self._held_out.isdisjoint(keys):
            return "held out"
        name = f"{pair.language}-{pair.pivot}"
        if self._recipe.max_pairs and self.pairs[name] >= self._recipe.max_pairs:
            return "over max_pairs"
        identity = name.encode() + keys[0] + keys[1]
        if identity in self._seen:
            return "duplicate"
        self._seen.add(identity)
        return None

    def close(self) -> None:
        self._open.close()


def prepare(data: Path, recipe: PrepareRecipe, output: Path) -> None:
    """Fill `output` with shards and their summary; the same inputs give the same bytes."""
    shards = _Shards(output, recipe, held_out_keys(data))
    try:
        for path in tqdm(corpus_files(data, recipe), desc="prepare", unit="corpus", disable=None):
            for pair in read_pairs(path):
                if not recipe.languages or {pair.language, pair.pivot} <= set(recipe.languages):
                    shards.add(pair)
    finally:
        shards.close()
    if not shards.pairs:
        raise DataError("no pair passed the filters: check [prepare] in the recipe")
    dropped = {corpus: dict(sorted(reasons.items())) for corpus, reasons in sorted(shards.dropped.items())}
    summary = {"pairs": dict(sorted(shards.pairs.items())), "corpora": dict(sorted(shards.kept.items()))}
    write_json(output / SUMMARY, {**summary, "dropped": dropped})


def read_rows(path: Path) -> Iterator[tuple[str, str, str]]:
    """The (corpus, text, translation) rows of one shard."""
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            corpus, text, translation = line.rstrip("\n").split("\t")
            yield corpus, text, translation


def read_shard(path: Path) -> Iterator[tuple[str, str]]:
    """The (text, translation) pairs of one shard."""
    for _, text, translation in read_rows(path):
        yield text, translation


def shard_files(prepared: Path) -> dict[tuple[str, str], Path]:
    """The shards by (language, pivot), in name order."""
    found = {}
    for path in sorted(prepared.glob("*.tsv.xz")):
        language, pivot = path.name.removesuffix(".tsv.xz").split("-")
        found[language, pivot] = path
    if not found:
        raise DataError("no shard in the prepared folder: run `prepare` first")
    return found
