"""Attention of the translation model for the aligner: when it is asked for, and from sub-words to words."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from spanbridge_shared.contracts.alignment import AlignMethod
from spanbridge_shared.contracts.options import LinkingOptions
from spanbridge_shared.contracts.translation import Translation
from spanbridge_shared.errors import InvalidAttention

FloatArray = NDArray[np.float64]

_SPACE = "▁"
_UNKNOWN = "<unk>"
_UNREADABLE = "\ufffc"  # Stands for what the model couldn't read; no text has it, so that it matches nothing.
_MAX_CELLS = 250_000
_SCALE = 10_000


@dataclass(frozen=True, slots=True)
class Side:
    """The sub-words of one side as its model has them, and the word tokens of the same text."""

    pieces: Sequence[str]
    words: Sequence[str]


def needs_attention(options: LinkingOptions) -> bool:
    """Say whether the aligner reads the translation model's attention."""
    fused = options.align_method is AlignMethod.FUSED and options.weight_attention > 0
    return fused or options.align_method is AlignMethod.ATTENTION


def attention_of(translation: Translation, source: Sequence[str], target: Sequence[str]) -> FloatArray | None:
    """Return attention between the words of the best hypothesis, `source`, and those of the text, `target`.

    None where it wasn't asked for, and where the translation went through another language: what the last hop looked
    at are that language's words. Raises `ValueError` as `word_attention` does.
    """
    best = translation.hypotheses[0]
    if best.attention is None or best.tokens is None or translation.source_tokens is None:
        return None
    if translation.via or not source:
        return None
    return word_attention(best.attention, Side(best.tokens, source), Side(translation.source_tokens, target))


def missing_attention(via: Sequence[str], *, given: bool) -> InvalidAttention:
    """Return the error of a sentence that can't be aligned by attention, because it has none.

    >>> missing_attention([], given=True).detail
    'align_method attention: no model translated the given English side; choose another align_method'
    """
    why = f"the translation into English read {', '.join(via)}, not the sentence itself"
    if given:
        why = "no model translated the given English side"
    return InvalidAttention(f"align_method attention: {why}; choose another align_method")


def word_attention(rows: Sequence[Sequence[float]], source: Side, target: Side) -> FloatArray:
    """Return attention between words, (n_source words, n_target words), from `rows` (n_source pieces, n_target pieces).

    A row belongs to a sub-word that the model wrote, a column to one that it read. What a sub-word looked at is summed
    over the sub-words of a word; what a word looked at is the mean over its own sub-words. So rows that sum to at most
    1 still do; a word that no sub-word stands for has zeros. Numbers are cut after four decimals. Raises `ValueError`
    where the rows don't fit the sub-words.

    >>> english = Side(["▁Sam", "ia", "▁came"], ["Samia", "came"])
    >>> swahili = Side(["▁Samia", "▁ali", "kuja"], ["Samia", "alikuja"])
    >>> word_attention([[0.75, 0.0, 0.25], [0.5, 0.25, 0.0], [0.0, 0.25, 0.5]], english, swahili).tolist()
    [[0.625, 0.25], [0.0, 0.75]]
    """
    wanted = (len(source.pieces), len(target.pieces))
    if len(rows) != wanted[0] or any(len(row) != wanted[1] for row in rows):
        raise ValueError(f"attention must be {wanted[0]} by {wanted[1]}: a row for each sub-word written")
    written, read = word_shares(source), word_shares(target)
    sums: FloatArray = written.T @ np.array(rows, dtype=np.float64).reshape(wanted) @ read
    means = sums / np.maximum(written.sum(axis=0), np.finfo(np.float64).tiny)[:, None]
    cut: FloatArray = np.floor(_SCALE * means) / _SCALE
    return cut


def word_shares(side: Side) -> FloatArray:
    """Return the share of each sub-word's characters in each word, (n_pieces, n_words); rows sum to 1.

    Both sides are compared without spaces, in NFKC. Where a model's own normalisation differs, and where it read a
    character as unknown, what lies between two common stretches is matched in proportion. A sub-word without
    characters goes with the next one. There must be a word.

    >>> word_shares(Side(["▁don't", "▁", "<unk>", "t", "op"], ["do", "n't", "ŝtop"])).tolist()
    [[0.4, 0.6, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    """
    pieces = [_UNREADABLE if piece == _UNKNOWN else _plain(piece) for piece in side.pieces]
    owners = _owners("".join(pieces), [_plain(word) for word in side.words])
    cells: list[int] = []
    start = 0
    for place, piece in enumerate(pieces):
        found = owners[start : start + len(piece)] or owners[start : start + 1] or owners[-1:] or [0]
        cells += [place * len(side.words) + word for word in found]
        start += len(piece)
    counts = np.bincount(np.array(cells, dtype=np.int64), minlength=len(pieces) * len(side.words)).reshape(
        len(pieces), len(side.words)
    )
    shares: FloatArray = counts / counts.sum(axis=1, keepdims=True)
    return shares


def _plain(text: str) -> str:
    """Return what is compared: without spaces, and without the mark that stands for them."""
    return "".join(unicodedata.normalize("NFKC", text).replace(_SPACE, "").split())


def _owners(characters: str, words: Sequence[str]) -> list[int]:
    """Return the word that each of the sub-words' characters lies in, ascending."""
    owners = [place for place, word in enumerate(words) for _ in word]
    text = "".join(words)
    if not owners or characters == text:
        return owners or [0] * len(characters)
    found: list[int] = []
    past = 0
    for start, there, size in _common(characters, text):
        gap = start - len(found)
        # Characters of a gap on one side only go with the word where the gap is.
        places = (past + (there - past) * step // gap for step in range(gap))
        found.extend(owners[min(place, len(owners) - 1)] for place in places)
        found.extend(owners[there : there + size])
        past = there + size
    return found


def _common(characters: str, text: str) -> list[tuple[int, int, int]]:
    """Return the common stretches (start, start in the text, length); the last is the empty one at both ends."""
    head = _common_length(characters, text)
    tail = _common_length(characters[head:][::-1], text[head:][::-1])
    middle = characters[head : len(characters) - tail], text[head : len(text) - tail]
    inner: list[tuple[int, int, int]] = []
    if len(middle[0]) * len(middle[1]) <= _MAX_CELLS:  # Comparing takes quadratic time.
        blocks = SequenceMatcher(None, *middle, autojunk=False).get_matching_blocks()
        inner = [(block.a + head, block.b + head, block.size) for block in blocks]
    ends = (len(characters), len(text))
    return [(0, 0, head), *inner, (ends[0] - tail, ends[1] - tail, tail), (*ends, 0)]


def _common_length(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
