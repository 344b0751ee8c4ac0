"""Every failure Spanbridge expects, as one tree; the HTTP status belongs to the class.

SpanbridgeError                      500
├── ConfigurationError               500  a setting is wrong; raised at start-up, names the setting
├── RequestError                     422  the request can't be served as it is
│   ├── InvalidRequest               422  types, counts or ranges
│   ├── MalformedBody                400  the body isn't JSON
│   ├── NotFound                     404
│   ├── MethodNotAllowed             405
│   ├── PayloadTooLarge              413  bytes or items above the limit
│   ├── UnknownLanguage              422  no such code; names the nearest ones
│   ├── UnsupportedLanguage          422  a real language that the model doesn't serve
│   ├── LanguageUndetermined         422  "auto" was unsure; names the candidates
│   ├── UnknownMethod                422
│   ├── UnknownOption                422
│   ├── UnknownLabel                 422
│   ├── MissingTeacher               422  no configured teacher serves the language; names the setting
│   ├── Unauthorized                 401  no API key, or one that isn't known
│   └── SentenceError                422  a fault of one sentence; in a batch only that sentence fails
│       ├── EmptyText
│       ├── TextTooLong
│       ├── InvalidText              lone surrogates or NUL
│       ├── InvalidTokens            empty tokens, tokens with white space
│       ├── AmbiguousInput           text and tokens both, or neither
│       ├── InvalidSource            the sentence's own English side doesn't fit
│       ├── InvalidAttention         the attention matrix is missing or doesn't fit
│       ├── UnusableAnswer       424  a language model's answer can't be read: cut off, not JSON, refused, empty
│       └── TeacherUnavailable   424  a teacher behind an API gave no answer: slow, rate-limited, down, wrong key
├── Overloaded                       429  the queue is full; carries Retry-After
│   └── RateLimited                  429  the API key has used up its sentences; carries Retry-After
├── DeadlineExceeded                 408  the time that the client gave the request is over
├── ClientLeft                       499  nobody waits for the answer any more; for the log
├── WrongSecret                      403  a service was asked by someone else than its gateway
├── UpstreamFailed                   424  a service behind the gateway failed; names which
└── NotReady                         503  models are still loading, or shutting down
"""


class SpanbridgeError(Exception):
    """A failure with a message for the caller: what is wrong and what would be right."""

    status = 500

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ConfigurationError(SpanbridgeError):
    """A setting is wrong; the message names it."""


class RequestError(SpanbridgeError):
    """The request can't be served as it is."""

    status = 422


class InvalidRequest(RequestError):
    """Wrong types, counts or ranges."""


class MalformedBody(RequestError):
    """The body isn't JSON."""

    status = 400


class NotFound(RequestError):
    """No such path."""

    status = 404


class MethodNotAllowed(RequestError):
    """The path exists, the HTTP method doesn't."""

    status = 405


class PayloadTooLarge(RequestError):
    """Bytes or items above the limit."""

    status = 413


class UnknownLanguage(RequestError):
    """No such language code."""


class UnsupportedLanguage(RequestError):
    """A real language that the configured model doesn't serve."""


class LanguageUndetermined(RequestError):
    """Language detection was unsure."""


class UnknownMethod(RequestError):
    """No such projection or alignment method."""


class UnknownOption(RequestError):
    """The method has no such option, or the value doesn't fit it."""


class UnknownLabel(RequestError):
    """No teacher gives this label."""


class MissingTeacher(RequestError):
    """No configured teacher serves this language."""


class Unauthorized(RequestError):
    """The server asks for an API key, and the request has none or a wrong one."""

    status = 401


class SentenceError(RequestError):
    """A fault of one sentence; its neighbours in a batch succeed."""


class EmptyText(SentenceError):
    """Nothing but white space."""


class TextTooLong(SentenceError):
    """More characters or tokens than the limit."""


class InvalidText(SentenceError):
    """Lone surrogates or NUL characters."""


class InvalidTokens(SentenceError):
    """Empty tokens, or tokens with white space in them."""


class AmbiguousInput(SentenceError):
    """Text and tokens both, or neither."""


class InvalidSource(SentenceError):
    """The English side that the sentence brings doesn't fit."""


class InvalidAttention(SentenceError):
    """The attention matrix that an alignment needs is missing, or doesn't fit the tokens."""


class UnusableAnswer(SentenceError):
    """A language model answered, but with nothing that entities can be read from; the detail says why."""

    status = 424


class TeacherUnavailable(SentenceError):
    """A teacher behind an API gave no answer for this sentence, after all retries."""

    status = 424


class Overloaded(SpanbridgeError):
    """The queue is full; try again after `retry_after` seconds."""

    status = 429

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class RateLimited(Overloaded):
    """The request's API key has used up the sentences that it has for now."""


class DeadlineExceeded(SpanbridgeError):
    """The request's own time limit, `X-Request-Deadline`, is over.

    Not 504, because the client set the limit and nothing failed; not 503, which invites to try again.
    """

    status = 408


class ClientLeft(SpanbridgeError):
    """The client closed the connection before the answer; it never sees this."""

    status = 499


class WrongSecret(SpanbridgeError):
    """A service takes requests from its gateway alone, and this one doesn't hold the secret that they share."""

    status = 403


class UpstreamFailed(SpanbridgeError):
    """A service behind the gateway failed."""

    status = 424


class NotReady(SpanbridgeError):
    """Models are still loading, or the process is shutting down."""

    status = 503


def _tree(root: type[SpanbridgeError]) -> dict[str, type[SpanbridgeError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


ERRORS_BY_NAME: dict[str, type[SpanbridgeError]] = _tree(SpanbridgeError)
"""Class name (the `error` field on the wire) → class, so that a client raises what the service raised."""
