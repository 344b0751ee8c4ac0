"""Setting up Spanbridge as the auto-labelling of a doccano project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spanbridge.annotation_tools.backend import ask, basic
from spanbridge.annotation_tools.calls import Caller, Refused, Unreachable, read_address
from spanbridge_shared.contracts.gateway import DEFAULT_LABELS
from spanbridge_shared.errors import ConfigurationError

PATH = "/integrations/doccano"
MODEL = "Custom REST Request"
_PLACE = "{{ text }}"
_SAMPLE = "Rais Samia alitembelea Nairobi jana."
_COLOURS = ("#d33115", "#0062b1", "#588c00", "#653294", "#a65a00", "#0c797d")

TEMPLATE = (
    "{% if input.error %}Spanbridge: {{ input.error }}{% else %}"
    '[{% for e in input.entities %}{"label":{{ e.label|tojson }},"start_offset":{{ e.start }},"end_offset":{{ e.end }}}'
    "{% if not loop.last %},{% endif %}{% endfor %}]{% endif %}"
)
"""What makes doccano's labels of an answer. doccano looks at no status: without the first part, which is no JSON, an
error would be a text without entities; with it, the text's auto-labelling fails."""


@dataclass(frozen=True, slots=True)
class DoccanoWish:
    """What is to be connected; `labels` leads from Spanbridge's labels to the project's own where these are other."""

    project: int
    backend_url: str
    lang: str
    method: str | None = None
    labels: Sequence[str] = DEFAULT_LABELS
    options: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    api_key: str | None = field(default=None, repr=False)
    create_labels: bool = False


@dataclass(frozen=True, slots=True)
class DoccanoConnection:
    """What was made; `mapping` leads from Spanbridge's labels to the project's."""

    config_id: int
    project_name: str
    mapping: Mapping[str, str]
    created: tuple[str, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    project_url: str
    renewed: bool


def connect_doccano(url: str, username: str, password: str, wish: DoccanoWish) -> DoccanoConnection:
    """Check both sides, and make the auto-labelling, or renew it; raises `SpanbridgeError`, which holds no password."""
    backend_url = read_address(wish.backend_url)
    with Caller("doccano", url) as tool:
        _sign_in(tool, username, password)
        project = _project(tool, wish.project)
        there = [each["text"] for each in tool.call("GET", f"{_path(wish)}/span-types")]
        mapping, missing = map_labels(wish, there)
        labels = [*mapping, *missing] if wish.create_labels else list(mapping)
        if not labels:
            raise ConfigurationError(
                f"the project's labels ({', '.join(there) or 'none yet'}) have none of {', '.join(wish.labels)}; "
                "--create-labels makes them, --name PER=Person says what one is called there"
            )
        attributes = _attributes(f"{backend_url}{PATH}", wish, labels)
        warnings = _check_backend(backend_url, wish, attributes)
        _check_from_there(tool, wish, attributes)
        created = _create(tool, wish, missing) if wish.create_labels else {}
        config, renewed = _register(tool, wish, attributes, mapping | created)
        return DoccanoConnection(
            config_id=config["id"],
            project_name=project.get("name") or str(wish.project),
            mapping=mapping | created,
            created=tuple(created.values()),
            missing=() if wish.create_labels else tuple(missing),
            warnings=tuple(warnings),
            project_url=f"{tool.url}/projects/{wish.project}",
            renewed=renewed,
        )


def map_labels(wish: DoccanoWish, there: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the project's label for each that is wanted, by name, else ignoring case; and those that it lacks.

    >>> map_labels(DoccanoWish(1, "", "sw", names={"LOC": "Place"}), ["per", "Place"])
    ({'PER': 'per', 'LOC': 'Place'}, ['ORG'])
    """
    found: dict[str, str] = {}
    for label in wish.labels:
        name = wish.names.get(label, label)
        same = [each for each in there if each == name] or [
            each for each in there if each.casefold() == name.casefold()
        ]
        if same:
            found[label] = same[0]
    return found, [label for label in wish.labels if label not in found]


def _sign_in(tool: Caller, username: str, password: str) -> None:
    try:
        answer = tool.call("POST", "/v1/auth/login/", {"username": username, "password": password})
    except Refused as fault:
        if fault.code == 404:
            raise ConfigurationError(f"{tool.url} answers, but it is no doccano") from fault
        raise ConfigurationError(f"doccano doesn't let {username!r} in: {fault.told}") from fault
    if not isinstance(answer, dict) or "key" not in answer:
        raise ConfigurationError(f"{tool.url} answers, but it is no doccano")
    tool.authorize(f"Token {answer['key']}")


def _project(tool: Caller, number: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = tool.call("GET", f"/v1/projects/{number}")
    except Refused as fault:
        if fault.code not in (403, 404):
            raise
        listed = tool.call("GET", "/v1/projects?limit=20")["results"]
        told = ", ".join(f"{each['id']} ({each['name']})" for each in listed)
        raise ConfigurationError(f"there is no doccano project {number} for you; there are {told or 'none'}") from fault
    kind = found.get("project_type")
    if kind != "SequenceLabeling":
        raise ConfigurationError(f"project {number} is of the type {kind}; spans need one of type SequenceLabeling")
    return found


def _attributes(address: str, wish: DoccanoWish, labels: Sequence[str]) -> dict[str, Any]:
    """Return the request that doccano is to make; it fills the text in where a value is exactly the place for it."""
    body: dict[str, Any] = {"text": _PLACE, "lang": wish.lang, "labels": list(labels)}
    body |= {"method": wish.method} if wish.method else {}
    body |= {"options": dict(wish.options)} if wish.options else {}
    headers = {} if wish.api_key is None else {"Authorization": basic(wish.api_key)}
    return {"url": address, "method": "POST", "params": {}, "headers": headers, "body": body}


def _check_backend(backend_url: str, wish: DoccanoWish, attributes: Mapping[str, Any]) -> list[str]:
    try:
        ask(backend_url, wish.api_key, PATH, attributes["body"] | {"text": _SAMPLE})
    except Unreachable as fault:
        return [f"not checked from here: {fault.detail}"]
    return []


def _check_from_there(tool: Caller, wish: DoccanoWish, attributes: Mapping[str, Any]) -> None:
    """Have doccano itself make the request, once; raises where it can't, or gets something else than entities."""
    body = {"model_name": MODEL, "model_attrs": attributes, "text": _SAMPLE}
    try:
        answer = tool.call("POST", f"{_path(wish)}/auto-labeling/request-testing", body)
    except Refused as fault:
        raise ConfigurationError(
            f"doccano can't reach {attributes['url']}: {fault.told}; it is doccano's server that must reach it: in a "
            "container 127.0.0.1 is the container itself; give --backend-url as it is seen from there"
        ) from fault
    if not isinstance(answer, dict) or not isinstance(answer.get("entities"), list):
        told = answer.get("detail") if isinstance(answer, dict) else None
        raise ConfigurationError(f"doccano gets no entities from {attributes['url']}: {told or 'it is no Spanbridge'}")


def _create(tool: Caller, wish: DoccanoWish, missing: Sequence[str]) -> dict[str, str]:
    made: dict[str, str] = {}
    for place, label in enumerate(missing):
        name = wish.names.get(label, label)
        colour = _COLOURS[place % len(_COLOURS)]
        body = {"text": name, "prefix_key": None, "suffix_key": None, "background_color": colour}
        tool.call("POST", f"{_path(wish)}/span-types", body | {"text_color": "#ffffff"})
        made[label] = name
    return made


def _register(
    tool: Caller, wish: DoccanoWish, attributes: Mapping[str, Any], mapping: Mapping[str, str]
) -> tuple[dict[str, Any], bool]:
    body = {
        "model_name": MODEL,
        "model_attrs": attributes,
        "template": TEMPLATE,
        "label_mapping": dict(mapping),
        "task_type": "Span",
        "default": False,
    }
    configs = f"{_path(wish)}/auto-labeling/configs"
    there = tool.call("GET", configs)
    known = next((each for each in there if each["model_attrs"].get("url") == attributes["url"]), None)
    # doccano runs all that a project has: a second one would label everything twice.
    way = ("POST", configs) if known is None else ("PUT", f"{configs}/{known['id']}")
    return tool.call(*way, body), known is not None


def _path(wish: DoccanoWish) -> str:
    return f"/v1/projects/{wish.project}"
