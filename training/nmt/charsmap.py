"""The character map of a sentencepiece model, made exact for the `tokenizers` library.

sentencepiece normalises by replacing, from left to right, the longest key of the map that starts here.
`tokenizers` has that map as `Precompiled`, but looks up whole grapheme clusters and takes the *shortest* key
that starts one: "o" + dot below + acute (Yorùbá, typed decomposed) loses its acute. The cure is a boundary
after every sentencepiece unit, set by a regular expression made from the keys, so that each cluster is one
unit. The boundary is U+0001, which the map itself deletes.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from training.nmt.errors import ModelFileError

BOUNDARY = "\x01"

_BYTES = [bytes([byte]) for byte in range(256)]
# How many trie nodes are expanded at once: 255 positions each.
_NODES = 4096

# Characters that join the one before them into a grapheme cluster: marks, joiners, half-width voicing marks, jamo,
# emoji skin tones, regional indicators, and the line feed of CR LF.
_CLUSTER_TAIL = (
    r"\p{M}\x{200c}\x{200d}\x{ff9e}\x{ff9f}\x{1160}-\x{11ff}\x{1f3fb}-\x{1f3ff}\x{1f1e6}-\x{1f1ff}\x{e0020}-\x{e007f}\n"
)


def decode_charsmap(blob: bytes) -> dict[str, str]:
    """Every (key, replacement) of a precompiled map: a size, a darts-clone double array, NUL-separated replacements."""
    if len(blob) < 4:
        raise ModelFileError("the sentencepiece model has no character map: train it with nmt_nfkc")
    size = int.from_bytes(blob[:4], "little")
    units = np.frombuffer(blob, "<u4", size // 4, 4).astype(np.int64)
    replacements = blob[4 + size :]
    found: dict[str, str] = {}
    prefixes, nodes = [b""], _children(units[:1])
    while prefixes:
        deeper: list[bytes] = []
        places: list[NDArray[np.int64]] = []
        for start in range(0, len(prefixes), _NODES):
            parents, labels, positions = _edges(units, nodes[start : start + _NODES])
            below = positions ^ _children(units[positions])
            keys = [prefixes[start + parent] + _BYTES[label] for parent, label in zip(parents, labels, strict=True)]
            for at in np.flatnonzero(units[positions] & 0x100):
                first = int(units[below[at]] & 0x7FFFFFFF)
                end = replacements.index(b"\0", first)
                found[keys[at].decode("utf-8")] = replacements[first:end].decode("utf-8")
            deeper += keys
            places.append(below)
        prefixes, nodes = deeper, np.concatenate(places)
    return found


def _children(units: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the children of each unit are found: position = this ^ byte (darts-clone's layout)."""
    return (units >> 10) << ((units & 0x200) >> 6)


def _edges(
    units: NDArray[np.int64], nodes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The (parent, byte, position) of every edge that leaves `nodes`."""
    labels = np.arange(1, 256)
    positions = nodes[:, None] ^ labels
    inside = np.minimum(positions, len(units) - 1)
    exists = (positions < len(units)) & (units[inside] & 0x800000FF == labels)
    parents, columns = np.nonzero(exists)
    return parents, labels[columns], positions[parents, columns]


def character_class(characters: Iterable[str]) -> str:
    """A regular-expression class, runs written as ranges: `character_class("abcx") == "[a-cx]"`."""
    ranges: list[list[int]] = []
    for code in sorted({ord(character) for character in characters}):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "[" + "".join(_span(first, last) for first, last in ranges) + "]"


def _span(first: int, last: int) -> str:
    start, end = _literal(first), _literal(last)
    if first == last:
        return start
    return start + end if last == first + 1 else f"{start}-{end}"


def _literal(code: int) -> str:
    return chr(code) if chr(code).isascii() and chr(code).isalnum() else f"\\x{{{code:x}}}"


def unit_pattern(keys: Iterable[str]) -> str:
    """A pattern (Oniguruma) whose empty matches lie after each unit that a grapheme cluster would hide.

    `keys` are the map's keys of two and more characters. `\\K` keeps what was read out of the match, so that replacing
    each match by BOUNDARY inserts one; text without marks costs one look ahead per character.
    """
    bases: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        bases[key[1:]].add(key[0])
    by_class: dict[tuple[int, str], list[str]] = defaultdict(list)
    for tail, starts in bases.items():
        by_class[-len(tail), character_class(starts)].append(tail)
    longest_first = sorted(by_class.items())
    composed = "|".join(starts + _tails(tails) for (_, starts), tails in longest_first)
    second = character_class(tail[0] for tail in bases) if bases else ""
    loose = f"(?m:.)(?=[{_CLUSTER_TAIL}{second}])"
    return f"(?:(?=(?m:.){second})(?:{composed})|{loose})\\K" if composed else f"{loose}\\K"


def _tails(tails: list[str]) -> str:
    """An alternation of equally long tails; those that differ in the last character only share a branch."""
    last: dict[str, set[str]] = defaultdict(set)
    for tail in tails:
        last[tail[:-1]].add(tail[-1])
    heads: dict[str, list[str]] = defaultdict(list)
    for head, ends in last.items():
        heads[character_class(ends)].append("".join(_literal(ord(character)) for character in head))
    branches = [
        f"(?:{'|'.join(sorted(group))}){ends}" if group != [""] else ends for ends, group in sorted(heads.items())
    ]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
