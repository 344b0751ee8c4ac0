"""Stage `count`: how often each language uses each piece of the full vocabulary."""

import heapq
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path

from tokenizers import Tokenizer

from training.encoder.corpora import (
    FREQUENCY_LANGUAGES,
    LEXICON_LANGUAGES,
    WordCounts,
    count_words,
    counted_files,
    frequency_words,
    lexicon_words,
)
from training.encoder.stages import Stamp, fingerprints, run_stage, sha256, write_json, write_text
from training.encoder.tokenizer import encode_words, ordered_vocabulary

logger = logging.getLogger(__name__)

COUNTS_NAME = "counts.tsv"
# Rarer words are spelled with the same pieces, and there are millions of them.
WORDS_PER_LANGUAGE = 30_000
Counts = Mapping[tuple[str, str], int]


def count(checkpoint: Path, data: Path, out: Path, *, force: bool = False) -> bool:
    """Write `counts.tsv` (language, piece, count) and `files.json` (what was counted).

    An interrupted run goes on with the next file.
    """
    files = counted_files(data)
    if not files:
        raise FileNotFoundError(f"no corpus below --data matches; expected parallel/ and ner/ in {data.name}")
    inputs = fingerprints(data, files) | fingerprints(checkpoint, [checkpoint / "tokenizer.json"])
    lists = {"wordfreq": list(FREQUENCY_LANGUAGES), "simplemma": list(LEXICON_LANGUAGES)}
    stamp = Stamp(
        "count",
        {"words": WORDS_PER_LANGUAGE, "lists": lists, "versions": {name: version(name) for name in lists}},
        inputs,
    )
    return run_stage(out, stamp, partial(_build, checkpoint, data, files), force=force)


def _build(checkpoint: Path, data: Path, files: list[Path], folder: Path) -> None:
    total: WordCounts = Counter()
    listing = {}
    for path in files:
        name = path.relative_to(data).as_posix()
        words = _shard(folder / "words" / f"{name}.tsv", partial(count_words, path))
        total.update(words)
        listing[name] = {"sha256": sha256(path), "words": sum(words.values())}
    for language in FREQUENCY_LANGUAGES:
        total.update(_shard(folder / "words" / "wordfreq" / f"{language}.tsv", partial(frequency_words, language)))
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    for language in LEXICON_LANGUAGES:
        shard = folder / "words" / "simplemma" / f"{language}.tsv"
        total.update(_shard(shard, partial(lexicon_words, language, tokenizer)))
    write_table(folder / COUNTS_NAME, count_pieces(tokenizer, most_frequent(total, WORDS_PER_LANGUAGE)))
    write_json(folder / "files.json", {"files": listing, "wordfreq": version("wordfreq")})


def _shard(path: Path, make: Callable[[], WordCounts]) -> WordCounts:
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(path, make())
        logger.info("count: read %s", path.stem)
    return read_table(path)


def most_frequent(counts: Counts, limit: int) -> WordCounts:
    """Return each language's `limit` most frequent words; ties go to the first in the alphabet.

    >>> most_frequent({("x", "a"): 3, ("x", "b"): 1, ("x", "c"): 1, ("y", "c"): 1}, 2)
    Counter({('x', 'a'): 3, ('x', 'b'): 1, ('y', 'c'): 1})
    """
    by_language: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for (language, word), n in counts.items():
        by_language[language].append((-n, word))
    return Counter(
        {(language, word): -n for language, uses in by_language.items() for n, word in heapq.nsmallest(limit, uses)}
    )


def count_pieces(tokenizer: Tokenizer, words: Counts) -> WordCounts:
    """Count (language, piece), encoding each distinct word once."""
    uses: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for (language, word), n in words.items():
        uses[word].append((language, n))
    distinct = sorted(uses)
    by_id: Counter[tuple[str, int]] = Counter()
    for word, ids in zip(distinct, encode_words(tokenizer, distinct), strict=True):
        for language, n in uses[word]:
            for piece_id in ids:
                by_id[language, piece_id] += n
    vocabulary = ordered_vocabulary(tokenizer)
    return Counter({(language, vocabulary[piece_id]): n for (language, piece_id), n in by_id.items()})


def write_table(path: Path, counts: Counts) -> None:
    """Write language, key, count; by language, most frequent first: the same counts give the same bytes."""
    rows = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    write_text(path, "".join(f"{language}\t{key}\t{n}\n" for (language, key), n in rows))


def read_table(path: Path) -> WordCounts:
    """Read what write_table wrote."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        rows = (line.rstrip("\n").split("\t") for line in lines)
        return Counter({(language, key): int(n) for language, key, n in rows})
