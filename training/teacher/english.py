"""The English NER sets: one sentence a record, labels folded to PER, ORG and LOC in IOB2."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.nmt.errors import DataError

LABELS = ("PER", "ORG", "LOC")
TAGS = ("O", *(f"{prefix}-{label}" for label in LABELS for prefix in "BI"))
TRAINED, DEV, TEST, HELD_OUT = "train", "dev", "test", "held_out"
# WNUT17 has no ORG: companies and groups (bands, teams) are what the other sets call ORG.
_FOLDED = {
    "PER": "PER",
    "ORG": "ORG",
    "LOC": "LOC",
    "person": "PER",
    "location": "LOC",
    "corporation": "ORG",
    "group": "ORG",
}
_SPLITS = {("ewt", "dev"): DEV, ("ewt", "test"): TEST}
_HANDLE = "@"


@dataclass(frozen=True)
class Labelled:
    """A sentence of the set `source`: words and their tags (n_words,)."""

    source: str
    split: str
    words: tuple[str, ...]
    tags: tuple[str, ...]


def folded(tags: Sequence[str]) -> tuple[str, ...]:
    """Return IOB2 over PER, ORG and LOC for a set's own tags, which may be IOB1 (SEC filings).

    >>> folded(["I-PER", "I-PER", "O", "B-group", "I-group", "B-MISC"])
    ('B-PER', 'I-PER', 'O', 'B-ORG', 'I-ORG', 'O')
    """
    result: list[str] = []
    before = None
    for tag in tags:
        prefix, _, own = tag.partition("-")
        label = _FOLDED.get(own)
        if label is None:
            result.append("O")
        else:
            result.append(f"{'B' if prefix == 'B' or before != own else 'I'}-{label}")
        before = own or None
    return tuple(result)


def without_handles(words: Sequence[str], tags: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Leave out `@ name`: the tweets of BTC label account names as people, which no other set and no news does.

    >>> without_handles(["hi", "@", "colgo", "!"], ["O", "B-PER", "B-PER", "O"])
    (('hi', '!'), ('O', 'O'))
    """
    kept = [
        place for place, word in enumerate(words) if word != _HANDLE and not (place and words[place - 1] == _HANDLE)
    ]
    tagged = [tags[place] for place in kept]
    return tuple(words[place] for place in kept), folded(tagged)


def read_columns(path: Path) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Give words and tags of each sentence of a file of token and tag columns; raises `DataError`."""
    words: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*path.read_text(encoding="utf-8").split("\n"), ""], start=1):
        fields = line.split()
        if not fields:
            if words:
                yield tuple(words), tuple(tags)
            words, tags = [], []
        elif len(fields) < 2:
            raise DataError(f"{path.name}, line {number}: expected a token and a tag, found {line[:40]!r}")
        else:
            words.append(fields[0])
            tags.append(fields[-1])


def english_sentences(data: Path, held_out: float) -> list[Labelled]:
    """Read DATA/ner/english; the last `held_out` of wikigold, and EWT's dev and test sets, are marked as such."""
    found: list[Labelled] = []
    for path in sorted((data / "ner" / "english").glob("*/*.txt")):
        source = path.parent.name
        split = _SPLITS.get((source, path.stem), TRAINED)
        sentences = [(words, folded(tags)) for words, tags in read_columns(path)]
        if source == "btc":
            sentences = [each for each in (without_handles(*each) for each in sentences) if each[0]]
        first_held_out = round(len(sentences) * (1 - held_out)) if source == "wikigold" else len(sentences)
        found.extend(
            Labelled(source, HELD_OUT if place >= first_held_out else split, words, tags)
            for place, (words, tags) in enumerate(sentences)
        )
    if not found:
        raise DataError("DATA/ner/english holds no set")
    return found


def check_sentences(data: Path) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Give (language, words, tags) of MasakhaNER 2's development sets, which only measure rounds and recipes."""
    for path in sorted((data / "ner" / "masakhaner2").glob("*/dev.txt")):
        for words, tags in read_columns(path):
            yield path.parent.name, words, folded(tags)
