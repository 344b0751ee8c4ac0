"""Student and teacher, as networks."""

from typing import Any

import torch
from torch import Tensor
from transformers import BertConfig, BertModel

from training.aligner.batches import Rows
from training.aligner.carried import EMBEDDINGS
from training.aligner.load import Start
from training.aligner.recipe import TrainRecipe
from training.encoder.tokenizer import PAD_ID


def build_networks(start: Start, recipe: TrainRecipe) -> tuple[BertModel, BertModel]:
    """Return student and teacher: the same layers, the student with its own vocabulary's rows alone."""
    layers = {"num_hidden_layers": recipe.layers}
    quiet = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    noisy = dict.fromkeys(quiet, recipe.dropout)
    rows = torch.from_numpy(start.teacher[EMBEDDINGS])
    weights = {name: torch.from_numpy(value.copy()) for name, value in start.teacher.items()}
    teacher = _network({**start.config, **layers, **quiet, "vocab_size": len(rows)}, weights)
    student = _network(
        {**start.config, **layers, **noisy, "vocab_size": len(start.kept)},
        {**weights, EMBEDDINGS: rows[torch.from_numpy(start.kept)].clone()},
    )
    return student, teacher


def _network(config: dict[str, Any], weights: dict[str, Tensor]) -> BertModel:
    network = BertModel(BertConfig(**config), add_pooling_layer=False)
    names = network.state_dict().keys()
    network.load_state_dict({name: weights[name] for name in names}, strict=True)
    return network


def states(network: Any, rows: Rows) -> Tensor:
    """Hidden states (n, width, size)."""
    hidden: Tensor = network(input_ids=rows.ids, attention_mask=(rows.ids != PAD_ID).long()).last_hidden_state
    return hidden
