"""Stage `encode`: everything that training reads, in one small folder that can be carried to another machine."""

import json
import lzma
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.aligner.carried import (
    CHECKS,
    EMBEDDINGS,
    LISTS,
    META,
    PAIRS,
    STUDENT,
    TEACHER,
    WEIGHTS,
    write_lines,
)
from training.aligner.corpus import Supervision
from training.aligner.prepare import PAIRS as CHOSEN
from training.aligner.prepare import read_chosen
from training.aligner.recipe import EncodeRecipe
from training.encoder.count import read_table
from training.encoder.prune import scored_pieces
from training.encoder.tokenizer import build_tokenizer, encode_words
from training.encoder.wheel import FloatArray
from training.nmt.errors import DataError
from training.nmt.stages import write_json
from training.teacher.arrays import save_arrays
from training.teacher.blocks import packed
from training.teacher.pairs import Pair


@dataclass(frozen=True)
class Sources:
    """What is gathered: stages' folders, the unpruned and the pruned checkpoint, `counts` with the word lists, gold."""

    prepared: Path
    linked: Path
    full: Path
    shared: Path
    counts: Path
    align: Path


def encode(sources: Sources, recipe: EncodeRecipe, known: frozenset[str], output: Path) -> None:
    """Write the folder; `known` are the languages that the teacher knows."""
    pairs = read_chosen(sources.prepared / CHOSEN)
    write_lines(output / PAIRS, with_links(pairs, sources.linked, recipe.max_words))
    tokenizer = Tokenizer.from_file(str(sources.full / "tokenizer.json"))
    lists = word_lists(sources.counts, recipe)
    write_lines(output / LISTS, (f"{language}\t{word}" for language, words in lists.items() for word in words))
    checks = [
        f"{path.parent.name}\t{line}"
        for pattern in recipe.checks
        for path in sorted(sources.align.glob(pattern))
        for line in path.read_text("utf-8").splitlines()
    ]
    write_lines(output / CHECKS, checks)
    # The teacher doesn't know the other languages: there the student's pieces are enough for it.
    words = {word for pair in pairs for word in pair.source}
    words.update(word for pair in pairs if pair.lang in known for word in pair.target)
    words.update(word for each in lists.values() for word in each)
    words.update(word for line in checks for side in line.split("\t")[1:3] for word in side.split(" "))
    kept: list[int] = json.loads((sources.shared / "selection.json").read_text("utf-8"))["kept"]
    used = sorted({i for ids in encode_words(tokenizer, sorted(words)) for i in ids}.union(kept))
    pieces = scored_pieces(tokenizer)
    for name, text in (
        (STUDENT, (sources.shared / "tokenizer.json").read_text("utf-8")),
        (TEACHER, build_tokenizer([pieces[i] for i in used]).to_str()),
    ):
        (output / name).write_bytes(lzma.compress(text.encode(), preset=6))
    save_arrays(
        output / WEIGHTS, packed(teacher_weights(sources.full, used, recipe.layers)) | {"kept": places(kept, used)}
    )
    write_json(output / META, {"config": json.loads((sources.shared / "config.json").read_text("utf-8"))})


def places(kept: Sequence[int], used: Sequence[int]) -> NDArray[np.int64]:
    """Return where each id of `kept` lies in `used`, which is sorted and has them all.

    >>> places([0, 7], [0, 5, 7]).tolist()
    [0, 2]
    """
    return np.searchsorted(np.array(used), np.array(kept)).astype(np.int64)


def with_links(pairs: Sequence[Pair], linked: Path, max_words: int) -> Iterator[str]:
    """Give each pair's line, its links taken from the next line of its language pair's file, where there is one.

    Pairs with a side of more than `max_words` words are left out.
    """
    files = {path.stem: iter(path.read_text("utf-8").split("\n")[:-1]) for path in linked.glob("*.txt")}
    for pair in pairs:
        lines = files.get(f"{pair.lang}-{pair.pivot}")
        kind, links = (Supervision.TEACHER, "") if lines is None else (Supervision.STATISTICAL, next(lines, None))
        if links is None:
            raise DataError(f"fewer links than pairs for {pair.lang}-{pair.pivot}: run `link` again")
        if max(len(pair.source), len(pair.target)) > max_words:
            continue
        fields = (str(int(kind)), pair.lang, pair.pivot, " ".join(pair.source), " ".join(pair.target), links)
        yield "\t".join(fields)
    if any(next(lines, None) is not None for lines in files.values()):
        raise DataError("more links than pairs: run `link` again")


def word_lists(counts: Path, recipe: EncodeRecipe) -> dict[str, list[str]]:
    """Return the most frequent words of each list that the recipe names, `wordfreq-xx` or `simplemma-xx`."""
    lists = {}
    for name in recipe.lists:
        source, language = name.split("-")
        table = read_table(counts / "words" / source / f"{language}.tsv")
        ranked = sorted(table.items(), key=lambda item: (-item[1], item[0][1]))
        lists[name] = [word for (_, word), _ in ranked[: recipe.list_words] if word.split() == [word]]
    return lists


def teacher_weights(full: Path, used: Sequence[int], layers: int) -> dict[str, FloatArray]:
    """Return the checkpoint's first layers, with the embedding rows `used`."""
    from safetensors.numpy import load_file

    weights = {}
    for name, value in load_file(full / "model.safetensors").items():
        parts = name.split(".")
        if name.startswith("pooler") or (name.startswith("encoder.layer.") and int(parts[2]) >= layers):
            continue
        weights[name] = value[np.array(used)] if name == EMBEDDINGS else value
    return weights
