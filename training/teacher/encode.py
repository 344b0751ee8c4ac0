"""Stage `encode`: everything that training reads, as sub-word ids in one small file, and the starting weights.

`corpus.npz.xz` holds a table of sentences, their sub-words one behind the other without special ones: `ids`, and
`firsts`, which marks the first sub-word of each word (as bits); `lengths` (n_sentences,) cuts them into sentences.
`tags` has a column of TAGS for every word, -1 where nobody labelled it. `group` and `lang` (n_sentences,) are places in
the meta data's lists. `pairs` (n_pairs, 2) are sentences, source first; `links` (n_links, 2) are words within them,
`link_counts` (n_pairs,) of each pair.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from spanbridge_distillation.start import read_start
from spanbridge_shared.text.languages import ENGLISH, resolve_language
from training.nmt.stages import write_json
from training.teacher.align import LINKS, read_links
from training.teacher.arrays import (
    CHECK,
    CORPUS,
    GOLD,
    GROUPS,
    META,
    PIVOT,
    TARGET,
    TRANSLATED,
    UNLABELLED,
    WEIGHTS,
    save_arrays,
)
from training.teacher.blocks import packed
from training.teacher.english import TAGS, TRAINED, check_sentences
from training.teacher.pairs import Pair, read_rows
from training.teacher.prepare import ENGLISH as ENGLISH_FILE
from training.teacher.prepare import read_sentences

_NO_WORD = -1


@dataclass
class _Table:
    """The corpus while it grows."""

    words: list[tuple[str, ...]] = field(default_factory=list)
    tags: list[Sequence[int]] = field(default_factory=list)
    group: list[int] = field(default_factory=list)
    lang: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=lambda: list(GROUPS))
    langs: list[str] = field(default_factory=list)
    known: dict[tuple[tuple[str, ...], int], int] = field(default_factory=dict)

    def add(self, words: tuple[str, ...], group: str, lang: str, tags: Sequence[str] | None = None) -> int:
        """Return the sentence's number; the same words in the same group without labels are kept once."""
        number = _numbered(self.names, group)
        if tags is None and (words, number) in self.known:
            return self.known[words, number]
        row = len(self.words)
        self.words.append(words)
        self.tags.append([_NO_WORD] * len(words) if tags is None else [TAGS.index(tag) for tag in tags])
        self.group.append(number)
        self.lang.append(_numbered(self.langs, lang))
        if tags is None:
            self.known[words, number] = row
        return row


def _numbered(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)


def encode(
    prepared: Path,
    pair_files: Sequence[Path],
    aligned: Path,
    data: Path,
    checkpoint: Path,
    output: Path,
    *,
    texts: Path | None = None,
) -> None:
    """Write corpus, meta data, and starting weights where `checkpoint` is a transformers folder with `tokenizer.json`.

    Where it is a served folder there are none: training is given another one to start from. `texts` holds `LANG.txt`,
    a sentence a line, words separated by blanks, which are learned from without another language's side.
    """
    table = _Table()
    for sentence in read_sentences(prepared / ENGLISH_FILE):
        group = GOLD if sentence.split == TRAINED else f"{CHECK}{sentence.source}"
        table.add(sentence.words, group, ENGLISH, sentence.tags)
    pairs, links = _pairs(table, pair_files, aligned)
    for path in sorted(texts.glob("*.txt")) if texts else ():
        for line in path.read_text(encoding="utf-8").splitlines():
            table.add(tuple(line.split(" ")), UNLABELLED, path.stem)
    for name, words, tags in check_sentences(data):
        table.add(words, f"{CHECK}{name}", resolve_language(name), tags)
    arrays = _laid_out(table, Tokenizer.from_file(str(checkpoint / "tokenizer.json")))
    arrays |= {
        "pairs": np.array(pairs, np.int32).reshape(-1, 2),
        "link_counts": np.array([len(e) for e in links], np.uint8),
    }
    arrays["links"] = np.array([link for each in links for link in each], np.uint8).reshape(-1, 2)
    save_arrays(output / CORPUS, arrays)
    if (checkpoint / "model.bin").is_file():
        config = read_start(checkpoint, None).config
    else:
        config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
        save_arrays(output / WEIGHTS, packed(_encoder_weights(checkpoint)))
    write_json(output / META, {"groups": table.names, "languages": table.langs, "tags": list(TAGS), "config": config})


def _pairs(
    table: _Table, files: Sequence[Path], aligned: Path
) -> tuple[list[tuple[int, int]], list[list[tuple[int, int]]]]:
    pairs, links = [], []
    lines = iter((aligned / LINKS).read_text(encoding="utf-8").split("\n"))
    for pair in (pair for path in files for pair in read_rows(path)):
        pairs.append(_rows_of(table, pair))
        links.append(read_links(next(lines))[:255])
    return pairs, links


def _rows_of(table: _Table, pair: Pair) -> tuple[int, int]:
    translated = pair.corpus == TRANSLATED
    source = table.add(pair.source, TRANSLATED if translated else PIVOT, pair.pivot)
    return source, table.add(pair.target, TARGET, pair.lang)


def _laid_out(table: _Table, tokenizer: Any) -> dict[str, NDArray[np.generic]]:
    ids: list[NDArray[np.uint16]] = []
    firsts: list[NDArray[np.bool_]] = []
    lengths = []
    unknown = tokenizer.token_to_id("<unk>")
    for start in range(0, len(table.words), 4096):
        batch = [list(words) for words in table.words[start : start + 4096]]
        for encoding, words in zip(
            tokenizer.encode_batch(batch, is_pretokenized=True, add_special_tokens=False), batch, strict=True
        ):
            own, first = whole_words(encoding.ids, encoding.word_ids, len(words), unknown)
            ids.append(np.array(own, np.uint16))
            firsts.append(np.array(first, bool))
            lengths.append(len(own))
    return {
        "ids": np.concatenate(ids),
        "firsts": np.packbits(np.concatenate(firsts)),
        "lengths": np.array(lengths, np.uint16),
        "tags": np.array([tag for tags in table.tags for tag in tags], np.int8),
        "group": np.array(table.group, np.uint8),
        "lang": np.array(table.lang, np.uint8),
    }


def whole_words(
    ids: Sequence[int], word_ids: Sequence[int], n_words: int, unknown: int
) -> tuple[list[int], list[bool]]:
    """Return ids and marks of first sub-words; a word that leaves no sub-word becomes the unknown one.

    >>> whole_words([7, 8, 9], [0, 0, 2], 3, unknown=3)
    ([7, 8, 3, 9], [True, False, True, True])
    """
    own: list[int] = []
    first: list[bool] = []
    place = 0
    for word in range(n_words):
        begin = len(own)
        while place < len(ids) and word_ids[place] == word:
            own.append(ids[place])
            first.append(len(own) == begin + 1)
            place += 1
        if len(own) == begin:
            own.append(unknown)
            first.append(True)
    return own, first


def _encoder_weights(checkpoint: Path) -> dict[str, NDArray[np.float32]]:
    from safetensors.numpy import load_file

    return {name: value for name, value in load_file(checkpoint / "model.safetensors").items() if "pooler" not in name}
