"""Telling a service that hangs from one that works: both take connections and answer nothing for a while.

While a call waits long, its service is asked for `/healthz`, which it answers beside its work. One that doesn't is
given up: calls fail at once instead of waiting for their time limit, hold nothing in the gateway, and it is asked until
it answers again. One that is gone refuses connections, and needs no watch.
"""

import asyncio
import logging

import httpx

from spanbridge_shared.clients.transport import ServiceClient
from spanbridge_shared.serving.telemetry import UPSTREAM_AWAY

_PAUSE_S = 0.5
_LOG = logging.getLogger("spanbridge.upstreams")


class Watch:
    """Watches the calls of one client; `http` has connections of its own, since the client's may all be taken."""

    def __init__(self, client: ServiceClient, http: httpx.AsyncClient, *, patience_s: float) -> None:
        self._client = client
        self._http = http
        self._patience_s = patience_s

    async def run(self) -> None:
        """Watch until cancelled."""
        gauge = UPSTREAM_AWAY.labels(self._client.service)
        gauge.set(0)
        while True:
            await asyncio.sleep(min(_PAUSE_S, self._patience_s))
            if self._client.away is None and self._client.longest_wait() < self._patience_s:
                continue
            hangs = await self._hangs()
            if hangs and self._client.away is None:
                why = f"{self._client.service} hangs: it gives no sign of life within {self._patience_s:g} s"
                _LOG.warning("%s", why)
                self._client.give_up(why)
            elif not hangs and self._client.away is not None:
                _LOG.warning("%s answers again", self._client.service)
                self._client.resume()
            gauge.set(self._client.away is not None)

    async def _hangs(self) -> bool:
        try:
            async with asyncio.timeout(self._patience_s):
                await self._http.get("/healthz")
        except TimeoutError:
            return True
        except httpx.HTTPError:
            return False  # Refused or cut: calls are told so themselves, and at once.
        return False
