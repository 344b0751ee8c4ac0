"""The M2M100 network in NLLB's layout, and its training loss."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import M2M100Config, M2M100ForConditionalGeneration

from training.nmt.batches import IGNORED_LABEL
from training.nmt.layout import BOS_ID, EOS_ID, PAD_ID
from training.nmt.recipe import ModelRecipe


def network_config(recipe: ModelRecipe, vocabulary: int) -> M2M100Config:
    """The configuration of a network with `vocabulary` tokens."""
    return M2M100Config(
        vocab_size=vocabulary,
        d_model=recipe.width,
        encoder_layers=recipe.encoder_layers,
        decoder_layers=recipe.decoder_layers,
        encoder_ffn_dim=recipe.feed_forward,
        decoder_ffn_dim=recipe.feed_forward,
        encoder_attention_heads=recipe.heads,
        decoder_attention_heads=recipe.heads,
        dropout=recipe.dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        activation_function="relu",
        max_position_embeddings=recipe.positions,
        scale_embedding=True,
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
        bos_token_id=BOS_ID,
        pad_token_id=PAD_ID,
        eos_token_id=EOS_ID,
        decoder_start_token_id=EOS_ID,
    )


def build_network(recipe: ModelRecipe, vocabulary: int) -> M2M100ForConditionalGeneration:
    """A network with random weights."""
    return M2M100ForConditionalGeneration(network_config(recipe, vocabulary))


def translation_loss(
    network: M2M100ForConditionalGeneration,
    body: Any,
    arrays: tuple[Tensor, Tensor, Tensor],
    *,
    smoothing: float,
    bf16: bool,
) -> Tensor:
    """Label-smoothed cross-entropy over the real target tokens of (source, decoder_input, labels).

    `body` is `network.model` or its compiled form. The output layer sees only tokens that count: the logits of padding
    would be most of the memory.
    """
    source, decoder_input, labels = arrays
    with torch.autocast(source.device.type, dtype=torch.bfloat16, enabled=bf16):
        hidden = body(
            input_ids=source,
            attention_mask=(source != PAD_ID).long(),
            decoder_input_ids=decoder_input,
            use_cache=False,
        ).last_hidden_state
        counted = labels != IGNORED_LABEL
        logits = network.lm_head(hidden[counted])
    return nn.functional.cross_entropy(logits.float(), labels[counted], label_smoothing=smoothing)
