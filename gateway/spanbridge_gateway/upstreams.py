"""The services behind the gateway, over HTTP or in this process: the clients are the same."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import entry_points, version
from typing import TypeVar

import httpx

from spanbridge_gateway.settings import EMBEDDED, GatewaySettings
from spanbridge_shared.clients.services import AlignmentClient, NerTeacherClient, ProjectionClient, TranslationClient
from spanbridge_shared.clients.transport import ServiceClient
from spanbridge_shared.contracts.alignment import AlignmentInfo
from spanbridge_shared.contracts.ner import ANY_LANGUAGE, UNNAMED_ROLES, NerInfo, TeacherInfo
from spanbridge_shared.contracts.projection import ProjectionInfo
from spanbridge_shared.contracts.translation import TranslationInfo
from spanbridge_shared.errors import ConfigurationError, MissingTeacher
from spanbridge_shared.serving.telemetry import REQUEST_ID, TRACEPARENT

STUDENT = "student"
LLM = "llm"
"""Keys of teachers, by which requests name them."""

"""Who answers requests that name no teacher."""

Client = TypeVar("Client", bound=ServiceClient)


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
    def model_version(self) -> str:
        """One string that changes whenever a model or this code does."""
        parts = (self.translation, self.ner_teacher, self.alignment)
        return ":".join([f"spanbridge-{version('spanbridge-gateway')}", *(part.model_version for part in parts)])


def _serves(teacher: TeacherInfo, lang: str) -> bool:
    return not {lang, ANY_LANGUAGE}.isdisjoint(teacher.languages)


class Upstreams:
    """Opens the four services in `start` and closes them in `stop`; both must run in one task.

    `call_limit` is the most segments that one call to a service may hold.
    """

    translation: TranslationClient
    alignment: AlignmentClient
    projection: ProjectionClient
    ner_teacher: NerTeacherClient

    def __init__(self, settings: GatewaySettings) -> None:
        self.call_limit = settings.chunk_sentences
        self._settings = settings
        self._stack = AsyncExitStack()
        self._infos: Infos | None = None
        self._infos_at = 0.0

    async def start(self) -> None:
        """Open every service; raises `ConfigurationError` where an embedded one can't start."""
        settings = self._settings
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
        await self._stack.aclose()

    async def infos(self) -> Infos:
        """Return what the services say of themselves, at most `info_ttl_s` old; raises as the clients do."""
        if self._infos is None or time.monotonic() - self._infos_at > self._settings.info_ttl_s:
            found = await asyncio.gather(
                self.translation.info(), self.alignment.info(), self.projection.info(), self.ner_teacher.info()
            )
            self._infos, self._infos_at = Infos(*found), time.monotonic()
        return self._infos

    async def _open(self, name: str, url: str, kind: type[Client]) -> Client:
        transport = await self._embedded(name) if url == EMBEDDED else httpx.AsyncHTTPTransport()
        base = f"http://{name}" if url == EMBEDDED else url
        http = httpx.AsyncClient(
            base_url=base, transport=transport, timeout=None, event_hooks={"request": [_pass_context]}
        )
        await self._stack.enter_async_context(http)
        return kind(name, http, timeout_s=self._settings.timeout_s)

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


async def _pass_context(request: httpx.Request) -> None:
    for header, value in (("x-request-id", REQUEST_ID.get()), ("traceparent", TRACEPARENT.get())):
        if value is not None:
            request.headers[header] = value
