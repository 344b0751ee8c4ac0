"""The encoded corpus: sub-word ids, soft labels of each teacher, and all that training needs beside torch.

`corpus.npz` holds `ids` (n_pieces,) of all words, `counts` (n_words,) of each word's sub-words, `n_words` and `lang`
(n_sentences,); `lower_ids` and `lower_counts` are of the same words in lower case. Where teachers are of source
languages, `source_ids`, `source_lengths` and `source_of` are sentences of those. `labels-TEACHER.npz` are soft labels
of the same sentences, `start.npz` the weights that a student starts from.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbridge_distillation.faults import DataFault
from spanbridge_distillation.soft_labels import load_soft_labels
from spanbridge_distillation.subwords import Specials

CORPUS, START, META, TOKENIZER = "corpus.npz", "start.npz", "meta.json", "tokenizer.json"
NO_WORD = -1
Ints = NDArray[np.int64]


def labels_name(teacher: str) -> str:
    """Return the name of a teacher's file."""
    return f"labels-{teacher}.npz"


@dataclass(frozen=True)
class Corpus:
    """Sentences one behind the other, twice: as they are, then in lower case, as rows n_sentences … 2·n_sentences.

    `ids` and `word_at` (n_pieces,): sub-words, and the number of the word that begins there, or NO_WORD; `starts`
    (2·n_sentences + 1,) counts sub-words, `words` (n_sentences + 1,) words. `lang` (n_sentences,) are places in
    `languages`. `soft` (n_teachers, n_words, n_tags) and `sound` (n_teachers, n_sentences) are the teachers' labels.
    `sources` (n_source_sentences,) are ids of sentences, `source_of` says which teacher's language each is of.
    """

    ids: Ints
    word_at: Ints
    starts: Ints
    words: Ints
    lang: Ints
    soft: NDArray[np.float16]
    sound: NDArray[np.bool_]
    sources: tuple[Ints, ...]
    source_of: Ints
    tags: tuple[str, ...]
    teachers: tuple[str, ...]
    languages: tuple[str, ...]
    specials: Specials
    config: Mapping[str, Any]
    max_tokens: int
    fingerprint: str

    @property
    def n_sentences(self) -> int:
        """How many there are, lower-case copies left out."""
        return len(self.lang)

    def sizes(self) -> Ints:
        """Return each row's sub-words (2·n_sentences,), special ones among them."""
        return np.diff(self.starts) + len(self.specials.before) + len(self.specials.after)


def sums(counts: NDArray[Any]) -> Ints:
    """Return where each part begins, and the end of the last one.

    >>> sums(np.array([2, 3])).tolist()
    [0, 2, 5]
    """
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def read_meta(folder: Path) -> dict[str, Any]:
    """Return the meta data; raises `DataFault` where nothing was encoded."""
    try:
        meta: dict[str, Any] = json.loads((folder / META).read_text(encoding="utf-8"))
    except FileNotFoundError as fault:
        raise DataFault(f"{folder} has no {META}: encode first, or carry all of the folder") from fault
    return meta


def load_corpus(folder: Path) -> Corpus:
    """Read an encoded corpus; raises `DataFault` where a file is missing or the files don't fit each other."""
    meta = read_meta(folder)
    with np.load(folder / CORPUS) as file:
        arrays = {name: file[name] for name in file.files}
    words = sums(arrays["n_words"])
    copies = [_copy(arrays[f"{kind}ids"], arrays[f"{kind}counts"], words) for kind in ("", "lower_")]
    labels = [load_soft_labels(folder / labels_name(name))[0] for name in meta["teachers"]]
    if any(each.lengths.tolist() != arrays["n_words"].tolist() for each in labels):
        raise DataFault(f"the soft labels in {folder} are of other sentences than the corpus: encode again")
    lengths = arrays.get("source_lengths", np.zeros(0, np.int64))
    sources = np.split(arrays.get("source_ids", np.zeros(0, np.int64)).astype(np.int64), np.cumsum(lengths)[:-1])
    return Corpus(
        ids=np.concatenate([ids for ids, _, _ in copies]),
        word_at=np.concatenate([word_at for _, word_at, _ in copies]),
        starts=sums(np.concatenate([sizes for _, _, sizes in copies])),
        words=words,
        lang=arrays["lang"].astype(np.int64),
        soft=np.stack([each.rows for each in labels]),
        sound=np.stack([each.sound for each in labels]),
        sources=tuple(sources) if len(lengths) else (),
        source_of=arrays.get("source_of", np.zeros(0)).astype(np.int64),
        tags=tuple(meta["tags"]),
        teachers=tuple(meta["teachers"]),
        languages=tuple(meta["languages"]),
        specials=Specials(
            tuple(meta["before"]), tuple(meta["after"]), int(meta["unknown"]), int(meta["pad"])
        ),
        config=meta["config"],
        max_tokens=int(meta["max_tokens"]),
        fingerprint=meta["fingerprint"],
    )  # fmt: skip


def _copy(ids: NDArray[Any], counts: NDArray[Any], words: Ints) -> tuple[Ints, Ints, Ints]:
    """Return one copy's ids, the word that begins at each, and each sentence's number of them."""
    begins = sums(counts)
    word_at = np.full(len(ids), NO_WORD, np.int64)
    has = counts > 0
    word_at[begins[:-1][has]] = np.flatnonzero(has)
    return ids.astype(np.int64), word_at, begins[words[1:]] - begins[words[:-1]]
