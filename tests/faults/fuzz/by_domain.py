"""Requests by hypothesis that know the domain: sound bodies, with a few things in them as nobody should send them."""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.faults.fuzz import nasty
from tests.faults.fuzz.apps import KEY
from tests.faults.fuzz.asking import Asked
from tests.faults.fuzz.judging import Target
from tests.support.cas import make_cas, request_of, type_system

Path = tuple[Any, ...]

_WORDS = ["Rais", "Samia", "alitembelea", "Nairobi", "jana", "."]
_CONFIG = (
    '<View><Labels name="label" toName="text"><Label value="PER"/></Labels><Text name="text" value="$text"/></View>'
)
_PROJECTED = {
    "source_entities": [{"start": 0, "end": 1, "label": "PER", "score": 0.9}],
    "links": [[0, 1, 0.9], [1, 3, 0.5]],
    "target_tokens": _WORDS,
    "source_tokens": ["Samia", "left", "."],
}
_ENGLISH = {"text": "Samia visited Nairobi.", "entities": [{"start": 14, "end": 21, "label": "LOC"}]}
_PROPOSAL = {"start": 0, "end": 1, "label": "PER", "scores": {"a": 0.7, "b": 0.4}}
_MEMBERS = {name: {"weight": 1.0, "present": 0.1, "absent": -0.4} for name in "ab"}


@cache
def _inception() -> str:
    types = type_system()
    return json.dumps(request_of(make_cas(types, ["Samia yuko Nairobi."]), types))


def _bodies() -> dict[str, Any]:
    """Return a sound body for each path."""
    sentences = {"sentences": [{"text": " ".join(_WORDS)}, {"tokens": _WORDS}], "lang": "swh_Latn"}
    inception = json.loads(_inception())
    return {
        "/v1/project": {**sentences, "method": "candidates", "options": {}, "include": ["tokens", "scores"]},
        "/v1/compare": {**sentences, "methods": ["heuristic", "student"]},
        "/v1/translate-train": {"sentences": [_ENGLISH], "lang": "swh_Latn", "options": {"beam": 1}},
        "/v1/translate": {"texts": [" ".join(_WORDS)], "source_lang": "swh_Latn", "target_lang": "eng_Latn", "beam": 2},
        "/v1/score": {"sources": ["Samia"], "targets": ["a Samia"], "source_lang": "swh_Latn", "target_lang": "en"},
        "/v1/align": {"pairs": [{"source_tokens": ["Samia"], "target_tokens": _WORDS}], "method": "itermax"},
        "/v1/ner": {**sentences, "labels": ["PER"]},
        "/v1/probabilities": sentences,
        "/v1/candidates": {"sentences": [_PROJECTED], "options": {}},
        "/v1/merge": {"sentences": [{"proposals": [_PROPOSAL]}], "parameters": {"bias": -1.0, "members": _MEMBERS}},
        "/integrations/label-studio/setup": {"project": "1", "schema": _CONFIG, "extra_params": {"lang": "swh_Latn"}},
        "/integrations/label-studio/predict": {
            "tasks": [{"id": 1, "data": {"text": " ".join(_WORDS)}}], "label_config": _CONFIG
        },
        "/integrations/label-studio/webhook": {"action": "START_TRAINING"},
        "/integrations/doccano": {"text": " ".join(_WORDS), "lang": "swh_Latn"},
        "/integrations/datasaur": {"id": 1, "documents": [{"id": 2, "sentences": [{"id": 0, "text": "Samia"}]}]},
        "/integrations/brat": "Samia yuko Nairobi.",
        "/integrations/inception/{lang}/predict": inception,
        "/integrations/inception/{lang}/{method}/predict": inception,
        "/integrations/inception/{lang}/{method}/{labels}/predict": inception,
        "/integrations/inception/{lang}/train": inception,
    }  # fmt: skip


_PROJECTION = {"sentences": [_PROJECTED], "method": "heuristic", "options": {}}
_OWN = {"lang": nasty.LANGUAGES, "source_lang": nasty.LANGUAGES, "target_lang": nasty.LANGUAGES} | {
    "method": nasty.METHODS,
    "options": nasty.OPTIONS,
}
_LISTS = {"sentences": nasty.SENTENCES}

_TEXT = st.one_of(
    st.sampled_from(nasty.TEXTS), st.text(st.characters(codec=None), max_size=12), st.sampled_from(_WORDS)
)  # fmt: skip
_VALUE = st.one_of(_TEXT, st.sampled_from(nasty.NUMBERS), st.sampled_from(nasty.OTHERS), st.integers())


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _places(each, (*path, key))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _places(each, (*path, place))


@st.composite
def requests(draw: st.DrawFn, targets: list[Target]) -> tuple[Target, Asked, str | None]:
    """A request to one of the apps, and its path's template."""
    target = draw(st.sampled_from(targets))
    template = draw(st.sampled_from([path for verb, path in target.operations if verb == "POST"]))
    path = template
    for name, values in (
        ("{lang}", nasty.LANGUAGES),
        ("{method}", nasty.METHODS),
        ("{labels}", ["PER", "PER,LOC", "X", ","]),
    ):
        if name in path:
            path = path.replace(name, draw(st.sampled_from(values)).replace("/", "") or "x")
    body = _body(draw, target, template)
    verb = draw(st.sampled_from(nasty.VERBS))
    if draw(st.integers(0, 19)) == 0:
        path, template = draw(st.sampled_from(nasty.PATHS)), None
    headers = [
        (
            b"content-type",
            draw(st.sampled_from(nasty.CONTENT_TYPES)) if draw(st.integers(0, 9)) == 0 else b"application/json",
        )
    ]
    if target.name.endswith("with keys") and draw(st.integers(0, 3)):
        headers.append((b"authorization", f"Bearer {KEY}".encode()))
    headers += draw(st.lists(st.sampled_from(nasty.HEADERS), max_size=2)) if draw(st.booleans()) else []
    query = draw(st.sampled_from(nasty.QUERIES)) if draw(st.integers(0, 3)) == 0 else b""
    leaves = draw(st.integers(0, 39)) == 0
    known = template if verb in ("POST", "GET") else None
    return target, Asked(verb, path, query, headers, _chunks(draw, body), leaves), known


def _body(draw: st.DrawFn, target: Target, template: str) -> bytes:
    if draw(st.integers(0, 11)) == 0:
        return draw(st.one_of(st.sampled_from(nasty.RAW_JSON), st.binary(max_size=40)))
    sound = _PROJECTION if (target.name, template) == ("projection", "/v1/project") else _bodies()[template]
    body = json.loads(json.dumps(sound))
    if isinstance(body, str):
        return draw(_TEXT).encode("utf-8", draw(st.sampled_from(["surrogatepass", "replace"])))
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 2, 3, 5]))):
        body = _changed(draw, body)
        if not isinstance(body, dict | list):
            break
    return _written(draw, body)


def _changed(draw: st.DrawFn, body: Any) -> Any:
    """Change one thing in a body."""
    path = draw(st.sampled_from(list(_places(body))))
    if not path:
        return body if draw(st.integers(0, 9)) else deepcopy(draw(_VALUE))
    *way, last = path
    inner = body
    for each in way:
        inner = inner[each]
    match draw(st.integers(0, 7)):
        case 0:
            del inner[last]
        case 1 if isinstance(inner, dict):
            inner[draw(_TEXT)] = deepcopy(draw(_VALUE))
        case 2 if isinstance(inner[last], list):
            inner[last] = inner[last] * draw(st.sampled_from([0, 2, 20]))
        case 3 if last in _LISTS:
            inner[last] = deepcopy(draw(st.lists(st.sampled_from(_LISTS[last]), max_size=3)))
        case 4 | 5 | 6 if last in _OWN:
            inner[last] = deepcopy(draw(st.sampled_from(_OWN[last])))
        case _:
            inner[last] = deepcopy(draw(_VALUE))
    return body


def _written(draw: st.DrawFn, body: Any) -> bytes:
    match draw(st.integers(0, 15)):
        case 0:
            return json.dumps(body, ensure_ascii=False).encode("utf-16", "surrogatepass")
        case 1:
            written = json.dumps(body).encode()
            return written[: draw(st.integers(0, len(written)))]
        case 2:
            written = bytearray(json.dumps(body).encode())
            written[draw(st.integers(0, len(written) - 1))] = draw(st.integers(0, 255))
            return bytes(written)
        case 3:
            written = json.dumps(body)
            return (written[:-1] + ', "lang": "sw", "lang": null}').encode()
        case 4 | 5 | 6:
            return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        case _:
            return json.dumps(body).encode()


def _chunks(draw: st.DrawFn, body: bytes) -> list[bytes]:
    if draw(st.integers(0, 9)):
        return [body]
    size = draw(st.sampled_from([1 + len(body) // 40, 1 + len(body) // 2]))
    return [body[start : start + size] for start in range(0, len(body), size)] + [b""]
