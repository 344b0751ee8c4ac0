"""A converted token classifier: CTranslate2 runs the encoder, numpy its head; needs neither torch nor transformers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spanbridge_ner_teacher.backends.base import TeacherCard
from spanbridge_ner_teacher.backends.token_classifier import TokenClassifier
from spanbridge_ner_teacher.backends.word_encoder import WordEncoder
from spanbridge_ner_teacher.core.labels import FloatMatrix, TagScheme, read_tags
from spanbridge_shared.contracts.manifest import TokenClassifierManifest
from spanbridge_shared.contracts.ner import ANY_LANGUAGE
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.config import model_path
from spanbridge_shared.serving.manifests import model_version, read_manifest
from spanbridge_shared.text.languages import resolve_language


class CTranslate2Logits:
    """The encoder's last hidden states times the head."""

    def __init__(self, folder: Path, n_tags: int, threads: int, parallel_calls: int, device: str) -> None:
        import ctranslate2

        self._cpu = ctranslate2.Device.cpu
        try:
            self._encoder: Any = ctranslate2.Encoder(
                str(folder),
                device=device,
                inter_threads=parallel_calls,
                intra_threads=threads,
                compute_type="default",
            )
        except (ValueError, RuntimeError) as fault:
            raise ConfigurationError(
                f"SPANBRIDGE_NER_TEACHER_DEVICE or a teacher: CTranslate2 can't open {folder} on {device}: {fault}"
            ) from fault
        with np.load(folder / "head.npz") as head:
            self._weight = head["weight"].astype(np.float32)
            self._bias = head["bias"].astype(np.float32)
        if self._weight.ndim != 2 or self._weight.shape[0] != n_tags or self._bias.shape != (n_tags,):
            raise ConfigurationError(
                f"{folder / 'head.npz'}: weight {self._weight.shape} and bias {self._bias.shape} "
                f"don't fit {n_tags} labels"
            )

    def logits(self, batch: Sequence[Sequence[int]]) -> list[FloatMatrix]:
        """Return (n_ids, n_tags) for each sequence."""
        output = self._encoder.forward_batch([list(ids) for ids in batch])
        hidden = np.array(output.last_hidden_state.to_device(self._cpu))
        logits = hidden @ self._weight.T + self._bias
        return [logits[place, : len(ids)].astype(np.float64) for place, ids in enumerate(batch)]


def open_ctranslate2(
    model: str,
    *,
    threads: int,
    parallel_calls: int = 1,
    device: str = "cpu",
    scheme: TagScheme,
    max_batch_tokens: int,
) -> TokenClassifier:
    """Load a folder that `spanbridge models convert` wrote; raises `ConfigurationError` where it isn't one."""
    folder = model_path(model)
    manifest = read_manifest(folder, TokenClassifierManifest)
    columns = read_tags(manifest.labels, scheme)
    suffix = "" if scheme is TagScheme.AUTO else f"-{scheme}"
    languages = manifest.languages
    card = TeacherCard(
        name=f"ctranslate2:{manifest.name}",
        model_version=model_version(manifest) + suffix,
        labels=columns.labels,
        languages=tuple(each if each == ANY_LANGUAGE else resolve_language(each) for each in languages),
        tags=columns.tags,
        parallel_calls=parallel_calls,
    )
    encoder = WordEncoder((folder / "tokenizer.json").read_text(encoding="utf-8"), manifest.max_tokens, manifest.prefix)
    return TokenClassifier(
        card,
        CTranslate2Logits(folder, len(manifest.labels), threads, parallel_calls, device),
        encoder,
        columns,
        max_batch_tokens=max_batch_tokens,
        temperature=manifest.temperature,
    )
