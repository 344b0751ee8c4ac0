"""Translation: CTranslate2 int8 against transformers fp32 on the same model: the shipped one, dequantised."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from bench.report import Row, seconds_of
from bench.sentences import swahili
from spanbridge_shared.serving.config import model_path
from spanbridge_shared.text.languages import ENGLISH
from spanbridge_translation.backends.base import Decoding, TranslationBackend
from spanbridge_translation.backends.ctranslate2 import CTranslate2Backend
from spanbridge_translation.backends.transformers import TransformersBackend
from training.nmt.dequantise import dequantise

_SENTENCES = 32
_THREADS = 2


def compare() -> list[Row]:
    """Compare both engines at the default beam and at beam 1, on one batch of sentences of like length."""
    folder = model_path("nmt")
    int8 = CTranslate2Backend(folder, device="cpu", compute_type="int8", threads=_THREADS)
    torch.set_num_threads(_THREADS)
    with tempfile.TemporaryDirectory() as made:
        checkpoint = Path(made) / "checkpoint"
        dequantise(folder / "model.bin", checkpoint)
        checkpoint.joinpath("tokenizer.json").write_bytes(folder.joinpath("tokenizer.json").read_bytes())
        fp32 = TransformersBackend(str(checkpoint), device="cpu", threads=_THREADS)
        return [_row(int8, fp32, beam) for beam in (4, 1)]


def _row(int8: TranslationBackend, fp32: TranslationBackend, beam: int) -> Row:
    fast, slow = (seconds_of(_translating(backend, beam), rounds=3) for backend in (int8, fp32))
    return Row(
        f"translation, beam {beam}, CTranslate2 int8 : transformers fp32",
        f"{_SENTENCES / fast:.1f} sentences/s",
        f"{_SENTENCES / slow:.1f} sentences/s",
        f"{slow / fast:.1f}×",
    )


def _translating(backend: TranslationBackend, beam: int) -> Callable[[], object]:
    pieces = [backend.pieces(text) for text in swahili(_SENTENCES)]
    longest = 2 * max(map(len, pieces))
    decoding = Decoding("swh_Latn", ENGLISH, beam, num_hypotheses=1, max_tokens=longest, attention=False)
    return lambda: backend.translate(decoding, pieces)
