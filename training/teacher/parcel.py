"""Trained weights in small files, to carry them between machines: int8 per row, rounded as CTranslate2 rounds them."""

import hashlib
import io
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.nmt.errors import ModelFileError, StageError
from training.nmt.parcel import INDEX, PART_BYTES, quantised
from training.nmt.stages import sha256, write_json
from training.teacher.train import FINAL, LOG, STATE, round_file

logger = logging.getLogger(__name__)

_SCALE = ".scale"
# The head stays exact, as the served folder keeps it.
_EXACT = "head."


def restored(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """The float32 weights of `quantised` arrays."""
    weights = {}
    for name in (name for name in arrays if not name.endswith(_SCALE)):
        value, scale = arrays[name].astype(np.float32), arrays.get(name + _SCALE)
        weights[name] = torch.from_numpy(value if scale is None else value / scale.astype(np.float32)[:, None])
    return weights


def pack(trained: Path, parcel: Path) -> None:
    """Write the final weights of `trained`, or the running mean of a round that time cut short, with the log.

    Raises `StageError` where there is neither.
    """
    weights = _weights(trained)
    encoder = {name: value for name, value in weights.items() if not name.startswith(_EXACT)}
    arrays = quantised(encoder) | {
        name: value.float().numpy() for name, value in weights.items() if name.startswith(_EXACT)
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    data = buffer.getvalue()
    parcel.mkdir(parents=True, exist_ok=True)
    checksums = {}
    for number, start in enumerate(range(0, len(data), PART_BYTES)):
        part = parcel / f"weights.{number:02d}"
        part.write_bytes(data[start : start + PART_BYTES])
        checksums[part.name] = sha256(part)
    log = [json.loads(line) for line in _log(trained).splitlines()]
    write_json(parcel / INDEX, {"files": checksums, "sha256": hashlib.sha256(data).hexdigest(), "log": log})


def _weights(trained: Path) -> dict[str, Tensor]:
    if (trained / FINAL).is_file():
        weights: dict[str, Tensor] = torch.load(trained / FINAL, map_location="cpu", weights_only=True)
        return weights
    if (trained / STATE).is_file():
        state: dict[str, Any] = torch.load(trained / STATE, map_location="cpu", weights_only=True)
        before = round_file(trained, state["round"] - 1, 0)
        # A round that has hardly begun is worse than the one before it.
        if state["step"] * 2 < state["steps"] and before.is_file():
            logger.warning("the recipe isn't done: packing round %d", state["round"] - 1)
            weights = torch.load(before, map_location="cpu", weights_only=True)
            return weights
        logger.warning("the recipe isn't done: packing round %d as it is at step %d", state["round"], state["step"])
        return dict(state["mean"])
    raise StageError("there are neither final weights nor a state: run `train` first")


def _log(trained: Path) -> str:
    return (trained / LOG).read_text(encoding="utf-8") if (trained / LOG).is_file() else ""


def unpack(parcel: Path, trained: Path) -> None:
    """Make `trained/final.pt` and the log from a parcel; raises `ModelFileError` where a file is missing or damaged."""
    index = json.loads((parcel / INDEX).read_text(encoding="utf-8"))
    for name, checksum in index["files"].items():
        if not (parcel / name).is_file() or sha256(parcel / name) != checksum:
            raise ModelFileError(f"{name} of the parcel is missing or damaged: carry it again")
    data = b"".join((parcel / name).read_bytes() for name in sorted(index["files"]))
    if hashlib.sha256(data).hexdigest() != index["sha256"]:
        raise ModelFileError("the files of the parcel do not make the whole that was packed: carry them again")
    trained.mkdir(parents=True, exist_ok=True)
    with np.load(io.BytesIO(data)) as arrays:
        partial = trained / f"{FINAL}.partial"
        torch.save(restored(dict(arrays)), partial)
    partial.replace(trained / FINAL)
    (trained / LOG).write_text("".join(json.dumps(line) + "\n" for line in index["log"]), encoding="utf-8")
