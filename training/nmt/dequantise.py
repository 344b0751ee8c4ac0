"""From a CTranslate2 model.bin back to a transformers M2M100 checkpoint in float32.

The weights are the ones that CTranslate2 computes with, int8 value divided by row scale, so that the two engines can be
compared on one model, and a later training can start from shipped weights (`train --warm-start`).
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import M2M100ForConditionalGeneration

from spanbridge_distillation.ctranslate2_file import ModelFile, read_model_file
from training.nmt.errors import ModelFileError
from training.nmt.network import build_network
from training.nmt.recipe import ModelRecipe


def dequantised(model: ModelFile, name: str) -> NDArray[np.float32]:
    """Variable `name` in float32; a weight (rows, …) with scales (rows,) is value / scale, a float one is itself."""
    value, scale = model.variables[name], model.variables.get(f"{name}_scale")
    if scale is None:
        return value.astype(np.float32)
    per_row = scale.astype(np.float32).reshape(-1, *[1] * (value.ndim - 1))
    return value.astype(np.float32) / per_row


def shape_of(model: ModelFile) -> ModelRecipe:
    """The network's shape, read off the variables."""
    if model.name != "TransformerSpec":
        raise ModelFileError(f"the file holds a {model.name}, not a translation model (TransformerSpec)")

    def layers(side: str) -> int:
        return len({key.split("/")[1] for key in model.variables if key.startswith(f"{side}/layer_")} - {"layer_norm"})

    return ModelRecipe(
        width=model.variables["decoder/embeddings/weight"].shape[1],
        feed_forward=model.variables["encoder/layer_0/ffn/linear_0/weight"].shape[0],
        encoder_layers=layers("encoder"),
        decoder_layers=layers("decoder"),
        heads=int(model.variables["encoder/num_heads"]),
        positions=model.variables["decoder/position_encodings/encodings"].shape[0],
    )


def _projections(layer: str, side: str) -> dict[str, tuple[str, ...]]:
    """Which transformers modules share each fused CTranslate2 linear of a layer, in row order."""
    ours = layer.replace("/layer_", ".layers.")
    names = {
        f"{layer}/self_attention/linear_0": tuple(f"{ours}.self_attn.{part}_proj" for part in "qkv"),
        f"{layer}/self_attention/linear_1": (f"{ours}.self_attn.out_proj",),
        f"{layer}/ffn/linear_0": (f"{ours}.fc1",),
        f"{layer}/ffn/linear_1": (f"{ours}.fc2",),
    }
    if side == "decoder":
        names[f"{layer}/attention/linear_0"] = (f"{ours}.encoder_attn.q_proj",)
        names[f"{layer}/attention/linear_1"] = tuple(f"{ours}.encoder_attn.{part}_proj" for part in "kv")
        names[f"{layer}/attention/linear_2"] = (f"{ours}.encoder_attn.out_proj",)
    return names


def _norms(layer: str, side: str) -> dict[str, str]:
    ours = layer.replace("/layer_", ".layers.")
    names = {
        f"{layer}/self_attention/layer_norm": f"{ours}.self_attn_layer_norm",
        f"{layer}/ffn/layer_norm": f"{ours}.final_layer_norm",
    }
    if side == "decoder":
        names[f"{layer}/attention/layer_norm"] = f"{ours}.encoder_attn_layer_norm"
    return names


def state_dict(model: ModelFile) -> dict[str, Tensor]:
    """The weights under transformers' names; fused projections are split."""
    shape = shape_of(model)
    embeddings = torch.from_numpy(dequantised(model, "decoder/embeddings/weight"))
    tied = ("model.shared", "model.encoder.embed_tokens", "model.decoder.embed_tokens", "lm_head")
    state = {f"{name}.weight": embeddings for name in tied}
    for side, count in (("encoder", shape.encoder_layers), ("decoder", shape.decoder_layers)):
        norms = {f"{side}/layer_norm": f"{side}.layer_norm"}
        for number in range(count):
            layer = f"{side}/layer_{number}"
            norms |= _norms(layer, side)
            for theirs, ours in _projections(layer, side).items():
                for kind in ("weight", "bias"):
                    rows = np.split(dequantised(model, f"{theirs}/{kind}"), len(ours))
                    state |= {
                        f"model.{name}.{kind}": torch.from_numpy(row.copy())
                        for name, row in zip(ours, rows, strict=True)
                    }
        for theirs, name in norms.items():
            state[f"model.{name}.weight"] = torch.from_numpy(dequantised(model, f"{theirs}/gamma"))
            state[f"model.{name}.bias"] = torch.from_numpy(dequantised(model, f"{theirs}/beta"))
    return state


def load_dequantised(model_file: Path) -> M2M100ForConditionalGeneration:
    """The transformers network, in evaluation mode, that computes what `model_file` stores.

    Raises ModelFileError when the file holds a network of another architecture.
    """
    model = read_model_file(model_file)
    shape = shape_of(model)
    network = build_network(shape, model.variables["decoder/embeddings/weight"].shape[0])
    outcome = network.load_state_dict(state_dict(model), strict=False)
    computed = {name for name in outcome.missing_keys if "embed_positions" in name}
    if outcome.unexpected_keys or set(outcome.missing_keys) != computed:
        raise ModelFileError(f"not an M2M100: missing {outcome.missing_keys}, unexpected {outcome.unexpected_keys}")
    network.eval()
    return network


def dequantise(model_file: Path, output: Path) -> None:
    """Write the network of `model_file` as a transformers folder (config.json, model.safetensors)."""
    load_dequantised(model_file).save_pretrained(output)
