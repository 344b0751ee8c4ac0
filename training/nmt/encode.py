"""Tokenise every shard once: `<language>-<pivot>.npz` with flat ids and offsets for both sides.

Arrays per side s in (text, translation): `<s>_ids` uint16 or int32, flat; `<s>_offsets` int64, (n_pairs + 1,).
`corpus` uint8, (n_pairs,), is an index into meta.json's `corpora`. The ids hold neither language code nor `</s>`.
With `copies` above 1 a pair has further rows whose merges were left out at random (BPE dropout; the tokenizers
library draws them from a generator that cannot be seeded, so these rows differ from run to run). The tokenizer is
the shipped tokenizer.json, so training and serving cannot differ.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tqdm import tqdm

from training.nmt.errors import DataError
from training.nmt.prepare import SUMMARY, read_rows, read_shard, shard_files
from training.nmt.recipe import EncodeRecipe, Recipe, TokenizerRecipe
from training.nmt.stages import write_json
from training.nmt.tokenizer import train_sentencepiece, write_tokenizer

META = "meta.json"
_CHUNK = 4096

Ids = NDArray[np.integer]


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


def _encode_side(tokenizer: Tokenizer, sentences: Sequence[str], kind: type[np.integer]) -> list[Ids]:
    encodings = tokenizer.encode_batch_fast(list(sentences), add_special_tokens=False)
    return [np.array(encoding.ids, kind) for encoding in encodings]


def _chunks(path: Path) -> Iterator[list[tuple[str, str, str]]]:
    rows = read_rows(path)
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _flat(rows: list[Ids], kind: type[np.integer]) -> tuple[Ids, NDArray[np.int64]]:
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=offsets[1:])
    return np.concatenate([np.zeros(0, kind), *rows]), offsets


def encode_shard(
    path: Path, tokenizer: Tokenizer, recipe: EncodeRecipe, max_pieces: int, corpora: Mapping[str, int], output: Path
) -> dict[str, int]:
    """Write one shard's arrays; pairs with an empty side or one above `max_pieces` are left out and counted."""
    kind = np.uint16 if tokenizer.get_vocab_size() <= 2**16 else np.int32
    texts: list[Ids] = []
    translations: list[Ids] = []
    corpus: list[int] = []
    dropped = 0
    for chunk in _chunks(path):
        names, *sides = zip(*chunk, strict=True)
        for copy in range(recipe.copies):
            tokenizer.model.dropout = recipe.merge_dropout if copy else None
            encoded = (_encode_side(tokenizer, side, kind) for side in sides)
            for name, text, translation in zip(names, *encoded, strict=True):
                if 0 < len(text) <= max_pieces and 0 < len(translation) <= max_pieces:
                    texts.append(text)
                    translations.append(translation)
                    corpus.append(corpora[name])
                else:
                    dropped += 1
    text_ids, text_offsets = _flat(texts, kind)
    translation_ids, translation_offsets = _flat(translations, kind)
    np.savez(
        output,
        text_ids=text_ids,
        text_offsets=text_offsets,
        translation_ids=translation_ids,
        translation_offsets=translation_offsets,
        corpus=np.array(corpus, np.uint8),
    )
    return {"pairs": len(texts), "dropped": dropped}


def encode(prepared: Path, tokenizer_file: Path, recipe: Recipe, output: Path) -> None:
    """Encode every shard of `prepared` and write `meta.json`: the language ids, the corpora and the counts."""
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
    numbers = {name: number for number, name in enumerate(corpora)}
    counts = {}
    for (language, pivot), path in tqdm(shards.items(), desc="encode", unit="shard", disable=None):
        name = f"{language}-{pivot}"
        counts[name] = encode_shard(path, tokenizer, recipe.encode, max_pieces, numbers, output / f"{name}.npz")
    if not any(count["pairs"] for count in counts.values()):
        raise DataError(f"no pair has 1 to {max_pieces} pieces on both sides")
    meta = {"vocabulary": tokenizer.get_vocab_size(), "languages": languages, "corpora": corpora, "shards": counts}
    write_json(output / META, meta)
