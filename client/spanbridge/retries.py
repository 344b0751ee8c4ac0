"""Trying again where a server is busy or still starting."""

import asyncio

import httpx

MAX_PAUSE_S = 30.0
_BUSY = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE})


class RetryingTransport(httpx.AsyncBaseTransport):
    """Repeats a request that is answered with 429 or 503, at most `retries` times.

    It waits as long as `Retry-After` says, else 0.5 s, 1 s, 2 s …, never longer than `MAX_PAUSE_S`.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, retries: int) -> None:
        self._inner = inner
        self._retries = retries

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; return the first answer that isn't "busy", or the last one."""
        for attempt in range(self._retries):
            response = await self._inner.handle_async_request(request)
            if response.status_code not in _BUSY:
                return response
            await response.aclose()
            await asyncio.sleep(pause(response.headers.get("retry-after"), attempt))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the transport inside."""
        await self._inner.aclose()


def pause(retry_after: str | None, attempt: int) -> float:
    """Return the seconds to wait before trying again; `attempt` counts from 0.

    >>> pause("7", 0), pause(None, 2), pause("3600", 0)
    (7.0, 2.0, 30.0)
    """
    told = retry_after is not None and retry_after.isdecimal()
    return min(float(retry_after) if told and retry_after else 0.5 * 2**attempt, MAX_PAUSE_S)
