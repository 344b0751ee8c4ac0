"""A TCP proxy between the gateway and a service that can be told to misbehave, as networks and processes do."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Any

from tests.support.processes import free_port

_HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n%s" % (
    len(_HTML),
    _HTML,
)
_WRONG_JSON = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{"results":"what"'
_GARBAGE = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not HTTP at all \xff\xfe\r\n\r\n"


class Fault(StrEnum):
    """What a service can do to its gateway."""

    NONE = "none"
    REFUSED = "refused"
    """Nobody listens: the process is gone."""
    HUNG = "hung"
    """Takes connections and requests, never answers: a stopped process, a network that drops packets."""
    SLOW = "slow"
    """Lives, and answers nothing that needs work."""
    TRICKLING = "trickling"
    """A byte of the answer now and then, for ever."""
    CUT = "cut"
    """The connection breaks in the middle of the answer."""
    GARBAGE = "garbage"
    """Not HTTP."""
    WRONG_JSON = "wrong JSON"
    """200, and half of what isn't the answer."""
    BAD_GATEWAY = "502"
    """A load balancer's own page, in HTML."""


class FaultyProxy:
    """Listens on `port` and leads to `targets` in turn, as a load balancer; every call is safe from any thread."""

    def __init__(self, targets: Sequence[int], loop: asyncio.AbstractEventLoop) -> None:
        self.port = free_port()
        self.fault = Fault.NONE
        self.most_connections = 0
        self._targets = list(targets)
        self._loop = loop
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._run(self._listen())

    def break_by(self, fault: Fault) -> None:
        """Misbehave from now on, in connections that are open as well."""
        self._run(self._change(fault))

    def heal(self) -> None:
        self._run(self._change(Fault.NONE))

    def stop(self) -> None:
        self._run(self._close())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _change(self, fault: Fault) -> None:
        was, self.fault = self.fault, fault
        if fault is Fault.REFUSED:
            await self._close()
        elif was is not Fault.NONE:
            await self._close()  # What it had begun under the other fault is over.
        if fault is not Fault.REFUSED and self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.most_connections = max(self.most_connections, len(self._writers))
        inner: asyncio.StreamWriter | None = None
        try:
            while data := await reader.read(65_536):
                if await self._misbehave(data, writer):
                    continue
                if inner is None:
                    back, inner = await self._reach()
                    answering = asyncio.create_task(self._answer(back, writer))
                    answering.add_done_callback(lambda task: task.cancelled() or task.exception())
                inner.write(data)
                await inner.drain()
        except OSError:
            pass  # Either side left; the other is told below.
        finally:
            self._writers.discard(writer)
            for each in (writer, inner):
                if each is not None:
                    each.transport.abort()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the next target that takes connections."""
        for _ in self._targets[1:]:
            self._targets.append(self._targets.pop(0))
            with suppress(ConnectionError):
                return await asyncio.open_connection("127.0.0.1", self._targets[0])
        self._targets.append(self._targets.pop(0))
        return await asyncio.open_connection("127.0.0.1", self._targets[0])

    async def _misbehave(self, data: bytes, writer: asyncio.StreamWriter) -> bool:
        """Deal with what a client sent, where it isn't passed on."""
        answers = {Fault.GARBAGE: _GARBAGE, Fault.WRONG_JSON: _WRONG_JSON, Fault.BAD_GATEWAY: _BAD_GATEWAY}
        if self.fault in answers:
            writer.write(answers[self.fault])
            await writer.drain()
            if self.fault is not Fault.BAD_GATEWAY:
                writer.close()
            return True
        # A body may come after its head; what follows a head that was kept back belongs to it.
        return self.fault is Fault.HUNG or (self.fault is Fault.SLOW and not data.startswith(b"GET"))

    async def _answer(self, back: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await back.read(65_536):
                if self.fault is Fault.CUT:
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                    break
                await self._pass(data, writer)
        finally:
            writer.close()

    async def _pass(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        pieces = [bytes([byte]) for byte in data] if self.fault is Fault.TRICKLING else [data]
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0.1)


@contextmanager
def proxies(targets: Mapping[str, Sequence[int]]) -> Iterator[dict[str, FaultyProxy]]:
    """A proxy in front of each service, in a thread of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxies", daemon=True)
    thread.start()
    made = {name: FaultyProxy(ports, loop) for name, ports in targets.items()}
    try:
        for each in made.values():
            each.start()
        yield made
    finally:
        for each in made.values():
            with suppress(OSError):
                each.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
