"""Requests that schemathesis makes of the documentation: such as fit it, and such as don't."""

import json
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from tests.faults.fuzz.apps import KEY
from tests.faults.fuzz.asking import Asked
from tests.faults.fuzz.judging import Target

_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def requests(targets: list[Target]) -> st.SearchStrategy[tuple[Target, Asked, str | None]]:
    """A request to any operation of any app, and its path's template."""
    return st.one_of(
        [
            operation.as_strategy(generation_mode=mode).map(lambda case, target=target: _asked(target, case))
            for target in targets
            for operation in target.operations.values()
            for mode in _MODES
        ]
    )


def _asked(target: Target, case: Any) -> tuple[Target, Asked, str | None]:
    sent = case.as_transport_kwargs(base_url="http://spanbridge")
    headers = [
        (name.lower().encode("latin-1", "replace"), str(value).encode("latin-1", "replace"))
        for name, value in sent["headers"].items()
    ]
    if target.name.endswith("with keys"):
        headers.append((b"x-api-key", KEY.encode()))
    body = sent.get("data", b"")
    if "json" in sent:
        body = json.dumps(sent["json"]).encode()
    elif isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    elif not isinstance(body, bytes):
        body = urlencode(body or {}, doseq=True, errors="replace").encode()
    query = urlencode(sent.get("params") or {}, doseq=True, errors="replace").encode()
    path = case.formatted_path
    return target, Asked(case.method.upper(), path, query, headers, [body]), case.operation.path
