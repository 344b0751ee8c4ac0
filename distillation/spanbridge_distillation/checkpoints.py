"""The state of a training that may be stopped: everything that the next step depends on."""

from pathlib import Path
from typing import Any

import torch

from spanbridge_distillation.faults import DataFault

STATE = "state.pt"


def rng_state() -> dict[str, Any]:
    """Return the generators' states; draws of sentences need none, being functions of the step."""
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def set_rng_state(state: dict[str, Any]) -> None:
    """Put generators back; those of GPUs only where there are as many."""
    torch.set_rng_state(state["cpu"].cpu())
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([each.cpu() for each in state["cuda"]])


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write the state; the file is whole or the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{STATE}.partial"
    torch.save(state, partial)
    partial.replace(folder / STATE)


def load_state(folder: Path, fingerprint: str, device: torch.device) -> dict[str, Any] | None:
    """Return the state, None where there is none; raises `DataFault` where it is of other data or choices."""
    if not (folder / STATE).is_file():
        return None
    state: dict[str, Any] = torch.load(folder / STATE, map_location=device, weights_only=True)
    if state["fingerprint"] != fingerprint:
        raise DataFault(f"{folder} was begun with other data or choices: use another folder, or remove it")
    return state
