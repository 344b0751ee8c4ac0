"""Trained weights in small files, to carry them between machines, and the checkpoint that they make again.

The matrices that CTranslate2 stores in int8 are rounded here as it rounds them (127 / the row's maximum), so the
converted model is the one that the weights themselves would give; the rest is float32.
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
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertConfig, BertModel

from training.encoder.rebuild import save_checkpoint
from training.encoder.tokenizer import save_tokenizer
from training.nmt.errors import ModelFileError
from training.nmt.stages import sha256, write_json

INDEX = "parcel.json"
PART_BYTES = 15 * 2**20
_SCALE = ".scale"
_KEPT = ("position_embeddings", "token_type_embeddings")


def quantised(weights: Mapping[str, Tensor]) -> dict[str, NDArray[np.generic]]:
    """Matrices as int8 with `<name>.scale` (rows,), vectors and what is added to the embeddings as float32."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, tensor in weights.items():
        value = tensor.float().cpu().numpy()
        if value.ndim < 2 or any(kept in name for kept in _KEPT):
            arrays[name] = value
            continue
        most = np.abs(value).max(axis=1)
        scale = np.where(most > 0, np.float32(127) / np.where(most > 0, most, 1), np.float32(1)).astype(np.float32)
        arrays[name], arrays[name + _SCALE] = np.rint(value * scale[:, None]).astype(np.int8), scale
    return arrays


def restored(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, Tensor]:
    """The float32 weights of `quantised` arrays."""
    weights = {}
    for name in (name for name in arrays if not name.endswith(_SCALE)):
        value, scale = arrays[name].astype(np.float32), arrays.get(name + _SCALE)
        weights[name] = torch.from_numpy(value if scale is None else value / scale.astype(np.float32)[:, None])
    return weights


def pack(weights: Mapping[str, Tensor], meta: Mapping[str, Any], parcel: Path) -> None:
    """Write `weights.00`, `weights.01`, … which together are one `.npz`, and `parcel.json` with checksums."""
    buffer = io.BytesIO()
    np.savez(buffer, **quantised(weights))  # type: ignore[arg-type]  # the stub takes the names for options
    data = buffer.getvalue()
    parcel.mkdir(parents=True, exist_ok=True)
    checksums = {}
    for number, start in enumerate(range(0, len(data), PART_BYTES)):
        part = parcel / f"weights.{number:02d}"
        part.write_bytes(data[start : start + PART_BYTES])
        checksums[part.name] = sha256(part)
    index = {"files": checksums, "sha256": hashlib.sha256(data).hexdigest(), "meta": dict(meta)}
    write_json(parcel / INDEX, index)


def unpack(parcel: Path, tokenizer: Path, checkpoint: Path) -> None:
    """Make a transformers folder with its tokenizer, which `training.encoder convert` reads, from a parcel.

    Raises ModelFileError when a file is missing or damaged.
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
    save_network(weights, index["meta"]["config"], checkpoint)
    save_tokenizer(Tokenizer.from_file(str(tokenizer)), checkpoint)


def save_network(weights: Mapping[str, Tensor], config: Mapping[str, Any], checkpoint: Path) -> None:
    """Save weights as a BertModel whose pooler, which the converter wants, is the identity."""
    network = BertModel(BertConfig(**config)).eval()
    size = int(config["hidden_size"])
    whole = {**weights, "pooler.dense.weight": torch.eye(size), "pooler.dense.bias": torch.zeros(size)}
    try:
        network.load_state_dict({name: whole[name] for name in network.state_dict()}, strict=True)
    except (KeyError, RuntimeError) as failure:
        raise ModelFileError(f"the parcel holds another network than its configuration: {failure}") from failure
    checkpoint.mkdir(parents=True, exist_ok=True)
    save_checkpoint(network, checkpoint)
