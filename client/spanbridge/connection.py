"""The way to a gateway: over HTTP, or, without an address, to one with all models in this process."""

import asyncio
import os

import httpx

from spanbridge.embedded import EmbeddedGateway
from spanbridge.retries import RetryingTransport
from spanbridge_shared.clients.transport import ServiceClient
from spanbridge_shared.errors import ConfigurationError

_CONNECT_S = 10.0


class Connection:
    """Opens when first asked for; after `close` it would open anew."""

    def __init__(self, url: str | None, *, timeout_s: float, retries: int, api_key: str | None = None) -> None:
        self.url = None if url is None else _address(url)
        self._api_key = os.environ.get("SPANBRIDGE_API_KEY") if api_key is None else api_key
        self._timeout_s = timeout_s
        self._retries = retries
        self._opening = asyncio.Lock()
        self._gateway: ServiceClient | None = None
        self._http: httpx.AsyncClient | None = None
        self._embedded: EmbeddedGateway | None = None

    async def gateway(self) -> ServiceClient:
        """Return the open way in; raises `ConfigurationError` where models that are to run here can't be loaded."""
        async with self._opening:
            if self._gateway is None:
                transport = await self._transport()
                base, name = self.url or "http://gateway", f"the server at {self.url}" if self.url else "the gateway"
                self._http = httpx.AsyncClient(
                    base_url=base,
                    headers=_authorization(self._api_key) if self._api_key else None,
                    transport=transport,
                    timeout=httpx.Timeout(None, connect=_CONNECT_S),
                )
                self._gateway = ServiceClient(name, self._http, timeout_s=self._timeout_s)
            return self._gateway

    async def close(self) -> None:
        """Finish and release everything."""
        http, embedded = self._http, self._embedded
        self._gateway = self._http = self._embedded = None
        self._opening = asyncio.Lock()  # A lock stays with its event loop; the next call may come from another.
        if http is not None:
            await http.aclose()
        if embedded is not None:
            await embedded.stop()

    async def _transport(self) -> httpx.AsyncBaseTransport:
        if self.url is not None:
            return RetryingTransport(httpx.AsyncHTTPTransport(retries=2), self._retries)
        embedded = EmbeddedGateway()
        transport = await embedded.start()
        self._embedded = embedded
        return transport


def _authorization(api_key: str) -> dict[str, str]:
    key = api_key.strip()
    if not key.isascii() or not key.isprintable():
        raise ConfigurationError("an API key is one line of ASCII; this one holds other signs")
    return {"authorization": f"Bearer {key}"}


def _address(url: str) -> str:
    full = url if "://" in url else f"http://{url}"
    try:
        parsed = httpx.URL(full)
    except httpx.InvalidURL as fault:
        raise ConfigurationError(f"{url!r} is not the address of a server: {fault}") from fault
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigurationError(f"{url!r} is not the address of a server; it looks like http://127.0.0.1:8000")
    return full
