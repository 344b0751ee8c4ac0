"""The gateway: cache against none, a batch against single calls, overhead, methods, and the models of before."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from pydantic import BaseModel

from bench.report import Row, median_seconds
from bench.sentences import swahili
from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.clients.transport import ServiceClient

_TURNS = 9
_NOISE = 0.97
"""Of two equal rates in one run, what the lower may come to on a shared machine."""
_STUDENT_RATE = 200
_MODELS = "SPANBRIDGE_MODELS_DIR"
_SERVICES = ("translation", "alignment", "projection", "ner_teacher")
_Call = tuple[ServiceClient, str, BaseModel, type[BaseModel]]


@asynccontextmanager
async def _gateway() -> AsyncIterator[tuple[httpx.AsyncClient, Upstreams]]:
    app = create_app(GatewaySettings(log_level="WARNING"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as http:
            yield http, app.state.engine.upstreams


async def _project(http: httpx.AsyncClient, texts: tuple[str, ...], method: str = "") -> None:
    body: dict[str, Any] = {"sentences": [{"text": text} for text in texts], "lang": "swh_Latn"}
    if method:
        body["method"] = method
    response = await http.post("/v1/project", json=body)
    response.raise_for_status()
    faults = [result["error"] for result in response.json()["results"] if result["error"]]
    if faults:
        raise RuntimeError(f"a sentence failed: {faults[0]}")


async def cached() -> Row:
    """Compare the latency of a sentence seen for the first time with the same one again."""
    texts = swahili(40)
    first: list[float] = []
    again: list[float] = []
    async with _gateway() as (http, _):
        await _project(http, swahili(41)[40:])
        for times in (first, again):
            for text in texts:
                started = time.perf_counter()
                await _project(http, (text,))
                times.append(time.perf_counter() - started)
    uncached_ms, cached_ms = (1000 * sorted(times)[len(times) // 2] for times in (first, again))
    return Row(
        "one sentence, cached : uncached",
        f"{cached_ms:.1f} ms",
        f"{uncached_ms:.1f} ms",
        f"{uncached_ms / cached_ms:.1f}×",
    )


async def batched() -> Row:
    """Compare one request of 64 sentences with 64 requests of one, nothing cached."""
    texts = swahili(64)
    async with _gateway() as (http, _):
        batch = await median_seconds(lambda: _project(http, texts), rounds=3)

        async def singly() -> None:
            for text in texts:
                await _project(http, (text,))

        single = await median_seconds(singly, rounds=1)
    return Row(
        "64 sentences, one batch : 64 calls", f"{64 / batch:.1f} sentences/s", f"{64 / single:.1f} sentences/s",
        f"{single / batch:.1f}×",
    )  # fmt: skip


async def replaced(before: Path) -> Row:
    """Compare the default method with the models of another folder, such as those of an earlier commit, by turns."""
    texts = swahili(64)
    now = os.environ.get(_MODELS)
    async with AsyncExitStack() as stack:
        http, _ = await stack.enter_async_context(_gateway())
        os.environ[_MODELS] = str(before)
        try:
            old, _ = await stack.enter_async_context(_gateway())
        finally:
            del os.environ[_MODELS]
            if now is not None:
                os.environ[_MODELS] = now
        pairs = [(await _seconds(lambda: _project(http, texts)), await _seconds(lambda: _project(old, texts)))
                 for _ in range(_TURNS + 1)]  # fmt: skip
    ours, theirs = (median(each) for each in zip(*pairs[1:], strict=True))
    ratio = median(theirs / ours for ours, theirs in pairs[1:])
    return Row(
        f"64 sentences, models here : in {before.name}",
        f"{64 / ours:.1f} sentences/s", f"{64 / theirs:.1f} sentences/s",
        f"{ratio:.2f}×", "not slower", ratio >= _NOISE,
    )  # fmt: skip


async def methods() -> list[Row]:
    """Compare every method's speed on a batch with the default method's."""
    texts = swahili(64)
    rows: list[Row] = []
    async with _gateway() as (http, _):
        answer = (await http.get("/v1/languages")).raise_for_status().json()
        served = next(each["methods"] for each in answer["languages"] if each["code"] == "swh_Latn")
        default = await median_seconds(lambda: _project(http, texts), rounds=3)
        for method in served:
            seconds = await median_seconds(partial(_project, http, texts, method), rounds=5)
            student = method == "student"
            rows.append(Row(
                f"64 sentences, {method} : the default method", f"{64 / seconds:.1f} sentences/s",
                f"{64 / default:.1f} sentences/s", f"{default / seconds:.1f}×",
                f"{_STUDENT_RATE} sentences/s" if student else "", 64 / seconds >= _STUDENT_RATE if student else None,
            ))  # fmt: skip
    return rows


async def overhead() -> Row:
    """Compare a batch through the gateway with the very calls that it makes, sent to the services directly."""
    texts = swahili(64)
    calls: list[list[_Call]] = []
    async with _gateway() as (http, upstreams):
        with _recording(upstreams, calls):
            await _project(http, texts)

        async def directly() -> None:
            for at_once in calls:
                await asyncio.gather(*(client.post(path, request, kind) for client, path, request, kind in at_once))

        # By turns, and the ratio of each turn: a machine that slows down meanwhile slows both.
        pairs = [(await _seconds(lambda: _project(http, texts)), await _seconds(directly)) for _ in range(_TURNS + 1)]
    through, direct = (median(each) for each in zip(*pairs[1:], strict=True))
    share = median(through / direct for through, direct in pairs[1:]) - 1
    return Row(
        "64 sentences, gateway : its services directly", f"{1000 * through:.0f} ms", f"{1000 * direct:.0f} ms",
        f"{100 * share:+.1f}%", "under 10%", share < 0.10,
    )  # fmt: skip


async def _seconds(call: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await call()
    return time.perf_counter() - started


class _recording:  # noqa: N801 - reads as a context in `with`.
    """Notes every POST that the gateway makes, those together that are under way at the same time."""

    def __init__(self, upstreams: Upstreams, calls: list[list[_Call]]) -> None:
        self._clients = [getattr(upstreams, name) for name in _SERVICES]
        self._calls = calls
        self._under_way = 0

    def __enter__(self) -> None:
        for client in self._clients:
            client.post = self._noting(client, client.post)

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            del client.post

    def _noting(self, client: ServiceClient, post: Any) -> Any:
        async def noted(path: str, request: BaseModel, kind: type[BaseModel]) -> BaseModel:
            if not self._under_way:
                self._calls.append([])
            self._calls[-1].append((client, path, request, kind))
            self._under_way += 1
            try:
                answer: BaseModel = await post(path, request, kind)
            finally:
                self._under_way -= 1
            return answer

        return noted
