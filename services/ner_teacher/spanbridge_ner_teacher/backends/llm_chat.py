"""Talking to an OpenAI-compatible `chat/completions` endpoint: pace, time limits, retries, and what its faults mean."""

import json
import random
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import httpx

from spanbridge_ner_teacher.backends.llm_usage import UsageMeter
from spanbridge_ner_teacher.core.llm_prompt import Message
from spanbridge_ner_teacher.core.pace import Pace
from spanbridge_ner_teacher.llm_settings import LlmSettings
from spanbridge_shared.errors import TeacherUnavailable, UnusableAnswer

_MOST_BYTES = 4_000_000
_LONGEST_WAIT_S = 60.0
_QUOTED = 200
_RETRIED = frozenset({408, 409, 425, 429})
_NOT_SERVED = frozenset({400, 404, 415, 422, 501})
_REFUSED = frozenset({400, 413, 422})
_FORMAT = "response_format"


class _Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: Any


class ChatEndpoint:
    """Asks one model, from as many threads at once as there are; the key goes into a header and nowhere else.

    `options` are the request's fields beside the messages. A `response_format` among them is left out for good once the
    server has shown that it answers without it and not with it.
    """

    def __init__(self, settings: LlmSettings, options: Mapping[str, Any], meter: UsageMeter) -> None:
        self._settings, self._meter = settings, meter
        self._key = settings.llm_key.get_secret_value()
        self._options = dict(options)
        self._stopping = threading.Event()
        self._pace, self._lock = Pace(settings.llm_requests_per_minute), threading.Lock()
        self._http = httpx.Client(
            headers={"authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=settings.llm_timeout_s,
            limits=httpx.Limits(max_connections=settings.llm_concurrency),
        )

    def stop(self) -> None:
        """Send nothing more: whoever waits for a turn or a retry gets `TeacherUnavailable` at once."""
        self._stopping.set()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, messages: Sequence[Message]) -> Any:
        """Return the answer's JSON.

        Raises `TeacherUnavailable` where there is none after all retries, `UnusableAnswer` where this request is
        refused or the answer can't be read.
        """
        options = self._options
        reply = self._with_retries(messages, options)
        if reply.status in _NOT_SERVED and _FORMAT in options and _FORMAT not in self._settings.llm_extra:
            plain = {name: value for name, value in options.items() if name != _FORMAT}
            reply = self._with_retries(messages, plain)
            if reply.status == httpx.codes.OK:
                self._options = plain
        if reply.status != httpx.codes.OK:
            raise self._fault(reply)
        if reply.body is None:
            raise UnusableAnswer("the language model's server answered with something that isn't JSON")
        self._meter.answer(reply.body)
        return reply.body

    def _with_retries(self, messages: Sequence[Message], options: Mapping[str, Any]) -> _Reply:
        request = {**options, "messages": list(messages)}
        outcome = self._try(request)
        for attempt in range(self._settings.llm_retries):
            if not _may_pass(outcome) or not self._back_off(attempt, outcome):
                break
            outcome = self._try(request)
        if isinstance(outcome, httpx.HTTPError):
            raise TeacherUnavailable(
                f"the language model gave no answer, after {self._settings.llm_retries} retries: "
                f"{type(outcome).__name__}"
            ) from outcome
        return outcome

    def _try(self, request: Mapping[str, Any]) -> _Reply | httpx.HTTPError:
        """Send a request when its turn comes; return the reply, or why there is none."""
        with self._lock:
            seconds = self._pace.reserve(time.monotonic())
        self._wait(seconds)
        outcome = "unreadable"
        try:
            reply = self._post(request)
            outcome = str(reply.status)
            return reply
        except httpx.HTTPError as fault:
            outcome = type(fault).__name__
            return fault
        finally:
            self._meter.request(outcome)

    def _back_off(self, attempt: int, outcome: _Reply | httpx.HTTPError) -> bool:
        """Wait before the next try, and have the other threads wait where the server asked; False: that is too long."""
        asked = _retry_after(outcome.headers.get("retry-after")) if isinstance(outcome, _Reply) else None
        if asked is None:
            # Spread, so that what failed together doesn't come back together.
            self._wait(self._settings.llm_backoff_s * 2**attempt * random.uniform(0.5, 1.5))
            return True
        if asked > _LONGEST_WAIT_S:
            return False
        with self._lock:
            self._pace.hold(time.monotonic() + asked)
        return True

    def _wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise TeacherUnavailable("the service stopped before the language model was asked")

    def _post(self, body: Mapping[str, Any]) -> _Reply:
        deadline = time.monotonic() + self._settings.llm_timeout_s
        url = f"{self._settings.llm_url}/chat/completions"
        with self._http.stream("POST", url, json=dict(body)) as response:
            content = bytearray()
            for part in response.iter_bytes():
                content += part
                if len(content) > _MOST_BYTES:
                    raise UnusableAnswer(f"the language model's answer is longer than {_MOST_BYTES:,} bytes")
                # httpx limits the wait for each part only; a server may send a byte a second.
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the whole answer took too long")
            return _Reply(response.status_code, response.headers, _parsed(bytes(content)))

    def _fault(self, reply: _Reply) -> TeacherUnavailable | UnusableAnswer:
        """Return what a status means; the server's message is quoted, but not about a key, which it may repeat."""
        status, said = reply.status, self._message(reply.body)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return TeacherUnavailable(
                f"the language model's server refused the key ({status}); check SPANBRIDGE_NER_TEACHER_LLM_KEY"
            )
        if status == httpx.codes.NOT_FOUND:
            return TeacherUnavailable(
                "the language model's server knows no such path or model (404); check SPANBRIDGE_NER_TEACHER_LLM_URL "
                f"and _LLM_MODEL{said}"
            )
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return TeacherUnavailable(
                "the language model's server limits the rate (429); set "
                f"SPANBRIDGE_NER_TEACHER_LLM_REQUESTS_PER_MINUTE{said}"
            )
        if status in _REFUSED:
            return UnusableAnswer(f"the language model's server refused the request ({status}){said}")
        return TeacherUnavailable(f"the language model's server answered {status}{said}")

    def _message(self, body: Any) -> str:
        error = body.get("error") if isinstance(body, dict) else None
        said = error.get("message") if isinstance(error, dict) else error
        if not isinstance(said, str) or not said.strip():
            return ""
        safe = said.replace(self._key, "[key]") if self._key else said
        return f": {safe[:_QUOTED]}"


def _may_pass(outcome: _Reply | httpx.HTTPError) -> bool:
    """Say whether the same request may succeed a little later."""
    if isinstance(outcome, httpx.HTTPError):
        return True
    return outcome.status in _RETRIED or outcome.status >= httpx.codes.INTERNAL_SERVER_ERROR


def _parsed(content: bytes) -> Any:
    """Return JSON, or None where it isn't any."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _retry_after(header: str | None) -> float | None:
    """Return the seconds that a `Retry-After` asks for, given as a number or as a date; None where it says neither."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            until = parsedate_to_datetime(header)
        except ValueError:
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    # NaN compares as false, and an infinite wait is none.
    return max(0.0, seconds) if abs(seconds) < float("inf") else None
