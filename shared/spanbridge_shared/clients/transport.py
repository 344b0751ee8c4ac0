"""The base client: JSON over httpx, one time limit, and the service's own exceptions raised again on this side."""

import asyncio
import json
import random
from collections.abc import Callable
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from spanbridge_shared import deadline
from spanbridge_shared.contracts.base import ErrorBody, ModelAnswer
from spanbridge_shared.errors import (
    ERRORS_BY_NAME,
    DeadlineExceeded,
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

_BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)
_AGAIN_S = (0.2, 0.5)
"""By then a process that died has let go of its port, and connections to it are known to be broken."""
_CLOSE_S = 0.05
"""A service that was told of a deadline may see it pass a little before this side does."""


class ServiceClient:
    """Speaks to one service, for as long as the request that it works for has time, `timeout_s` at most.

    The time limit is asyncio's, because httpx ignores its own when the app runs in this process. The service is told of
    it, so that it stops when nobody waits any more. While a service's queue is full it is asked again, for at most
    `busy_wait_s` of that time. `note` is told the service and the models of every answer that names its models.
    """

    def __init__(
        self,
        service: str,
        http: httpx.AsyncClient,
        *,
        timeout_s: float = 60.0,
        busy_wait_s: float = 0.0,
        note: Callable[[str, str], None] | None = None,
    ) -> None:
        self.service = service
        self._http = http
        self._timeout_s = timeout_s
        self._busy_wait_s = busy_wait_s
        self._note = note
        self._waiting: dict[asyncio.Timeout, float] = {}
        self._away: str | None = None

    @property
    def away(self) -> str | None:
        """Why nothing is asked of the service at present."""
        return self._away

    def longest_wait(self) -> float:
        """Return the seconds for which the oldest call has waited; 0 where none does."""
        return asyncio.get_running_loop().time() - min(self._waiting.values()) if self._waiting else 0.0

    def give_up(self, why: str) -> None:
        """Fail the calls that wait, and all others at once, until `resume`: for a service that hangs."""
        self._away = why
        for limit in self._waiting:
            if not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())

    def resume(self) -> None:
        """Ask the service again."""
        self._away = None

    async def get(self, path: str, kind: type[Answer]) -> Answer:
        """GET a wire model; raises as `post` does."""
        return await self._call("GET", path, None, kind)

    async def post(self, path: str, request: BaseModel, kind: type[Answer]) -> Answer:
        """POST a wire model and return the answer.

        Raises the service's own `RequestError`, `Overloaded` or `NotReady`; `DeadlineExceeded` where the time of the
        request is over that this call is made for; `UpstreamFailed`, naming the service, for all else, a wrong address
        (404, 405) and an unreadable body (400) included: these are not the caller's faults.
        """
        return await self._call("POST", path, request, kind)

    async def _call(self, verb: str, path: str, request: BaseModel | None, kind: type[Answer]) -> Answer:
        if self._away is not None:
            raise UpstreamFailed(self._away)
        body = None if request is None else _json(request)
        left = deadline.seconds_left()
        limit = self._timeout_s if left is None else min(self._timeout_s, left)
        now = asyncio.get_running_loop().time()
        patience = asyncio.timeout(limit)
        self._waiting[patience] = now
        try:
            async with patience:
                response = await self._answer(verb, path, body, now + limit)
        except TimeoutError as fault:
            raise self._too_late() from fault
        except httpx.HTTPError as fault:
            raise UpstreamFailed(f"{self.service} can't be reached: {type(fault).__name__}") from fault
        finally:
            del self._waiting[patience]
        if response.status_code != httpx.codes.OK:
            raise self._fault(response)
        try:
            answer = kind.model_validate_json(response.content)
        except ValidationError as fault:
            raise UpstreamFailed(f"{self.service} answered in another shape; are the versions the same?") from fault
        if self._note is not None and isinstance(answer, ModelAnswer):
            self._note(self.service, answer.model_version)
        return answer

    async def _answer(self, verb: str, path: str, body: str | None, until: float) -> httpx.Response:
        """Send until the service isn't full; `until` is when the call's time is over, by the loop's clock.

        Where the connection breaks, it is sent again, twice at most: calls only compute, and another process may stand
        ready.
        """
        clock = asyncio.get_running_loop().time
        patient_until = clock() + self._busy_wait_s
        pauses = list(_AGAIN_S)
        while True:
            told = {"content-type": "application/json", deadline.HEADER: deadline.write_deadline(until - clock())}
            try:
                response = await self._http.request(verb, path, content=body, headers=told)
            except _BROKEN:
                if not pauses:
                    raise
                await asyncio.sleep(pauses.pop(0))
                continue
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS or clock() >= patient_until:
                return response
            # What was refused at the same time must not come back at the same time.
            pause = random.uniform(0.5, 1.0) * _seconds(response.headers.get("retry-after"))
            await asyncio.sleep(min(pause, patient_until - clock()))

    def _too_late(self) -> SpanbridgeError:
        left = deadline.seconds_left()
        if self._away is not None:
            return UpstreamFailed(self._away)
        if left is not None and left <= _CLOSE_S:
            return DeadlineExceeded("the time that X-Request-Deadline gave this request is over")
        return UpstreamFailed(f"{self.service} gave no answer within {self._timeout_s:g} s")

    def _fault(self, response: httpx.Response) -> SpanbridgeError:
        try:
            body = ErrorBody.model_validate_json(response.content)
        except ValidationError:
            return UpstreamFailed(f"{self.service} answered {response.status_code}")
        kind = ERRORS_BY_NAME.get(body.error, SpanbridgeError)
        if issubclass(kind, Overloaded):
            return kind(body.detail, retry_after=_seconds(response.headers.get("retry-after")))
        if issubclass(kind, DeadlineExceeded):
            return self._too_late()
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
