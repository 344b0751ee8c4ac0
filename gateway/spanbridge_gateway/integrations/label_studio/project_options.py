"""What a Label Studio project asks for, pure: language, method and options, from its "extra params"."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spanbridge_shared.contracts.gateway import DEFAULT_METHOD
from spanbridge_shared.errors import InvalidRequest

_KNOWN = ("lang", "method", "options")


@dataclass(frozen=True, slots=True)
class ProjectOptions:
    """`lang` is a code or `auto`; a task's own language comes first."""

    lang: str
    method: str = DEFAULT_METHOD
    options: Mapping[str, Any] = field(default_factory=dict)


def read_extra_params(given: Mapping[str, Any] | str | None, default_lang: str) -> ProjectOptions:
    """Return a project's options; `given` is JSON, parsed or not. Raises `InvalidRequest`.

    >>> read_extra_params('{"lang": "sw", "method": "student"}', "auto")
    ProjectOptions(lang='sw', method='student', options={})
    """
    if isinstance(given, str):
        given = _parse(given)
    params = dict(given or {})
    for name in params:
        if name not in _KNOWN:
            raise InvalidRequest(f"extra_params has {name[:40]!r}; it may have {', '.join(_KNOWN)}")
    for name, kind in (("lang", str), ("method", str), ("options", dict)):
        if params.get(name) is not None and not isinstance(params[name], kind):
            raise InvalidRequest(f"extra_params: {name} must be {'an object' if kind is dict else 'a string'}")
    return ProjectOptions(
        lang=params.get("lang") or default_lang,
        method=params.get("method") or DEFAULT_METHOD,
        options=params.get("options") or {},
    )


def _parse(written: str) -> dict[str, Any]:
    if not written.strip():
        return {}
    try:
        found = json.loads(written)
    except (ValueError, RecursionError) as fault:
        raise InvalidRequest(f'extra_params is not JSON: {fault}; it looks like {{"lang": "swh_Latn"}}') from fault
    if not isinstance(found, dict):
        raise InvalidRequest('extra_params must be a JSON object, such as {"lang": "swh_Latn"}')
    return found
