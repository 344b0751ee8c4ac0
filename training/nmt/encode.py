"""Tokenise every shard once, into the arrays that `corpus` reads; linked pairs with their links and marked copies.

With `copies` above 1 a pair has further rows whose merges were left out at random (BPE dropout; the tokenizers
library draws them from a generator that cannot be seeded, so these rows differ from run to run). The tokenizer is
the shipped tokenizer.json, so training and serving cannot differ.
"""

import json
import random
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tqdm import tqdm

from training.nmt.corpus import HALVES, META
from training.nmt.errors import DataError
from training.nmt.layout import SPECIALS
from training.nmt.prepare import SUMMARY, read_shard, shard_files
from training.nmt.recipe import Recipe, TokenizerRecipe
from training.nmt.respelling import halves
from training.nmt.shards import Limits, encode_shard
from training.nmt.stages import write_json
from training.nmt.tokenizer import train_sentencepiece, write_tokenizer


def sample_lines(prepared: Path, recipe: TokenizerRecipe) -> list[str]:
    """Lines to learn the pieces from: each language has a share of n^temperature, chosen by a seeded shuffle."""
    texts: dict[str, list[str]] = {}
    for (language, pivot), path in shard_files(prepared).items():
        for text, translation in read_shard(path):
            texts.setdefault(language, []).append(text)
            texts.setdefault(pivot, []).append(translation)
    weights = {language: len(lines) ** recipe.temperature for language, lines in texts.items()}
    total = sum(weights.values())
    chosen: list[str] = []
    for language, lines in sorted(texts.items()):
        wanted = min(len(lines), round(recipe.lines * weights[language] / total))
        chosen.extend(random.Random(language).sample(lines, wanted))
    random.Random(0).shuffle(chosen)
    return chosen


def make_tokenizer(prepared: Path, recipe: TokenizerRecipe, output: Path) -> None:
    """Train the pieces on `prepared` and write sentencepiece.model and tokenizer.json into `output`."""
    languages = sorted({code for pair in shard_files(prepared) for code in pair})
    model = train_sentencepiece(sample_lines(prepared, recipe), recipe, output / "sentencepiece")
    write_tokenizer(model, languages, output / "tokenizer.json")


def piece_halves(tokenizer: Tokenizer) -> NDArray[np.int32]:
    """`respelling.halves` of a tokenizer in NLLB's layout, (vocabulary, 2)."""
    tokens = [tokenizer.id_to_token(index) or "" for index in range(tokenizer.get_vocab_size())]
    specials = np.full((len(SPECIALS), 2), -1, np.int32)
    return np.concatenate([specials, halves(tokens[len(SPECIALS) :], len(SPECIALS))])


def encode(prepared: Path, linked: Path, tokenizer_file: Path, recipe: Recipe, output: Path) -> None:
    """Encode every shard of `prepared` and write `meta.json`: the language ids, the corpora and the counts.

    `linked` is the folder of the `link` stage, which may be missing: then there are neither links nor marked copies.
    """
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    shards = shard_files(prepared)
    languages: dict[str, int] = {}
    for code in sorted({code for pair in shards for code in pair}):
        index = tokenizer.token_to_id(code)
        if index is None:
            raise DataError(f"the tokenizer has no code {code}: train it on these languages")
        languages[code] = index
    max_pieces = recipe.train.widths[-1] - 2
    corpora = sorted(json.loads((prepared / SUMMARY).read_text(encoding="utf-8"))["corpora"])
    limits = Limits(recipe.encode, max_pieces, {name: number for number, name in enumerate(corpora)})
    counts = {}
    for (language, pivot), path in tqdm(shards.items(), desc="encode", unit="shard", disable=None):
        name = f"{language}-{pivot}"
        counts[name] = encode_shard(path, linked / path.name, tokenizer, limits, output / f"{name}.npz")
    if not any(count["pairs"] for count in counts.values()):
        raise DataError(f"no pair has 1 to {max_pieces} pieces on both sides")
    np.save(output / HALVES, piece_halves(tokenizer))
    meta = {"vocabulary": tokenizer.get_vocab_size(), "languages": languages, "corpora": corpora, "shards": counts}
    write_json(output / META, meta)
