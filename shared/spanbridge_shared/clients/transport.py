"""The base client: JSON over httpx, one time limit, and the service's own exceptions raised again on this side."""

import asyncio
import json
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.errors import (
    ERRORS_BY_NAME,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    NotReady,
    Overloaded,
    RequestError,
    SpanbridgeError,
    UpstreamFailed,
)

Answer = TypeVar("Answer", bound=BaseModel)


class ServiceClient:
    """Speaks to one service.

    The time limit is asyncio's, because httpx ignores its own when the app runs in this process.
    """

    def __init__(self, service: str, http: httpx.AsyncClient, *, timeout_s: float = 60.0) -> None:
        self.service = service
        self._http = http
        self._timeout_s = timeout_s

    async def get(self, path: str, kind: type[Answer]) -> Answer:
        """GET a wire model; raises as `post` does."""
        return await self._call("GET", path, None, kind)

    async def post(self, path: str, request: BaseModel, kind: type[Answer]) -> Answer:
        """POST a wire model and return the answer.

        Raises the service's own `RequestError`, `Overloaded` or `NotReady`; `UpstreamFailed`, naming the service, for
        all else, a wrong address (404, 405) and an unreadable body (400) included: these are not the caller's faults.
        """
        return await self._call("POST", path, request, kind)

    async def _call(self, verb: str, path: str, request: BaseModel | None, kind: type[Answer]) -> Answer:
        body = None if request is None else _json(request)
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._http.request(
                    verb, path, content=body, headers={"content-type": "application/json"}
                )
        except TimeoutError as fault:
            raise UpstreamFailed(f"{self.service} gave no answer within {self._timeout_s:g} s") from fault
        except httpx.HTTPError as fault:
            raise UpstreamFailed(f"{self.service} can't be reached: {type(fault).__name__}") from fault
        if response.status_code != httpx.codes.OK:
            raise self._fault(response)
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as fault:
            raise UpstreamFailed(f"{self.service} answered in another shape; are the versions the same?") from fault

    def _fault(self, response: httpx.Response) -> SpanbridgeError:
        try:
            body = ErrorBody.model_validate_json(response.content)
        except ValidationError:
            return UpstreamFailed(f"{self.service} answered {response.status_code}")
        kind = ERRORS_BY_NAME.get(body.error, SpanbridgeError)
        if issubclass(kind, Overloaded):
            return Overloaded(body.detail, retry_after=_seconds(response.headers.get("retry-after")))
        if issubclass(kind, NotReady):
            return NotReady(f"{self.service}: {body.detail}")
        if issubclass(kind, RequestError) and not issubclass(kind, (NotFound, MethodNotAllowed, MalformedBody)):
            return kind(body.detail)
        return UpstreamFailed(f"{self.service} failed: {body.detail}")


def _json(request: BaseModel) -> str:
    try:
        return request.model_dump_json(exclude_unset=True)
    except PydanticSerializationError:
        # Lone surrogates have no UTF-8; escaped, they reach the service, which refuses their sentence alone.
        return json.dumps(request.model_dump(exclude_unset=True))


def _seconds(header: str | None) -> int:
    return int(header) if header is not None and header.isdecimal() else 1


def raised(error: ErrorBody) -> SpanbridgeError:
    """Return the exception that an item's error stands for."""
    return ERRORS_BY_NAME.get(error.error, SpanbridgeError)(error.detail)
