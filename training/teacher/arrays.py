"""The files of the `encode` stage: names, groups of sentences, and arrays in one compressed file."""

import io
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CORPUS, WEIGHTS, META = "corpus.npz.xz", "weights.npz.xz", "meta.json"
GOLD, PIVOT, TARGET, TRANSLATED, UNLABELLED = GROUPS = ("gold", "pivot", "target", "translated", "unlabelled")
CHECK = "check:"


def save_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays by name."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # the stub takes the names for options
    path.write_bytes(lzma.compress(buffer.getvalue(), preset=6))


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read what `save_arrays` wrote."""
    with np.load(io.BytesIO(lzma.decompress(path.read_bytes()))) as arrays:
        return {name: arrays[name] for name in arrays.files}
