"""Calls to an annotation tool's interface: JSON both ways, and every failure in one line without secrets."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import httpx

from spanbridge_shared.errors import ConfigurationError, RequestError, UpstreamFailed

_TIMEOUT = httpx.Timeout(150.0, connect=10.0)
_MAX_TOLD = 600


class Refused(RequestError):
    """A server answered with an error; `code` is its status, `told` what it said, `body` its JSON, if it was any."""

    def __init__(self, detail: str, *, code: int, told: str, body: Any = None) -> None:
        super().__init__(detail)
        self.code = code
        self.told = told
        self.body = body


class Unreachable(UpstreamFailed):
    """Nothing answers at an address."""


class Caller:
    """Calls the server at `url`; `name` is what messages call it. Close it, or use it by `with`."""

    def __init__(self, name: str, url: str, *, headers: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.url = read_address(url)
        # Set-Cookie would turn on the CSRF checks of tools that know sessions as well as tokens.
        self._http = httpx.Client(base_url=self.url, timeout=_TIMEOUT, headers=dict(headers or {}), trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def authorize(self, value: str) -> None:
        """Send this `Authorization` from now on."""
        self._http.headers["authorization"] = value

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer's JSON, None where it is empty; raises `Refused` and `Unreachable`."""
        self._http.cookies.clear()
        try:
            response = self._http.request(method, path, json=body)
        except httpx.TimeoutException as fault:
            raise Unreachable(f"{self.name} at {self.url} gives no answer") from fault
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as fault:
            raise Unreachable(f"{self.name} can't be reached at {self.url}: {fault}") from fault
        if response.is_error or response.is_redirect:
            body = _json(response)
            told = _told(response, body)
            raise Refused(f"{self.name}: {told}", code=response.status_code, told=told, body=body)
        try:
            return response.json() if response.content else None
        except ValueError as fault:
            raise ConfigurationError(f"{self.url} answers, but it is no {self.name}: {path} is not JSON") from fault


def read_address(url: str) -> str:
    """Return a server's address without a slash at its end; raises `ConfigurationError`."""
    full = (url if "://" in url else f"http://{url}").strip().rstrip("/")
    try:
        parsed = httpx.URL(full)
    except httpx.InvalidURL as fault:
        raise ConfigurationError(f"{url!r} is not the address of a server: {fault}") from fault
    odd = (
        not parsed.host
        or parsed.userinfo
        or any(each in full for each in " \t\n")
        or full.count("[") != full.count("]")
    )
    if parsed.scheme not in ("http", "https") or odd:
        raise ConfigurationError(f"{url!r} is not the address of a server; it looks like http://127.0.0.1:8080")
    return full


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None  # A page for people.


def _told(response: httpx.Response, body: Any) -> str:
    """Return what an error answer says, in one line."""
    said = " ".join("; ".join(_messages(body)).split())
    return (said or f"{response.status_code} {response.reason_phrase}")[:_MAX_TOLD]


def _messages(body: Any) -> Iterator[str]:
    """Give the messages of an error body: Spanbridge's own, or those of Django's REST framework, which nests them."""
    match body:
        case str():
            yield body
        case list():
            for each in body:
                yield from _messages(each)
        case dict() if isinstance(body.get("validation_errors"), dict) and body["validation_errors"]:
            yield from _messages(body["validation_errors"])
        case dict() if isinstance(body.get("detail"), str):
            yield body["detail"]
        case dict():
            for each in body.values():
                yield from _messages(each)
