"""One event loop in a thread of its own, so that synchronous code can hold something asynchronous open."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class LoopThread:
    """Runs coroutines for threads that have no event loop, or are inside another one, as in a notebook."""

    def __init__(self) -> None:
        self._started = threading.Event()
        # A daemon: a client that nobody closed must not keep the process alive.
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="spanbridge", daemon=True)
        self._thread.start()
        self._started.wait()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._started.set()
        await self._stopping.wait()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Return the coroutine's result; where the caller is interrupted, the coroutine is cancelled."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Stop the loop, cancel what still runs in it, and wait for its thread; a second call does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            if not self.is_current():
                self._thread.join()

    def is_current(self) -> bool:
        """Say whether the caller is in the loop's own thread, where waiting for it would never end."""
        return threading.current_thread() is self._thread
