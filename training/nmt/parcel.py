"""Trained weights in small files, to carry them between machines: int8 per row, split, with checksums.

The rows are rounded as CTranslate2 rounds them (127 / the row's maximum), so the int8 model converted from a parcel is
the one converted from the weights themselves. `weights.00`, `weights.01`, … together are one `.npz`; `parcel.json`
holds their checksums and the corpus' meta data.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import M2M100ForConditionalGeneration

from training.nmt import checkpoints
from training.nmt.corpus import META
from training.nmt.errors import ModelFileError, StageError
from training.nmt.network import build_network
from training.nmt.recipe import ModelRecipe
from training.nmt.stages import sha256, write_json
from training.nmt.train import FINAL

INDEX = "parcel.json"
PART_BYTES = 15 * 2**20
_EMBEDDINGS = "model.shared.weight"
_TIED = ("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight")
_SCALE = ".scale"


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
        most = np.abs(value).max(axis=1)
        scale = np.where(most > 0, np.float32(127) / np.where(most > 0, most, 1), np.float32(1)).astype(np.float32)
        arrays[name], arrays[name + _SCALE] = np.rint(value * scale[:, None]).astype(np.int8), scale
    return arrays


def restored(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, Tensor]:
    """The float32 weights of `quantised` arrays, tied ones under each of their names."""
    weights = {}
    for name in (name for name in arrays if not name.endswith(_SCALE)):
        value, scale = arrays[name].astype(np.float32), arrays.get(name + _SCALE)
        weights[name] = torch.from_numpy(value if scale is None else value / scale.astype(np.float32)[:, None])
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
    buffer = io.BytesIO()
    np.savez(buffer, **quantised(weights))  # type: ignore[arg-type]  # the stub takes the names for options
    data = buffer.getvalue()
    parcel.mkdir(parents=True, exist_ok=True)
    checksums = {}
    for number, start in enumerate(range(0, len(data), PART_BYTES)):
        part = parcel / f"weights.{number:02d}"
        part.write_bytes(data[start : start + PART_BYTES])
        checksums[part.name] = sha256(part)
    meta = json.loads((encoded / META).read_text(encoding="utf-8"))
    write_json(parcel / INDEX, {"files": checksums, "sha256": hashlib.sha256(data).hexdigest(), "meta": meta})


def unpack(parcel: Path, recipe: ModelRecipe, trained: Path, encoded: Path) -> None:
    """Make `trained/final` and `encoded/meta.json`, which `convert` reads, from a parcel.

    Raises ModelFileError when a file is missing, damaged or of another network than the recipe's.
    """
    index = json.loads((parcel / INDEX).read_text(encoding="utf-8"))
    for name, checksum in index["files"].items():
        if not (parcel / name).is_file() or sha256(parcel / name) != checksum:
            raise ModelFileError(f"{name} of the parcel is missing or damaged: carry it again")
    data = b"".join((parcel / name).read_bytes() for name in sorted(index["files"]))
    if hashlib.sha256(data).hexdigest() != index["sha256"]:
        raise ModelFileError("the files of the parcel do not make the whole that was packed: carry them again")
    with np.load(io.BytesIO(data)) as arrays:
        weights = restored(arrays)
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
