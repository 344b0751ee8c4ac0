"""Trained weights in small files, to carry them between machines: int8 per row, rounded as CTranslate2 rounds them."""

import json
import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.nmt.errors import StageError
from training.nmt.parcel import quantised
from training.parcels import PART_BYTES, read_parcel, write_parcel
from training.teacher.train import FINAL, LOG, STATE, round_file

logger = logging.getLogger(__name__)

# The head stays exact, as the served folder keeps it.
_EXACT = "head."


def pack(trained: Path, parcel: Path) -> None:
    """Write the final weights of `trained`, or the running mean of a round that time cut short, with the log.

    Raises `StageError` where there is neither.
    """
    weights = _weights(trained)
    encoder = {name: value for name, value in weights.items() if not name.startswith(_EXACT)}
    arrays = quantised(encoder) | {
        name: value.float().numpy() for name, value in weights.items() if name.startswith(_EXACT)
    }
    log = [json.loads(line) for line in _log(trained).splitlines()]
    write_parcel(arrays, {"log": log}, parcel, PART_BYTES)


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
    weights, index = read_parcel(parcel)
    trained.mkdir(parents=True, exist_ok=True)
    partial = trained / f"{FINAL}.partial"
    torch.save(weights, partial)
    partial.replace(trained / FINAL)
    (trained / LOG).write_text("".join(json.dumps(line) + "\n" for line in index["log"]), encoding="utf-8")
