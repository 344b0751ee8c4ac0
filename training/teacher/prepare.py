"""Stage `prepare`: labelled English with its noisy copies, and the sentence pairs."""

import json
import random
from dataclasses import asdict
from pathlib import Path

from training.nmt.stages import write_json
from training.teacher.english import DEV, TRAINED, Labelled, english_sentences
from training.teacher.noise import mentions_of, noisy
from training.teacher.pairs import choose_pairs
from training.teacher.recipe import PrepareRecipe

ENGLISH, SUMMARY = "english.jsonl", "summary.json"


def prepare(data: Path, recipe: PrepareRecipe, extra: int, output: Path) -> None:
    """Write `english.jsonl`, the pairs, and a summary of both."""
    sentences = english_sentences(data, recipe.held_out)
    trained = [each for each in sentences if each.split == TRAINED]
    mentions = mentions_of(trained)
    rng = random.Random(recipe.seed)
    written = [each for each in sentences if each.split in (TRAINED, DEV)]
    for sentence in trained:
        copies = recipe.english_copies.get(sentence.source, 1)
        written += [noisy(sentence, mentions, rng) for _ in range(copies - 1)]
    write_sentences(output / ENGLISH, written)
    pairs = choose_pairs(data, recipe, extra, output)
    counts: dict[str, int] = {}
    for each in written:
        counts[f"{each.source}/{each.split}"] = counts.get(f"{each.source}/{each.split}", 0) + 1
    write_json(output / SUMMARY, {"english": counts, "pairs": pairs})


def write_sentences(path: Path, sentences: list[Labelled]) -> None:
    """Write a JSON object a line."""
    with path.open("w", encoding="utf-8", newline="\n") as lines:
        lines.writelines(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in sentences)


def read_sentences(path: Path) -> list[Labelled]:
    """Read what `write_sentences` wrote."""
    found = []
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            row = json.loads(line)
            found.append(Labelled(row["source"], row["split"], tuple(row["words"]), tuple(row["tags"])))
    return found
