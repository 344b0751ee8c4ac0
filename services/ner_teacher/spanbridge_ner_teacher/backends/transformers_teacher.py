"""Any token-classification checkpoint of transformers, run by torch; the `convert` extra brings both."""

import re
from collections.abc import Sequence
from typing import Any

from spanbridge_ner_teacher.backends.base import TeacherCard
from spanbridge_ner_teacher.backends.checkpoints import load_checkpoint
from spanbridge_ner_teacher.backends.token_classifier import TokenClassifier
from spanbridge_ner_teacher.backends.word_encoder import WordEncoder
from spanbridge_ner_teacher.core.labels import FloatMatrix, TagScheme, read_tags
from spanbridge_shared.contracts.ner import ANY_LANGUAGE
from spanbridge_shared.serving.config import model_path


class TorchLogits:
    """The checkpoint's own forward pass, padded on the right."""

    def __init__(self, model: Any, pad_id: int, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self._model = model
        self._pad_id = pad_id

    def logits(self, batch: Sequence[Sequence[int]]) -> list[FloatMatrix]:
        """Return (n_ids, n_tags) for each sequence."""
        import torch

        longest = max(len(ids) for ids in batch)
        padded = torch.tensor([[*ids, *[self._pad_id] * (longest - len(ids))] for ids in batch])
        mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in batch])
        with torch.inference_mode():
            logits = self._model(input_ids=padded, attention_mask=mask).logits.double().numpy()
        return [logits[place, : len(ids)] for place, ids in enumerate(batch)]


def open_transformers(model: str, *, threads: int, scheme: TagScheme, max_batch_tokens: int) -> TokenClassifier:
    """Load a hub id, a path, or a name inside `models/`; raises `ConfigurationError` where that can't be done."""
    folder = model_path(model)
    checkpoint = load_checkpoint(str(folder) if folder.is_dir() else model)
    columns = read_tags(checkpoint.tags, scheme)
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", checkpoint.name)
    suffix = "" if scheme is TagScheme.AUTO else f"-{scheme}"
    card = TeacherCard(
        name=f"transformers:{checkpoint.name}",
        model_version=f"{safe}-{checkpoint.version}{suffix}",
        labels=columns.labels,
        languages=(ANY_LANGUAGE,),
        tags=columns.tags,
    )
    encoder = WordEncoder(checkpoint.tokenizer_json, checkpoint.max_tokens)
    logits = TorchLogits(checkpoint.model, checkpoint.pad_id, threads)
    return TokenClassifier(card, logits, encoder, columns, max_batch_tokens=max_batch_tokens)
