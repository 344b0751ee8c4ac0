"""The gateway with all its services inside this process."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from fastapi import FastAPI


def gateway_app() -> "FastAPI":
    """Return the gateway's app; imported here because a client of a remote server needs none of it."""
    from spanbridge_gateway.app import create_app

    return create_app()


class EmbeddedGateway:
    """Runs the gateway's app; `start` and `stop` may be called from different tasks of one event loop.

    The app's lifespan is entered and left by a task of its own, because its resources belong to the task that opened
    them; ASGITransport itself never runs a lifespan.
    """

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> httpx.AsyncBaseTransport:
        """Load the models and return the way in; raises what the app raises, as `ConfigurationError`."""
        ready: asyncio.Future[httpx.AsyncBaseTransport] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._live(ready), name="spanbridge-embedded")
        # A failure to start ends the task, and must not be waited for here forever.
        self._task.add_done_callback(lambda task: None if ready.done() else ready.set_exception(_fault(task)))
        try:
            return await ready
        except BaseException:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise

    async def stop(self) -> None:
        """Finish what was accepted and release the models."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _live(self, ready: "asyncio.Future[httpx.AsyncBaseTransport]") -> None:
        with _own_logging():
            app = gateway_app()
            lifespan = app.router.lifespan_context(app)
            await lifespan.__aenter__()
        try:
            ready.set_result(httpx.ASGITransport(app=app, raise_app_exceptions=False))
            await self._stopping.wait()
        finally:
            await lifespan.__aexit__(None, None, None)


def _fault(task: "asyncio.Task[None]") -> BaseException:
    return (None if task.cancelled() else task.exception()) or RuntimeError("the gateway was stopped while it started")


@contextmanager
def _own_logging() -> Iterator[None]:
    """Undo what the services set up for their logs: in a library that is the caller's to decide."""
    logger = logging.getLogger("spanbridge")
    before = (logger.handlers[:], logger.level, logger.propagate)
    try:
        yield
    finally:
        logger.handlers[:], level, logger.propagate = before
        logger.setLevel(level)
