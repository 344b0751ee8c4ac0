"""What every answer must be: no server's fault but 424 and 503, documented, and of the shape that is documented."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import jsonschema_rs
import schemathesis
from starlette.types import ASGIApp

from spanbridge_shared.contracts.base import ErrorBody
from tests.faults.fuzz.asking import Asked, ask

_ALLOWED = {503}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MOST_TOLD = 20


class Documented:
    """What the documentation says of one operation's answers."""

    def __init__(self, responses: dict[str, Any], components: dict[str, Any]) -> None:
        self._responses = responses
        self._components = components
        self._validators: dict[str, Any] = {}

    def fault(self, answer: httpx.Response) -> tuple[str, str] | None:
        """Return what in an answer isn't as it is documented."""
        status = str(answer.status_code)
        known = next((each for each in (status, f"{status[0]}XX") if each in self._responses), None)
        if known is None:
            return "undocumented", f"answered {status}"
        kinds = self._responses[known].get("content", {})
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if answer.content and kind not in kinds:
            return "content type", f"is {kind or 'nothing'}, documented as {', '.join(kinds) or 'nothing'}"
        if kind != "application/json":
            return None
        if known not in self._validators:
            schema = {"$schema": _DIALECT, "components": self._components, **kinds[kind]["schema"]}
            self._validators[known] = jsonschema_rs.validator_for(schema)
        errors = list(self._validators[known].iter_errors(answer.json()))
        return ("schema", f"{errors[0].message} at {list(errors[0].instance_path)}") if errors else None


@dataclass
class Target:
    """An app, schemathesis's operations of it, and what is documented, by method and path template."""

    name: str
    app: ASGIApp = field(repr=False)
    operations: dict[tuple[str, str], Any] = field(repr=False)
    documented: dict[tuple[str, str], Documented] = field(repr=False)

    @classmethod
    def of(cls, name: str, app: Any) -> "Target":
        # A copy, because schemathesis rewrites what it is given.
        document = json.loads(json.dumps(app.openapi()))
        schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document)))
        found = [each.ok() for each in schema.get_all_operations()]
        documented = {
            (verb.upper(), path): Documented(operation["responses"], document["components"])
            for path, operations in document["paths"].items()
            for verb, operation in operations.items()
        }
        return cls(name, app, {(each.method.upper(), each.path): each for each in found}, documented)


@dataclass
class Judge:
    """Asks, and counts: `statuses` of all answers, and what is wrong with some of them."""

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return self.statuses.total()

    def add(self, other: "Judge") -> None:
        """Count what another has found as well."""
        self.statuses += other.statuses
        self.kinds += other.kinds
        self.wrong = [*self.wrong, *other.wrong][:_MOST_TOLD]

    async def put(self, target: Target, asked: Asked, template: str | None = None) -> None:
        """Ask once; `template` is the path's in the documentation."""
        try:
            answer = await ask(target.app, asked)
        except TimeoutError:
            self._tell("hang", target, asked, "no answer in time")
            return
        except Exception as fault:  # noqa: BLE001 - whatever gets here would have cut a connection.
            self._tell("crash", target, asked, f"{type(fault).__name__}: {fault}")
            return
        if answer is None:
            self.statuses["left"] += 1
            return
        self.statuses[str(answer.status_code)] += 1
        fault = _fault(answer, target.documented.get((asked.method, template or asked.path)))
        if fault is not None:
            self._tell(fault[0], target, asked, f"{fault[1]}: {answer.text[:300]}")

    def _tell(self, kind: str, target: Target, asked: Asked, what: str) -> None:
        if kind in ("hang", "crash"):
            self.statuses[kind] += 1
        self.kinds[kind] += 1
        if len(self.wrong) < _MOST_TOLD:
            self.wrong.append(f"{kind} of {target.name}: {what}\n    {asked}")


def _fault(answer: httpx.Response, documented: Documented | None) -> tuple[str, str] | None:
    if answer.status_code >= 500 and answer.status_code not in _ALLOWED:
        return "server error", f"answered {answer.status_code}"
    if answer.status_code >= 400 and (fault := _error_fault(answer)):
        return fault
    # No route, or another method: there is nothing more to say.
    return None if documented is None else documented.fault(answer)


def _error_fault(answer: httpx.Response) -> tuple[str, str] | None:
    if answer.request.method == "HEAD" or not answer.content:
        return None
    try:
        ErrorBody.model_validate_json(answer.content)
    except ValueError:
        return "error shape", f"answered {answer.status_code} in another shape"
    return None
