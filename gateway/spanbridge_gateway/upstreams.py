"""The services behind the gateway, over HTTP or in this process: the clients are the same."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from contextvars import Context
from importlib.metadata import entry_points, version
from typing import TypeVar

import httpx

from spanbridge_gateway.answering import note_models
from spanbridge_gateway.infos import Infos
from spanbridge_gateway.settings import EMBEDDED, GatewaySettings
from spanbridge_gateway.watching import Watch
from spanbridge_shared.clients.services import AlignmentClient, NerTeacherClient, ProjectionClient, TranslationClient
from spanbridge_shared.clients.transport import ServiceClient
from spanbridge_shared.contracts.base import ServiceInfo
from spanbridge_shared.errors import ConfigurationError, NotReady, SpanbridgeError, UpstreamFailed
from spanbridge_shared.serving.outgoing import Observed
from spanbridge_shared.serving.shared_secret import HEADER as SECRET_HEADER
from spanbridge_shared.serving.telemetry import REQUEST_ID, show_model

Client = TypeVar("Client", bound=ServiceClient)
Info = TypeVar("Info", bound=ServiceInfo)
_Service = TranslationClient | AlignmentClient | ProjectionClient | NerTeacherClient

_NEVER = float("-inf")
_STALE_AFTER_S = 1.0
"""Longer than this no request waits for what it could know from before."""


class Upstreams:
    """Opens the four services in `start` and closes them in `stop`; both must run in one task.

    `call_limit` is the most segments that one call to a service may hold; `closing` are called when all are closed.
    """

    translation: TranslationClient
    alignment: AlignmentClient
    projection: ProjectionClient
    ner_teacher: NerTeacherClient

    def __init__(self, settings: GatewaySettings, closing: Sequence[Callable[[], Awaitable[None]]] = ()) -> None:
        self.call_limit = settings.chunk_sentences
        self._settings = settings
        self._closing = closing
        self._stack = AsyncExitStack()
        self._infos: Infos | None = None
        self._infos_at = _NEVER
        self._asking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open every service; raises `ConfigurationError` where an embedded one can't start."""
        settings = self._settings
        for each in self._closing:
            self._stack.push_async_callback(each)
        try:
            self.projection = await self._open("projection", settings.projection_url, ProjectionClient)
            self.translation = await self._open("translation", settings.translation_url, TranslationClient)
            self.alignment = await self._open("alignment", settings.alignment_url, AlignmentClient)
            self.ner_teacher = await self._open("ner_teacher", settings.ner_teacher_url, NerTeacherClient)
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Close in reverse order; embedded services finish what they accepted."""
        if self._asking is not None:
            self._asking.cancel()
        await self._stack.aclose()

    async def infos(self) -> Infos:
        """Return what the services say of themselves, about `info_ttl_s` old at most; raises as the clients do.

        Where one is away, what it said last holds: not every request needs it, and one that does is told so.
        """
        if self._infos is None or time.monotonic() - self._infos_at > self._settings.info_ttl_s:
            asking = self._ask()
            if self._infos is None:
                await asyncio.shield(asking)
            else:
                await asyncio.wait({asking}, timeout=_STALE_AFTER_S)
        if self._infos is None:
            raise RuntimeError("the services have said nothing")
        return self._infos

    def doubt(self) -> None:
        """Ask anew, next time, what the services say of themselves: an answer was of other models."""
        self._infos_at = _NEVER

    async def check(self) -> None:
        """Raise `NotReady`, naming the services that give no answer now."""
        clients: list[_Service] = [self.translation, self.alignment, self.projection, self.ner_teacher]
        faults = [each for each in await asyncio.gather(*map(self._fault, clients)) if each is not None]
        if faults:
            raise NotReady("; ".join(faults))
        await self.infos()

    async def _fault(self, client: _Service) -> str | None:
        try:
            async with asyncio.timeout(self._settings.ready_s):
                await client.info()
        except TimeoutError:
            return f"{client.service} gave no answer within {self._settings.ready_s:g} s"
        except SpanbridgeError as fault:
            return fault.detail
        return None

    def _ask(self) -> "asyncio.Task[None]":
        """Ask the services for what they say of themselves, once for all who want to know it meanwhile."""
        if self._asking is None or self._asking.done():
            # Outside of the request that wants it first: its deadline isn't that of the others.
            self._asking = asyncio.create_task(self._learn(), context=Context())
            self._asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._asking

    async def _learn(self) -> None:
        known = self._infos
        found = await asyncio.gather(
            self._told(self.translation, self.translation.info, None if known is None else known.translation),
            self._told(self.alignment, self.alignment.info, None if known is None else known.alignment),
            self._told(self.projection, self.projection.info, None if known is None else known.projection),
            self._told(self.ner_teacher, self.ner_teacher.info, None if known is None else known.ner_teacher),
        )
        self._infos, self._infos_at = Infos(*found), time.monotonic()
        show_model("gateway", version("spanbridge-gateway"), self._infos.model_version)

    async def _told(self, client: ServiceClient, ask: Callable[[], Awaitable[Info]], known: Info | None) -> Info:
        fault: SpanbridgeError
        try:
            async with asyncio.timeout(self._settings.hang_s):
                return await ask()
        except TimeoutError:
            fault = UpstreamFailed(f"{client.service} gave no answer within {self._settings.hang_s:g} s")
        except SpanbridgeError as raised:
            fault = raised
        if known is None:
            raise fault
        return known

    async def _open(self, name: str, url: str, kind: type[Client]) -> Client:
        transport = await self._embedded(name) if url == EMBEDDED else httpx.AsyncHTTPTransport()
        base = f"http://{name}" if url == EMBEDDED else url
        secret = self._settings.secret.get_secret_value()
        http = httpx.AsyncClient(
            base_url=base,
            headers={SECRET_HEADER: secret} if secret else None,
            transport=Observed(transport, name),
            timeout=None,
            event_hooks={"request": [_pass_request_id]},
        )
        await self._stack.enter_async_context(http)
        settings = self._settings
        client = kind(name, http, timeout_s=settings.timeout_s, busy_wait_s=settings.busy_wait_s, note=note_models)
        if url != EMBEDDED:
            await self._watch(client, url)
        return client

    async def _watch(self, client: ServiceClient, url: str) -> None:
        http = await self._stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=None))
        watching = asyncio.create_task(Watch(client, http, patience_s=self._settings.hang_s).run(), context=Context())
        self._stack.callback(watching.cancel)

    async def _embedded(self, name: str) -> httpx.ASGITransport:
        found = entry_points(group="spanbridge.services", name=name)
        if not found:
            raise ConfigurationError(
                f"the {name} service isn't installed here; install it or set SPANBRIDGE_GATEWAY_{name.upper()}_URL"
            )
        app = next(iter(found)).load()()
        # ASGITransport never runs the lifespan, so it is entered here, once.
        await self._stack.enter_async_context(app.router.lifespan_context(app))
        return httpx.ASGITransport(app=app, raise_app_exceptions=False)


async def _pass_request_id(request: httpx.Request) -> None:
    request_id = REQUEST_ID.get()
    if request_id is not None:
        request.headers["x-request-id"] = request_id
