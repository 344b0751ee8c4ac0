"""The M2M100 network in NLLB's layout, and its training loss."""

from pathlib import Path

from torch import Tensor, nn
from transformers import M2M100Config, M2M100ForConditionalGeneration

from training.nmt.depth import with_depth
from training.nmt.errors import StageError
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


def warm_network(folder: Path, recipe: ModelRecipe, vocabulary: int) -> M2M100ForConditionalGeneration:
    """The network of a transformers folder, with the recipe's dropout and depth (see `depth`).

    Raises StageError when it is of another width than the recipe, or of another vocabulary than the data.
    """
    network = M2M100ForConditionalGeneration.from_pretrained(folder, dropout=recipe.dropout)
    wanted = network_config(recipe, vocabulary)
    for name in ("vocab_size", "d_model", "encoder_ffn_dim", "encoder_attention_heads", "dropout"):
        found, expected = getattr(network.config, name), getattr(wanted, name)
        if found != expected:
            raise StageError(f"{folder.name} has {name} {found}, the recipe and the data want {expected}")
    depth = recipe.encoder_layers, recipe.decoder_layers
    if (network.config.encoder_layers, network.config.decoder_layers) == depth:
        return network
    other = build_network(recipe, vocabulary)
    other.load_state_dict(with_depth(network.state_dict(), *depth))
    return other


def token_loss(
    network: M2M100ForConditionalGeneration, hidden: Tensor, counted: Tensor, labels: Tensor, *, smoothing: float
) -> Tensor:
    """Label-smoothed cross-entropy of the decoder's output `hidden` (rows, width, d_model).

    `counted` (n,) are the places of the real target tokens in the flattened decoder input, `labels` (n,) the tokens.
    The output layer sees only tokens that count: the logits of padding would be most of the memory.
    """
    logits = network.lm_head(hidden.flatten(0, 1).index_select(0, counted))
    return nn.functional.cross_entropy(logits.float(), labels, label_smoothing=smoothing)
