"""A request as bytes, and an app asked for it by ASGI itself: no client in between makes it well-formed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import httpx
from starlette.types import ASGIApp, Message

LIMIT_S = 30.0
"""A request that takes longer hangs: what is sent here is small, and the models are stubs."""

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Asked:
    """One request; its body arrives in `chunks`, and `leaves` says whether the client goes before the answer."""

    method: str
    path: str
    query: bytes = b""
    headers: Headers = ()
    chunks: Sequence[bytes] = (b"",)
    leaves: bool = False

    def __str__(self) -> str:
        body = b"".join(self.chunks)
        headers = b"; ".join(name + b": " + value for name, value in self.headers)
        return f"{self.method} {self.path}?{self.query!r} {headers!r} {body[:1000]!r} ({len(body)} bytes)"


async def ask(app: ASGIApp, asked: Asked) -> httpx.Response | None:
    """Return the answer; None where the client left before it. Raises `TimeoutError` for one that hangs."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": asked.path,
        "raw_path": asked.path.encode("utf-8", "surrogatepass"),
        "query_string": asked.query,
        "root_path": "",
        "headers": list(asked.headers),
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "state": {},
    }
    waiting = list(asked.chunks)
    answered = asyncio.Event()
    status, headers, parts = 0, [], []

    async def receive() -> Message:
        if waiting:
            chunk = waiting.pop(0)
            if waiting or not asked.leaves:
                return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}
        if not asked.leaves:
            await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], message.get("headers", [])
        else:
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                answered.set()

    async with asyncio.timeout(LIMIT_S):
        await app(scope, receive, send)
    if not status:
        if asked.leaves:
            return None
        raise RuntimeError("no answer")
    # The address is of no matter to an answer, and httpx would refuse many that servers must bear.
    request = httpx.Request("GET" if asked.method not in ("GET", "POST") else asked.method, "http://spanbridge/")
    answer = httpx.Response(status, headers=headers, content=b"".join(parts), request=request)
    answer.elapsed = timedelta()
    return answer
