"""Training checkpoints: written whole or not at all, read back to the exact state, averaged at the end."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.nmt.batches import Cursor

_NAME = re.compile(r"step-(\d{8})\.pt")


@dataclass(frozen=True)
class Checkpoint:
    """Everything that training depends on after `step` steps."""

    step: int
    weights: Mapping[str, Tensor]
    optimizer: Mapping[str, Any]
    cursor: Cursor
    rng: Mapping[str, Tensor]


def rng_state() -> dict[str, Tensor]:
    """The generators that dropout draws from, on CPU and on the current CUDA device."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_rng_state(state: Mapping[str, Tensor]) -> None:
    """Put the generators back; a CUDA state is passed over on a machine without CUDA."""
    torch.set_rng_state(state["cpu"].cpu())
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"].cpu())


def save(folder: Path, checkpoint: Checkpoint, *, keep: int) -> Path:
    """Write `step-XXXXXXXX.pt` under a temporary name, rename it, and delete all but the `keep` newest."""
    path = folder / f"step-{checkpoint.step:08d}.pt"
    partial = path.with_name(path.name + ".partial")
    cursor = checkpoint.cursor
    torch.save(
        {
            "step": checkpoint.step,
            "weights": dict(checkpoint.weights),
            "optimizer": dict(checkpoint.optimizer),
            "chunk": cursor.chunk,
            "emitted": cursor.emitted,
            "pending": [torch.from_numpy(rows) for rows in cursor.pending],
            "rng": dict(checkpoint.rng),
        },
        partial,
    )
    partial.replace(path)
    for stale in existing(folder)[:-keep]:
        stale.unlink()
    return path


def existing(folder: Path) -> list[Path]:
    """The checkpoints of a folder, oldest first."""
    return sorted(path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name))


def load(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    cursor = Cursor(state["chunk"], state["emitted"], tuple(rows.numpy() for rows in state["pending"]))
    return Checkpoint(state["step"], state["weights"], state["optimizer"], cursor, state["rng"])


def average(paths: Sequence[Path]) -> dict[str, Tensor]:
    """The mean weights of `paths` in float32, one checkpoint in memory at a time."""
    mean: dict[str, Tensor] = {}
    for path in paths:
        for name, tensor in load(path).weights.items():
            share = tensor.float() / len(paths)
            mean[name] = mean[name] + share if name in mean else share
    return mean
