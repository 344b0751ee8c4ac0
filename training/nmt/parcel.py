"""Trained weights in the small files of `training.parcels`, with the corpus' meta data; a checkpoint from them."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from transformers import M2M100ForConditionalGeneration

from training import parcels
from training.nmt import checkpoints
from training.nmt.corpus import META
from training.nmt.errors import ModelFileError, StageError
from training.nmt.network import build_network
from training.nmt.recipe import ModelRecipe
from training.nmt.stages import write_json
from training.nmt.train import FINAL
from training.parcels import PART_BYTES, read_parcel, rows_as_int8, write_parcel

_EMBEDDINGS = "model.shared.weight"
_TIED = ("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight")


def quantised(weights: Mapping[str, Tensor]) -> dict[str, NDArray[np.generic]]:
    """Matrices as int8 with `<name>.scale` (rows,), the rest as float32; copies and computed positions left out."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, tensor in weights.items():
        if name in _TIED or "embed_positions" in name:
            continue
        value = tensor.float().cpu().numpy()
        if value.ndim < 2:
            arrays[name] = value
            continue
        arrays |= rows_as_int8(name, value)
    return arrays


def restored(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, Tensor]:
    """The float32 weights of `quantised` arrays, tied ones under each of their names."""
    return _tied(parcels.restored(arrays))


def _tied(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return weights | dict.fromkeys(_TIED, weights[_EMBEDDINGS])


def pack(trained: Path, encoded: Path, average: int, parcel: Path) -> None:
    """Write the final weights of `trained`, or the mean of its last `average` checkpoints while it has none."""
    found = checkpoints.existing(trained)[-average:]
    if (trained / FINAL).is_dir():
        weights = M2M100ForConditionalGeneration.from_pretrained(trained / FINAL).state_dict()
    elif found:
        weights = checkpoints.average(found)
    else:
        raise StageError("there are neither final weights nor checkpoints: run `train` first")
    meta = json.loads((encoded / META).read_text(encoding="utf-8"))
    write_parcel(quantised(weights), {"meta": meta}, parcel, PART_BYTES)


def unpack(parcel: Path, recipe: ModelRecipe, trained: Path, encoded: Path) -> None:
    """Make `trained/final` and `encoded/meta.json`, which `convert` reads, from a parcel.

    Raises ModelFileError when a file is missing, damaged or of another network than the recipe's.
    """
    weights, index = read_parcel(parcel)
    weights = _tied(weights)
    network = build_network(recipe, len(weights[_EMBEDDINGS]))
    try:
        outcome = network.load_state_dict(weights, strict=False)
    except RuntimeError as failure:
        raise ModelFileError(f"the parcel holds another network than the recipe's: {failure}") from failure
    missing = [name for name in outcome.missing_keys if "embed_positions" not in name]
    if missing or outcome.unexpected_keys:
        raise ModelFileError(f"the parcel lacks {missing} and has unknown {outcome.unexpected_keys}")
    encoded.mkdir(parents=True, exist_ok=True)
    write_json(encoded / META, index["meta"])
    partial = trained / f"{FINAL}.partial"
    network.save_pretrained(partial)
    if (trained / FINAL).exists():
        shutil.rmtree(trained / FINAL)
    partial.rename(trained / FINAL)
