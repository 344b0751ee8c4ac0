"""Opening what the teachers are asked through: the gateway's client, and the ner_teacher service's own."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import httpx

from spanbridge_distillation.columns import columns_of
from spanbridge_distillation.teachers import LlmTeacher, ProjectionTeacher, Teacher, TeacherName, TransferTeacher
from spanbridge_shared.clients.services import NerTeacherClient
from spanbridge_shared.errors import ConfigurationError

if TYPE_CHECKING:
    from spanbridge import AsyncSpanbridge

EMBEDDED = "embedded"
"""What the gateway's settings call a service that runs in this process."""
_SERVICE = "ner_teacher"
_TIMEOUT_S = 600.0
_RETRIES = 5


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the gateway and the ner_teacher service are; None and `embedded` stand for this process."""

    gateway: str | None = None
    ner_teacher: str = EMBEDDED


@asynccontextmanager
async def opened_teachers(
    names: Sequence[TeacherName], addresses: Addresses, labels: Sequence[str], options: dict[str, Any]
) -> AsyncIterator[list[Teacher]]:
    """Give the teachers in that order, opened only as far as they are needed.

    Raises `ConfigurationError` where a service or the client isn't installed, or its models can't be loaded.
    """
    tags = columns_of(labels)
    async with AsyncExitStack() as stack:
        found: dict[TeacherName, Teacher] = {}
        if TeacherName.PROJECTION in names:
            client = await stack.enter_async_context(_gateway(addresses.gateway))
            found[TeacherName.PROJECTION] = ProjectionTeacher(client, labels, tags, options)
        if {TeacherName.TRANSFER, TeacherName.LLM} & set(names):
            service = await stack.enter_async_context(ner_teacher(addresses.ner_teacher))
            found[TeacherName.TRANSFER] = TransferTeacher(service, tags)
            found[TeacherName.LLM] = LlmTeacher(service, tags)
        yield [found[name] for name in names]


def _gateway(url: str | None) -> "AsyncSpanbridge":
    try:
        from spanbridge import AsyncSpanbridge
    except ModuleNotFoundError as fault:
        raise ConfigurationError("distilling needs the client; install spanbridge[distillation]") from fault
    return AsyncSpanbridge(url, timeout_s=_TIMEOUT_S, retries=_RETRIES)


@asynccontextmanager
async def ner_teacher(url: str) -> AsyncIterator[NerTeacherClient]:
    """Give the typed client of the ner_teacher service at `url`, or of its app in this process for `embedded`."""
    async with AsyncExitStack() as stack:
        transport = await _embedded(stack) if url == EMBEDDED else _remote()
        base = f"http://{_SERVICE}" if url == EMBEDDED else url
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=base, transport=transport, timeout=None))
        yield NerTeacherClient(_SERVICE, http, timeout_s=_TIMEOUT_S)


def _remote() -> httpx.AsyncBaseTransport:
    try:
        from spanbridge.retries import RetryingTransport
    except ModuleNotFoundError as fault:
        raise ConfigurationError("distilling needs the client; install spanbridge[distillation]") from fault
    return RetryingTransport(httpx.AsyncHTTPTransport(retries=2), _RETRIES)


async def _embedded(stack: AsyncExitStack) -> httpx.AsyncBaseTransport:
    found = entry_points(group="spanbridge.services", name=_SERVICE)
    if not found:
        raise ConfigurationError(
            f"the {_SERVICE} service isn't installed here; install it, or name its address as --teacher-url"
        )
    for name, value in (("LEVEL", "WARNING"), ("FORMAT", "text")):
        os.environ.setdefault(f"SPANBRIDGE_{_SERVICE.upper()}_LOG_{name}", value)
    app = next(iter(found)).load()()
    # ASGITransport never runs the lifespan, so it is entered here, once.
    await stack.enter_async_context(app.router.lifespan_context(app))
    return httpx.ASGITransport(app=app, raise_app_exceptions=False)
