"""The services behind the gateway, over HTTP or in this process: the clients are the same."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from contextvars import Context
from dataclasses import dataclass
from importlib.metadata import entry_points, version
from typing import TypeVar

import httpx

from spanbridge_gateway.answering import note_models
from spanbridge_gateway.settings import EMBEDDED, GatewaySettings
from spanbridge_gateway.watching import Watch
from spanbridge_shared.clients.services import AlignmentClient, NerTeacherClient, ProjectionClient, TranslationClient
from spanbridge_shared.clients.transport import ServiceClient
from spanbridge_shared.contracts.alignment import AlignmentInfo
from spanbridge_shared.contracts.base import ServiceInfo
from spanbridge_shared.contracts.ner import ANY_LANGUAGE, UNNAMED_ROLES, NerInfo, TeacherInfo
from spanbridge_shared.contracts.projection import ProjectionInfo
from spanbridge_shared.contracts.translation import TranslationInfo
from spanbridge_shared.errors import ConfigurationError, MissingTeacher, NotReady, SpanbridgeError, UpstreamFailed
from spanbridge_shared.serving.outgoing import Observed
from spanbridge_shared.serving.shared_secret import HEADER as SECRET_HEADER
from spanbridge_shared.serving.telemetry import REQUEST_ID, show_model

STUDENT = "student"
LLM = "llm"
"""Keys of teachers, by which requests name them."""

Client = TypeVar("Client", bound=ServiceClient)
_VERSION = version("spanbridge-gateway")  # Read once: it is parsed from a file.
Info = TypeVar("Info", bound=ServiceInfo)
_Service = TranslationClient | AlignmentClient | ProjectionClient | NerTeacherClient

_NEVER = float("-inf")
_STALE_AFTER_S = 1.0
"""Longer than this no request waits for what it could know from before."""
_WAYS = {
    STUDENT: "set SPANBRIDGE_NER_TEACHER_STUDENT to ctranslate2:PATH of a student, as `spanbridge distill` makes one",
    LLM: "set SPANBRIDGE_NER_TEACHER_LLM_URL and SPANBRIDGE_NER_TEACHER_LLM_MODEL to an OpenAI-compatible endpoint",
}


@dataclass(frozen=True, slots=True)
class Infos:
    """What each service says of itself."""

    translation: TranslationInfo
    alignment: AlignmentInfo
    projection: ProjectionInfo
    ner_teacher: NerInfo

    def gives_probabilities(self, lang: str) -> bool:
        """Say whether a teacher gives label probabilities for sentences of this language."""
        return any(each.probabilities and each.role in UNNAMED_ROLES and _serves(each, lang) for each in self._teachers)

    def labels_itself(self, lang: str, key: str | None = None) -> bool:
        """Say whether a teacher labels sentences of this language: that of a key, or the one asked without a key."""
        return any(
            (each.role in UNNAMED_ROLES if key is None else each.key == key) and _serves(each, lang)
            for each in self._teachers
        )

    @property
    def _teachers(self) -> list[TeacherInfo]:
        return self.ner_teacher.teachers

    def require_teacher(self, key: str, lang: str) -> None:
        """Raise `MissingTeacher`, which says what to do, where no teacher of this key labels the language."""
        if self.labels_itself(lang, key):
            return
        teachers = {each.key: each for each in self._teachers}
        if key in teachers:
            raise MissingTeacher(
                f"the teacher {key!r} doesn't serve {lang}; it serves {', '.join(sorted(teachers[key].languages))}"
            )
        ways = f"; {_WAYS[key]}" if key in _WAYS else ""
        raise MissingTeacher(f"no teacher {key[:40]!r} is configured; there are {', '.join(teachers)}{ways}")

    @property
    def labels(self) -> frozenset[str]:
        """The labels that some teacher gives."""
        return frozenset(label for teacher in self._teachers for label in teacher.labels)

    @property
    def model_version(self) -> str:
        """One string that changes whenever a model or this code does."""
        parts = (self.translation, self.ner_teacher, self.alignment)
        return ":".join([f"spanbridge-{_VERSION}", *(part.model_version for part in parts)])

    def are_named(self, answered: Iterable[tuple[str, str]]) -> bool:
        """Say whether `model_version` names the models of answers, each given with its service."""
        infos = {"translation": self.translation, "ner_teacher": self.ner_teacher, "alignment": self.alignment}
        return all(_models(models) <= _models(infos[service].model_version) for service, models in answered)


def _models(model_version: str) -> set[str]:
    # Of several teachers, or of two that are joined by "+", an answer may be one's alone.
    return set(model_version.replace("+", ":").split(":"))


def _serves(teacher: TeacherInfo, lang: str) -> bool:
    return not {lang, ANY_LANGUAGE}.isdisjoint(teacher.languages)


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
