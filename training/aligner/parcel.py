"""Trained weights in small files, to carry them between machines, and the checkpoint that they make again.

The matrices that CTranslate2 stores in int8 are rounded here as it rounds them (127 / the row's maximum), so the
converted model is the one that the weights themselves would give; the rest is float32.
"""

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
from training.parcels import PART_BYTES, read_parcel, rows_as_int8, write_parcel

_KEPT = ("position_embeddings", "token_type_embeddings")


def quantised(weights: Mapping[str, Tensor]) -> dict[str, NDArray[np.generic]]:
    """Matrices as int8 with `<name>.scale` (rows,), vectors and what is added to the embeddings as float32."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, tensor in weights.items():
        value = tensor.float().cpu().numpy()
        if value.ndim < 2 or any(kept in name for kept in _KEPT):
            arrays[name] = value
            continue
        arrays |= rows_as_int8(name, value)
    return arrays


def pack(weights: Mapping[str, Tensor], meta: Mapping[str, Any], parcel: Path) -> None:
    """Write `weights.00`, `weights.01`, … which together are one `.npz`, and `parcel.json` with checksums."""
    write_parcel(quantised(weights), {"meta": dict(meta)}, parcel, PART_BYTES)


def unpack(parcel: Path, tokenizer: Path, checkpoint: Path) -> None:
    """Make a transformers folder with its tokenizer, which `training.encoder convert` reads, from a parcel.

    Raises ModelFileError when a file is missing or damaged.
    """
    weights, index = read_parcel(parcel)
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
