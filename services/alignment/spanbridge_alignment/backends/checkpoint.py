"""Opening a Transformers encoder checkpoint, a hub id or a folder, for running it or for converting it."""

from dataclasses import dataclass
from typing import Any

from spanbridge_shared.errors import ConfigurationError

CONVERTIBLE = ("bert", "xlm-roberta")
"""Model types whose hidden state k is the last one of the same encoder with k layers."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An encoder with at least `layer` layers, in float32; `max_tokens` counts special tokens."""

    model: Any
    tokenizer: Any
    model_type: str
    max_tokens: int

    @property
    def tokenizer_json(self) -> str:
        """The tokenizer as the text of a `tokenizer.json`."""
        text: str = self.tokenizer.backend_tokenizer.to_str()
        return text


def open_checkpoint(source: str, layer: int) -> Checkpoint:
    """Load a checkpoint, cut after `layer` where its type allows; raises `ConfigurationError` if it can't be loaded."""
    try:
        import torch
        from transformers import AutoConfig, AutoModel, AutoTokenizer
    except ImportError as fault:
        raise ConfigurationError(f"{source} needs torch and transformers: install the extra `convert`") from fault
    try:
        config = AutoConfig.from_pretrained(source)
        tokenizer = AutoTokenizer.from_pretrained(source)
        layers = getattr(config, "num_hidden_layers", 0)
        if not 1 <= layer <= layers:
            raise ConfigurationError(f"layer: {source} has layers 1 to {layers}, not {layer}")
        if config.model_type in CONVERTIBLE:
            config.num_hidden_layers = layer
        model = AutoModel.from_pretrained(source, config=config, dtype=torch.float32).eval()
    except (OSError, ValueError) as fault:
        raise ConfigurationError(f"model: {source} can't be loaded as an encoder: {str(fault)[:300]}") from fault
    if not getattr(tokenizer, "is_fast", False):
        raise ConfigurationError(f"model: {source} has no tokenizer that can be written as tokenizer.json")
    return Checkpoint(model, tokenizer, config.model_type, _max_tokens(config, tokenizer))


def _max_tokens(config: Any, tokenizer: Any) -> int:
    positions = int(getattr(config, "max_position_embeddings", 512))
    if "roberta" in config.model_type:
        # Its positions begin after the padding's id: 514 rows serve 512 tokens.
        positions -= config.pad_token_id + 1
    return min(positions, int(tokenizer.model_max_length))
