"""A server on loopback that speaks the OpenAI-compatible chat API, and fails as real ones do, when it is told to."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from tests.support.processes import free_port

NAMES = {"Samia": "PER", "Ruto": "PER", "UNESCO": "ORG", "Nairobi": "LOC", "Lagos": "LOC"}
_TICK_S = 0.02


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server sends: a status, headers and a body; `delay_s` before it, `trickle_s` between its bytes."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    trickle_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """What the server was asked."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at: float

    @property
    def sentence(self) -> str:
        """The sentence in question."""
        content: str = self.body["messages"][-1]["content"]
        return content.partition("Sentence: ")[2]


def completion(content: str | None, *, finish_reason: str = "stop", refusal: str | None = None) -> Reply:
    """Return a well-formed answer with this content."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    body = {
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }
    return Reply(body=json.dumps(body).encode())


def entities(*pairs: tuple[str, str]) -> str:
    """Return the JSON that is asked for."""
    return json.dumps({"entities": [{"text": text, "label": label} for text, label in pairs]}, ensure_ascii=False)


def failure(status: int, message: str = "no", **headers: str) -> Reply:
    """Return an error as the API shapes it; headers are written with underscores."""
    body = json.dumps({"error": {"message": message, "type": "x"}}).encode()
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def labelling(request: Request) -> Reply:
    """Label the names this server knows, wherever they stand: a model that makes no mistake."""
    found = sorted((place, name) for name in NAMES if (place := request.sentence.find(name)) >= 0)
    return completion(entities(*((name, NAMES[name]) for _, name in found)))


class ChatServer:
    """Sends the replies of `queue`, then what `answer` gives; keeps the `requests` and how many were open `at_once`."""

    def __init__(self) -> None:
        self.url = ""
        self._open = 0
        self.forget()

    def forget(self) -> None:
        """Be as new."""
        self.answer: Callable[[Request], Reply] = labelling
        self.queue: list[Reply] = []
        self.requests: list[Request] = []
        self.at_once = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request, as an ASGI app."""
        content = bytearray()
        while True:
            message = await receive()
            content += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        request = Request(scope["path"], headers, json.loads(content), time.monotonic())
        self.requests.append(request)
        self._open += 1
        self.at_once = max(self.at_once, self._open)
        try:
            await asyncio.sleep(_TICK_S)  # Long enough that requests which may overlap do.
            await self._send(self.queue.pop(0) if self.queue else self.answer(request), send)
        finally:
            self._open -= 1

    async def _send(self, reply: Reply, send: Any) -> None:
        await asyncio.sleep(reply.delay_s)
        headers = {"content-type": "application/json", **reply.headers}
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
        step = 1 if reply.trickle_s else max(1, len(reply.body))
        for start in range(0, len(reply.body), step):
            await send({"type": "http.response.body", "body": reply.body[start : start + step], "more_body": True})
            await asyncio.sleep(reply.trickle_s)
        await send({"type": "http.response.body", "body": b""})


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """Run a server in a thread of its own; its `url` is the API's base address."""
    chat, port = ChatServer(), free_port()
    config = uvicorn.Config(
        chat, port=port, log_level="critical", lifespan="off", timeout_graceful_shutdown=1, access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    chat.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield chat
    finally:
        server.should_exit = True
        thread.join()
