"""From the folder of `encode` to arrays: what a training process holds in memory."""

import json
import lzma
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.aligner.carried import CHECKS, LISTS, META, PAIRS, STUDENT, TEACHER, WEIGHTS, read_lines
from training.aligner.corpus import Pieces, Ragged, Supervision, WordNumbers, is_salient, pieces_of, spelling_of
from training.aligner.recipe import TrainRecipe
from training.encoder.evaluate import GoldPair, parse_links
from training.teacher.arrays import load_arrays
from training.teacher.blocks import unpacked


@dataclass(frozen=True)
class Side:
    """The sentences of one side: sub-words for student and teacher, and which words may be names or numbers."""

    student: Pieces
    teacher: Pieces
    salient: Ragged


@dataclass(frozen=True)
class Corpus:
    """Sentence pairs: both sides, links as rows of i·256 + j, where links come from, and the group each counts to."""

    source: Side
    target: Side
    links: Ragged
    supervision: NDArray[np.uint8]
    group: NDArray[np.int64]
    groups: list[str]


@dataclass(frozen=True)
class Start:
    """The weights that training starts from."""

    config: dict[str, Any]
    teacher: Mapping[str, NDArray[np.float32]]
    kept: NDArray[np.int64]


def tokenizer_of(folder: Path, name: str) -> Tokenizer:
    """Read a compressed tokenizer."""
    return Tokenizer.from_str(lzma.decompress((folder / name).read_bytes()).decode())


def load_corpus(folder: Path, recipe: TrainRecipe, *, sample: int | None = None) -> Corpus:
    """Spell the pairs of `folder`, and pseudo-sentences of its word lists, by both tokenizers."""
    numbers = WordNumbers()
    sides: tuple[list[list[int]], list[list[int]]] = ([], [])
    links: list[list[int]] = []
    supervision, group, names = [], [], WordNumbers()
    for place, (kind, lang, pivot, source, target, linked) in enumerate(read_lines(folder / PAIRS)):
        if sample is not None and place % sample:
            continue
        sides[0].append(numbers(source.split(" ")))
        sides[1].append(numbers(target.split(" ")))
        links.append([i * 256 + j for i, j in parse_links(linked)])
        supervision.append(int(kind))
        group.append(names([f"{lang}-{pivot}"])[0])
    for name, one, other in pseudo_pairs(folder, recipe):
        sides[0].append(numbers(one))
        sides[1].append(numbers(other))
        links.append([])
        supervision.append(int(Supervision.NONE))
        group.append(names([name])[0])
    student, teacher = (spelling_of(tokenizer_of(folder, name), numbers.words) for name in (STUDENT, TEACHER))
    salient = np.array([is_salient(word) for word in numbers.words], np.int32)
    sources, targets = (_side(Ragged.of(rows), student, teacher, salient) for rows in sides)
    return Corpus(
        sources,
        targets,
        Ragged.of(links),
        np.array(supervision, np.uint8),
        np.array(group, np.int64),
        names.words,
    )


def _side(sentences: Ragged, student: Ragged, teacher: Ragged, salient: NDArray[np.int32]) -> Side:
    named = salient[sentences.values]
    # A capital at the start of a sentence says nothing.
    named[sentences.offsets[:-1]] = 0
    return Side(pieces_of(sentences, student), pieces_of(sentences, teacher), Ragged(named, sentences.offsets))


def pseudo_pairs(folder: Path, recipe: TrainRecipe) -> list[tuple[str, list[str], list[str]]]:
    """Draw words of each list into two rows: no text of the language is at hand, and its words still have vectors."""
    rng = random.Random(recipe.seed)
    lists: dict[str, list[str]] = defaultdict(list)
    for language, word in read_lines(folder / LISTS):
        lists[language].append(word)
    drawn = []
    for language, words in lists.items():
        for _ in range(recipe.pseudo_pairs):
            one, other = (rng.choices(words, k=recipe.pseudo_words) for _ in range(2))
            drawn.append((language, one, other))
    return drawn


def load_checks(folder: Path, most: int = 0) -> dict[str, list[GoldPair]]:
    """Read the gold alignments by language pair, the first `most` of each, 0 for all."""
    checks: dict[str, list[GoldPair]] = {}
    for name, source, target, sure, possible in read_lines(folder / CHECKS):
        pair = GoldPair(source.split(), target.split(), parse_links(sure), parse_links(possible))
        checks.setdefault(name, []).append(pair)
    return {name: pairs[:most] if most else pairs for name, pairs in checks.items()}


def load_start(folder: Path) -> Start:
    """Read the starting weights."""
    arrays = load_arrays(folder / WEIGHTS)
    kept = arrays.pop("kept")
    config = json.loads((folder / META).read_text("utf-8"))["config"]
    return Start(config, unpacked(arrays), kept)
