"""Weights in small files, to carry them between machines: int8 per row, split, with checksums.

Rows are rounded as CTranslate2 rounds them (127 / the row's maximum), so that the int8 model converted from a parcel is
the one converted from the weights themselves. `weights.00`, `weights.01`, … together are one `.npz`; `parcel.json`
holds their checksums and what else is told.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spanbridge_distillation import start as served
from training.nmt.errors import ModelFileError
from training.nmt.stages import sha256, write_json

INDEX = "parcel.json"
PART_BYTES = 15 * 2**20

Arrays = dict[str, NDArray[np.generic]]


def rows_as_int8(name: str, matrix: NDArray[Any]) -> Arrays:
    """A matrix (rows, …) as int8 under its name, and the rows' scales (rows,) under `<name>.scale`."""
    most = np.abs(matrix).max(axis=1)
    scale = np.where(most > 0, np.float32(127) / np.where(most > 0, most, 1), np.float32(1)).astype(np.float32)
    return {name: np.rint(matrix * scale[:, None]).astype(np.int8), name + served.SCALE: scale}


def restored(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """The float32 weights of arrays of which some are `rows_as_int8`."""
    return {name: torch.from_numpy(value) for name, value in served.restored(arrays).items()}


def write_parcel(arrays: Mapping[str, NDArray[Any]], told: Mapping[str, Any], parcel: Path, part_bytes: int) -> None:
    """Write the arrays in files of at most `part_bytes`, and the index: checksums, and what is `told`."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # the stub takes the names for options
    data = buffer.getvalue()
    parcel.mkdir(parents=True, exist_ok=True)
    checksums = {}
    for number, start in enumerate(range(0, len(data), part_bytes)):
        part = parcel / f"weights.{number:02d}"
        part.write_bytes(data[start : start + part_bytes])
        checksums[part.name] = sha256(part)
    write_json(parcel / INDEX, {"files": checksums, "sha256": hashlib.sha256(data).hexdigest(), **told})


def read_parcel(parcel: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The `restored` weights and the index; raises ModelFileError when a file is missing or damaged."""
    index: dict[str, Any] = json.loads((parcel / INDEX).read_text(encoding="utf-8"))
    for name, checksum in index["files"].items():
        if not (parcel / name).is_file() or sha256(parcel / name) != checksum:
            raise ModelFileError(f"{name} of the parcel is missing or damaged: carry it again")
    data = b"".join((parcel / name).read_bytes() for name in sorted(index["files"]))
    if hashlib.sha256(data).hexdigest() != index["sha256"]:
        raise ModelFileError("the files of the parcel do not make the whole that was packed: carry them again")
    with np.load(io.BytesIO(data)) as arrays:
        return restored(dict(arrays)), index
