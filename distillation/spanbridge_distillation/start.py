"""Where a student starts: the encoder of a served folder, int8 as it is, or of a transformers checkpoint."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbridge_distillation.ctranslate2_file import Variables, read_model_file
from spanbridge_distillation.faults import ModelFault

SCALE, HEAD = ".scale", "head."
_ACTIVATIONS = {0: "relu", 1: "gelu_new", 3: "gelu"}
_NORMS = {"layernorm_embedding": "embeddings.LayerNorm"}
_EMBEDDINGS = {"embeddings_0": "embeddings.word_embeddings", "embeddings_1": "embeddings.token_type_embeddings"}


@dataclass(frozen=True, slots=True)
class Start:
    """A BERT encoder: `config` as BertConfig takes it, arrays under BertModel's names, int8 ones with `NAME.scale`.

    `max_tokens` is the longest input, special tokens among it. A token classifier brings its head too, `HEAD` + weight
    and bias, whose rows are `tags`.
    """

    config: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    max_tokens: int
    tags: tuple[str, ...] = ()


def read_start(folder: Path, layers: int | None) -> Start:
    """Read a folder of either kind, with its first `layers` layers or all of them.

    Raises `ModelFault` where it is neither, isn't BERT, or has fewer layers.
    """
    if (folder / "model.bin").is_file():
        start = _from_ctranslate2(folder)
    elif (folder / "config.json").is_file():
        start = _from_transformers(folder)
    else:
        raise ModelFault(f"{folder} holds neither model.bin (CTranslate2) nor config.json (transformers)")
    return start if layers is None else cut(start, layers, folder)


def cut(start: Start, layers: int, folder: Path) -> Start:
    """Return the encoder of the first `layers` layers; raises `ModelFault`, naming `folder`, where it has fewer."""
    has = int(start.config["num_hidden_layers"])
    if not 1 <= layers <= has:
        raise ModelFault(f"{folder.name} has {has} layers; {layers} can't be kept of them")
    arrays = {name: value for name, value in start.arrays.items() if _layer_of(name) < layers}
    return replace(start, config=start.config | {"num_hidden_layers": layers}, arrays=arrays)


def _layer_of(name: str) -> int:
    """Return a weight's layer, -1 for the embeddings'.

    >>> _layer_of("encoder.layer.3.output.dense.bias"), _layer_of("embeddings.LayerNorm.bias")
    (3, -1)
    """
    return int(name.split(".")[2]) if name.startswith("encoder.layer.") else -1


def restored(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """Return float32 weights: an int8 row is divided by its scale, as CTranslate2 computes.

    >>> restored({"w": np.array([[127, -64]], np.int8), "w.scale": np.array([254.0], np.float32)})["w"].tolist()
    [[0.5, -0.25196850299835205]]
    """
    weights = {}
    for name in (name for name in arrays if not name.endswith(SCALE)):
        value, scale = arrays[name].astype(np.float32), arrays.get(name + SCALE)
        weights[name] = value if scale is None else value / scale.astype(np.float32)[:, None]
    return weights


def _from_ctranslate2(folder: Path) -> Start:
    variables = read_model_file(folder / "model.bin").variables
    if "encoder/embeddings_1/weight" not in variables or int(variables["encoder/pre_norm"]) != 0:
        raise ModelFault(f"{folder.name} is no BERT encoder: it has no token types, or normalises first")
    arrays: dict[str, NDArray[Any]] = {}
    for theirs, ours in _EMBEDDINGS.items():
        _take(variables, f"encoder/{theirs}/weight", [f"{ours}.weight"], arrays)
    _take(variables, "encoder/position_encodings/encodings", ["embeddings.position_embeddings.weight"], arrays)
    layers = len({name.split("/")[1] for name in variables if name.startswith("encoder/layer_")})
    norms = dict(_NORMS)
    for number in range(layers):
        theirs, ours = f"layer_{number}", f"encoder.layer.{number}"
        norms[f"{theirs}/self_attention/layer_norm"] = f"{ours}.attention.output.LayerNorm"
        norms[f"{theirs}/ffn/layer_norm"] = f"{ours}.output.LayerNorm"
        for linear, modules in _linears(theirs, ours).items():
            for kind in ("weight", "bias"):
                _take(variables, f"encoder/{linear}/{kind}", [f"{module}.{kind}" for module in modules], arrays)
    for theirs, ours in norms.items():
        _take(variables, f"encoder/{theirs}/gamma", [f"{ours}.weight"], arrays)
        _take(variables, f"encoder/{theirs}/beta", [f"{ours}.bias"], arrays)
    tags: tuple[str, ...] = ()
    if (folder / "head.npz").is_file():
        with np.load(folder / "head.npz") as head:
            arrays |= {f"{HEAD}{name}": head[name].astype(np.float32) for name in ("weight", "bias")}
        tags = tuple(_manifest(folder).get("labels", ()))
    return Start(_config(variables, layers, folder), arrays, _longest(folder, variables), tags)


def _linears(theirs: str, ours: str) -> dict[str, tuple[str, ...]]:
    """Return which BertModel modules share each fused linear of a layer, in row order."""
    return {
        f"{theirs}/self_attention/linear_0": tuple(
            f"{ours}.attention.self.{part}" for part in ("query", "key", "value")
        ),
        f"{theirs}/self_attention/linear_1": (f"{ours}.attention.output.dense",),
        f"{theirs}/ffn/linear_0": (f"{ours}.intermediate.dense",),
        f"{theirs}/ffn/linear_1": (f"{ours}.output.dense",),
    }


def _take(variables: Variables, theirs: str, ours: list[str], arrays: dict[str, NDArray[Any]]) -> None:
    scale = variables.get(f"{theirs}_scale")
    value = variables[theirs]
    if scale is None:
        value = value.astype(np.float32)
    for name, part in zip(ours, np.split(value, len(ours)), strict=True):
        arrays[name] = part.copy()
    if scale is not None:
        for name, part in zip(ours, np.split(scale, len(ours)), strict=True):
            arrays[name + SCALE] = part.astype(np.float32)


def _config(variables: Variables, layers: int, folder: Path) -> dict[str, Any]:
    activation = int(variables["encoder/activation"])
    if activation not in _ACTIVATIONS:
        raise ModelFault(f"{folder.name} has CTranslate2's activation {activation}, which BERT hasn't")
    own = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    vocabulary, hidden = variables["encoder/embeddings_0/weight"].shape
    return {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": int(variables["encoder/num_heads"]),
        "intermediate_size": variables["encoder/layer_0/ffn/linear_0/weight"].shape[0],
        "max_position_embeddings": variables["encoder/position_encodings/encodings"].shape[0],
        "type_vocab_size": variables["encoder/embeddings_1/weight"].shape[0],
        "layer_norm_eps": own["layer_norm_epsilon"],
        "hidden_act": _ACTIVATIONS[activation],
    }


def _longest(folder: Path, variables: Variables) -> int:
    positions = int(variables["encoder/position_encodings/encodings"].shape[0])
    return min(positions, int(_manifest(folder).get("max_tokens", positions)))


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "spanbridge.json"
    given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return given


def _from_transformers(folder: Path) -> Start:
    try:
        from transformers import AutoConfig, AutoModel
    except ModuleNotFoundError as fault:
        raise ModelFault("a transformers checkpoint needs transformers; install spanbridge[distillation]") from fault
    config = AutoConfig.from_pretrained(folder).to_dict()
    if config["model_type"] != "bert":
        raise ModelFault(f"{folder.name} is a {config['model_type']} model; a student starts from a bert one")
    network = AutoModel.from_pretrained(folder, add_pooling_layer=False)
    weights = {name: value.float().numpy() for name, value in network.state_dict().items()}
    arrays = {name: value.astype(np.float16) if value.ndim > 1 else value for name, value in weights.items()}
    kept = (
        "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
        "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act",
    )  # fmt: skip
    return Start({name: config[name] for name in kept}, arrays, int(config["max_position_embeddings"]))
