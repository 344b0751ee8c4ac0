"""The default encoder: a folder that `convert` made, run by CTranslate2."""

from collections.abc import Sequence
from pathlib import Path

import ctranslate2
import numpy as np

from spanbridge_alignment.backends.base import Pieces, Tokens
from spanbridge_alignment.backends.words import WordTokenizer
from spanbridge_alignment.core.vectors import FloatArray, IntArray
from spanbridge_shared.contracts.manifest import EncoderManifest
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.manifests import model_version, read_manifest


class CTranslate2Encoder:
    """Holds `model.bin` and `tokenizer.json` of one folder; its last layer is the alignment layer."""

    def __init__(self, folder: Path, *, threads: int, parallel_calls: int = 1, device: str = "cpu") -> None:
        manifest = read_manifest(folder, EncoderManifest)
        tokenizer = folder / "tokenizer.json"
        if not tokenizer.is_file():
            raise ConfigurationError(f"{tokenizer} is missing; convert the model again")
        self.model_version = model_version(manifest)
        self._words = WordTokenizer(tokenizer.read_text(encoding="utf-8"), prefix=manifest.prefix)
        self.window = manifest.max_tokens - len(self._words.head) - len(self._words.tail)
        self.parallel_calls = parallel_calls
        try:
            self._encoder = ctranslate2.Encoder(
                str(folder), device=device, inter_threads=parallel_calls, intra_threads=threads
            )
        except (ValueError, RuntimeError) as fault:
            raise ConfigurationError(
                f"SPANBRIDGE_ALIGNMENT_MODEL or _DEVICE: CTranslate2 can't open {folder} on {device}: {fault}"
            ) from fault

    def tokenize(self, sentences: Sequence[Tokens]) -> list[Pieces]:
        """See `EncoderBackend`."""
        return self._words(sentences)

    def encode(self, windows: Sequence[IntArray]) -> list[FloatArray]:
        """See `EncoderBackend`."""
        head, tail = self._words.head, self._words.tail
        output = self._encoder.forward_batch([[*head, *ids.tolist(), *tail] for ids in windows])
        hidden = np.array(output.last_hidden_state.to_device(ctranslate2.Device.cpu), dtype=np.float32)
        return [hidden[row, len(head) : len(head) + len(ids)] for row, ids in enumerate(windows)]
