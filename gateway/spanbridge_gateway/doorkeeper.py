"""Pure ASGI middleware in front of the gateway: it asks for an API key, and refuses early what couldn't be let in."""

import base64
import binascii
from collections.abc import Callable, Iterator

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spanbridge_gateway.admission import TICKET, Door, Limiter, Ticket
from spanbridge_shared.errors import SpanbridgeError, Unauthorized
from spanbridge_shared.serving.api_keys import ApiKey
from spanbridge_shared.serving.headers import header
from spanbridge_shared.serving.key_sources import KeySource
from spanbridge_shared.serving.open_paths import is_open, served_path


class Doorkeeper:
    """Serves whoever shows a key, or everyone where there are none; probes and documentation are open to all.

    What a request costs is known only once its body was read: its route asks `admission.admit`. Paths that begin as in
    `patient` are let in while the door is shut: their routes wait for it themselves, or label nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: KeySource | None,
        door: Door,
        limiter: Limiter,
        answer: Callable[[Exception], Response],
        *,
        open_metrics: bool,
        patient: tuple[str, ...] = (),
    ) -> None:
        self.app = app
        self.keys = keys
        self.door = door
        self.limiter = limiter
        self.answer = answer
        self.open_metrics = open_metrics
        self.patient = patient

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or is_open(scope, metrics=self.open_metrics):
            await self.app(scope, receive, send)
            return
        ticket: Ticket | None = None

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start" and ticket is not None and ticket.allowance is not None:
                told = ticket.allowance.headers().items()
                more = [(name.encode(), value.encode()) for name, value in told]
                message["headers"] = [*message.get("headers", []), *more]
            await send(message)

        try:
            key = await self._key(scope)
            ticket = Ticket(self.door, self.limiter, key)
            if scope["method"] == "POST" and not served_path(scope).startswith(self.patient):
                ticket.arrive()
        except SpanbridgeError as fault:
            await self.answer(fault)(scope, receive, send_with_limits)
            return
        token = TICKET.set(ticket)
        try:
            await self.app(scope, receive, send_with_limits)
        finally:
            ticket.release()
            TICKET.reset(token)

    async def _key(self, scope: Scope) -> ApiKey | None:
        if self.keys is None:
            return None
        ring = await self.keys.keys()
        shown = list(_shown(scope))
        for each in shown:
            key = ring.find(each)
            if key is not None:
                return key
        raise Unauthorized(
            f"{'this API key is not known' if shown else 'this server asks for an API key'}; send one as "
            "Authorization: Bearer KEY, as X-API-Key: KEY, or as the password of Basic authentication"
        )


def _shown(scope: Scope) -> Iterator[str]:
    """Give the keys that a request shows."""
    scheme, _, value = (header(scope, b"authorization") or "").partition(" ")
    match scheme.lower():
        case "bearer":
            yield value.strip()
        case "basic":
            yield _password(value.strip())
    named = header(scope, b"x-api-key")
    if named is not None:
        yield named.strip()


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8", "replace").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
