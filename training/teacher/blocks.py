"""The encoder's starting weights in the 4 bits they came in, to carry them to another machine without loss.

The checkpoint was read from Q4_0 blocks (`training/encoder/wheel.py`): 32 weights, a float16 scale and 4 bits each.
The blocks are found again in the float32 values, so any checkpoint pruned from that one can be packed, and every other
one is refused or packed as float16 by name.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
Floats = NDArray[np.float32]
BLOCK, ZERO = 32, 8
_CODES, _SCALES, _SHAPE = ".codes", ".scales", ".shape"


def blocks_of(values: Floats) -> tuple[NDArray[np.uint8], NDArray[np.float16]] | None:
    """Return codes (n_blocks, 16), two a byte, and scales (n_blocks,) that make up `values`; None where none do.

    In a block every weight is scale·k with k in -8 … 7, and the largest one was given k = -8: the scale is minus an
    eighth of it.

    >>> codes, scales = blocks_of(np.linspace(-8, 7, 32).round().astype(np.float32) * 0.5)
    >>> scales.tolist(), restored_blocks(codes, scales)[[0, 31]].tolist()
    ([0.5], [-4.0, 3.5])
    """
    if values.size % BLOCK:
        return None
    blocks = values.reshape(-1, BLOCK)
    largest = blocks[np.arange(len(blocks)), np.abs(blocks).argmax(axis=1)]
    scales = np.zeros(len(blocks), np.float16)
    codes = np.full(blocks.shape, ZERO, np.int64)
    wrong = np.ones(len(blocks), bool)
    # k = -8 is the rule; a scale that float16 rounded up, or a block of few values, may lack it.
    for divisor in (-8, 7, -7, 6, -6, 5, -5, 4, -4, 3, -3, 2, -2, 1, -1):
        scale = (largest / divisor).astype(np.float16)
        exact = scale.astype(np.float32)
        ratio = np.divide(blocks, exact[:, None], out=np.zeros_like(blocks), where=exact[:, None] != 0)
        found = np.clip(np.rint(ratio), -ZERO, ZERO - 1).astype(np.int64)
        fits = wrong & ((found.astype(np.float32) * exact[:, None]) == blocks).all(axis=1)
        scales[fits], codes[fits] = scale[fits], found[fits] + ZERO
        wrong &= ~fits
        if not wrong.any():
            halves = codes.astype(np.uint8)
            return (halves[:, :16] | (halves[:, 16:] << 4)).astype(np.uint8), scales
    return None


def restored_blocks(codes: NDArray[np.uint8], scales: NDArray[np.float16]) -> Floats:
    """Return the flat weights of `blocks_of`'s answer."""
    weights = np.concatenate([codes & 15, codes >> 4], axis=1).astype(np.float32) - ZERO
    return np.asarray(weights * scales.astype(np.float32)[:, None], np.float32).reshape(-1)


def packed(weights: Mapping[str, Floats]) -> dict[str, Array]:
    """Pack weights by name: Q4_0 blocks where they are some, float32 vectors and float16 matrices otherwise."""
    arrays: dict[str, Array] = {}
    for name, value in weights.items():
        blocks = blocks_of(value) if value.ndim > 1 else None
        if blocks is None:
            arrays[name] = value.astype(np.float16) if value.ndim > 1 else value
            continue
        arrays[name + _CODES], arrays[name + _SCALES] = blocks
        arrays[name + _SHAPE] = np.array(value.shape, np.int64)
    return arrays


def unpacked(arrays: Mapping[str, Array]) -> dict[str, Floats]:
    """Return the float32 weights of what `packed` wrote."""
    weights: dict[str, Floats] = {}
    for name, value in arrays.items():
        if name.endswith(_CODES):
            plain = name.removesuffix(_CODES)
            flat = restored_blocks(value.astype(np.uint8), arrays[plain + _SCALES].astype(np.float16))
            weights[plain] = flat.reshape(tuple(arrays[plain + _SHAPE].tolist()))
        elif not name.endswith((_SCALES, _SHAPE)):
            weights[name] = value.astype(np.float32)
    return weights
