"""A student's weights in small files, to carry them between machines: int8 per row, rounded as CTranslate2 rounds."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbridge_distillation.faults import DataFault, ModelFault
from spanbridge_distillation.start import HEAD, SCALE, restored

INDEX, PART_BYTES = "index.json", 15_000_000
_INT8 = 127.0


def quantised(weights: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return int8 rows with `NAME.scale` (rows,) for matrices, float32 for vectors and the head.

    A row's scale is 127 / its largest absolute value, 1 for a row of zeros.

    >>> quantised({"w": np.array([[0.5, -0.25]])})["w"].tolist()
    [[127, -64]]
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, value in weights.items():
        if value.ndim != 2 or name.startswith(HEAD):
            arrays[name] = value.astype(np.float32)
            continue
        largest = np.abs(value).max(axis=1)
        scale = np.where(largest > 0, _INT8 / np.where(largest > 0, largest, 1.0), 1.0).astype(np.float32)
        # numpy rounds halves to even, as CTranslate2 does.
        arrays[name] = np.rint(value * scale[:, None]).astype(np.int8)
        arrays[name + SCALE] = scale
    return arrays


def save_trained(folder: Path, weights: Mapping[str, NDArray[Any]], log: Sequence[Mapping[str, Any]]) -> None:
    """Write `weights.NN` of at most 15 MB each, and the index with checksums and the log."""
    buffer = io.BytesIO()
    np.savez(buffer, **quantised(weights))  # type: ignore[arg-type]  # the stub takes the names for options
    data = buffer.getvalue()
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for number, start in enumerate(range(0, len(data), PART_BYTES)):
        part = folder / f"weights.{number:02d}"
        part.write_bytes(data[start : start + PART_BYTES])
        files[part.name] = _sum(part.read_bytes())
    index = {"files": files, "sha256": _sum(data), "log": list(log)}
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


def load_trained(folder: Path) -> tuple[dict[str, NDArray[np.float32]], list[dict[str, Any]]]:
    """Return float32 weights and the log.

    Raises `DataFault` where there is nothing, `ModelFault` where a file is missing or damaged.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError as fault:
        raise DataFault(f"{folder} holds no trained student: train first, or carry all of the folder") from fault
    parts = []
    for name, checksum in sorted(index["files"].items()):
        path = folder / name
        parts.append(path.read_bytes() if path.is_file() else b"")
        if _sum(parts[-1]) != checksum:
            raise ModelFault(f"{path} is missing or damaged: carry it again")
    data = b"".join(parts)
    if _sum(data) != index["sha256"]:
        raise ModelFault(f"the files in {folder} don't make the whole that was written: carry them again")
    with np.load(io.BytesIO(data)) as arrays:
        return restored(dict(arrays)), list(index["log"])


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
