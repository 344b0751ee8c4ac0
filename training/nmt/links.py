"""Stage `link`: which words translate each other, by the statistical aligner eflomal, for the corpora of [link].

`<language>-<pivot>.tsv.xz` has a line for each pair that was linked: its row in the shard, and `i-j` of words, pivot
word first, 0-based. Words are those of the services' own tokenizer.
"""

import logging
import lzma
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import tokenize
from training.aligner.link import statistical_links
from training.nmt.errors import DataError
from training.nmt.prepare import SUMMARY, read_rows, shard_files
from training.nmt.recipe import LinkRecipe
from training.nmt.stages import write_json
from training.teacher.align import Link, read_links
from training.teacher.pairs import Pair, words_of

logger = logging.getLogger(__name__)


def word_spans(text: str, language: str) -> list[Span]:
    """The code-point spans of a text's words, those that the link stage counts.

    >>> word_spans("Samia alikuja.", "swh_Latn")
    [Span(start=0, end=5), Span(start=6, end=13), Span(start=13, end=14)]
    """
    return [token.span for token in tokenize(text, language) if token.text.split()]


def link(prepared: Path, recipe: LinkRecipe, output: Path) -> None:
    """Write the links of every shard that has pairs of the recipe's corpora, and `summary.json`."""
    counts = {}
    for (language, pivot), path in shard_files(prepared).items():
        rows, pairs = _chosen(path, language, pivot, recipe)
        if not pairs:
            continue
        links = statistical_links(pairs)
        with lzma.open(output / path.name, "wt", encoding="utf-8", newline="\n", preset=1) as lines:
            for row, found in zip(rows, links, strict=True):
                lines.write(f"{row}\t{' '.join(f'{i}-{j}' for i, j in sorted(found))}\n")
        counts[f"{language}-{pivot}"] = dict(sorted(Counter(pair.corpus for pair in pairs).items()))
        logger.info("link: %s-%s, %d pairs", language, pivot, len(pairs))
    if not counts:
        raise DataError("no pair of the corpora of [link] is in the prepared folder")
    write_json(output / SUMMARY, counts)


def _chosen(path: Path, language: str, pivot: str, recipe: LinkRecipe) -> tuple[list[int], list[Pair]]:
    """Rows of a shard and their pairs, `source` being the pivot side, in the order of the rows."""
    rank = {corpus: place for place, corpus in enumerate(recipe.corpora)}
    rows = [(rank[row[0]], number, row) for number, row in enumerate(read_rows(path)) if row[0] in rank]
    chosen: list[tuple[int, Pair]] = []
    for _, number, (corpus, text, translation) in sorted(rows, key=lambda row: row[:2]):
        if len(chosen) == recipe.cap:
            break
        pair = Pair(corpus, language, pivot, words_of(translation, pivot), words_of(text, language))
        shorter, longer = sorted((len(pair.source), len(pair.target)))
        if recipe.min_words <= shorter and longer <= min(recipe.max_words, recipe.max_ratio * shorter):
            chosen.append((number, pair))
    chosen.sort(key=lambda row: row[0])
    return [number for number, _ in chosen], [pair for _, pair in chosen]


def read_linked(path: Path) -> Iterator[tuple[int, list[Link]]]:
    """The rows of a shard that have links, and their links, pivot word first; none where the file is missing."""
    if not path.is_file():
        return
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            row, links = line.rstrip("\n").split("\t")
            yield int(row), read_links(links)
