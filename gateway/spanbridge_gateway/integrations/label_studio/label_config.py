"""Label Studio's labelling configuration, pure: which texts of a task are labelled, and by which labels."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from xml.etree import ElementTree

from spanbridge_shared.errors import InvalidRequest

_KEY = re.compile(r"\$(\S{1,200})")
_MAX_CONTROLS = 100
_STEP = re.compile(r"[^.\[\]]+")
UNDEFINED = "$undefined$"
"""The key of tasks imported from plain lines, which Label Studio takes for whatever key the configuration names."""


@dataclass(frozen=True, slots=True)
class TextField:
    """A `<Labels>` and the `<Text>` that it is for.

    `key` is where a task's data has the text; `labels` leads from our labels to the configuration's.
    """

    from_name: str
    to_name: str
    key: str
    labels: Mapping[str, str]


def read_label_config(xml: str, known: Iterable[str]) -> list[TextField]:
    """Return what can be labelled by the `known` labels; raises `InvalidRequest`, which says what to change.

    >>> xml = '<View><Labels name="l" toName="t"><Label value="Person" predicted_values="PER"/></Labels>'
    >>> read_label_config(xml + '<Text name="t" value="$text"/></View>', ["LOC", "PER"])
    [TextField(from_name='l', to_name='t', key='text', labels={'PER': 'Person'})]
    """
    known = sorted(known)
    named, texts = _controls(_parse(xml))
    labels = [_labels(control) for control, names in named if names]
    mapped = [map_labels(each, known) for each in labels]
    if not any(mapped):
        told = ", ".join(value for each in labels for value, _ in each)
        raise InvalidRequest(
            f"none of the configuration's labels ({told[:200] or 'there is none'}) is one of {', '.join(known)}; name "
            'one so, or write which one it is: <Label value="Person" predicted_values="PER"/>'
        )
    return [
        TextField(control.get("name") or "", name, _key(texts[name]), mapping)
        for (control, names), mapping in zip([each for each in named if each[1]], mapped, strict=True)
        if mapping
        for name in names
    ]


Named = list[tuple[ElementTree.Element, list[str]]]
"""Each `<Labels>`, with the names of the `<Text>`s that it is for."""


def _controls(root: ElementTree.Element) -> tuple[Named, dict[str | None, ElementTree.Element]]:
    """Return the labels and the texts of a configuration, by name; raises `InvalidRequest` where none are together."""
    controls = list(islice(root.iter("Labels"), _MAX_CONTROLS + 1))
    if not controls:
        raise InvalidRequest('the labelling configuration has no <Labels name="…" toName="…">; add one for a <Text>')
    texts = {each.get("name"): each for each in root.iter("Text")}
    if max(len(controls), len(texts)) > _MAX_CONTROLS:
        raise InvalidRequest(f"the labelling configuration has more than {_MAX_CONTROLS} <Labels> or <Text>")
    named = [(each, [name for name in _names(each.get("toName")) if name in texts]) for each in controls]
    if not any(names for _, names in named):
        raise InvalidRequest(
            "no <Labels> of the labelling configuration is for a <Text>; only plain texts are labelled"
        )
    return named, texts


def map_labels(labels: list[tuple[str, list[str]]], known: Iterable[str]) -> dict[str, str]:
    """Return the tool's label for each known one that it has: by `predicted_values`, else its name, else ignoring case.

    >>> map_labels([("Person", ["PER", "person"]), ("Loc", [])], ["LOC", "ORG", "PER"])
    {'LOC': 'Loc', 'PER': 'Person'}
    """
    found: dict[str, str] = {}
    for label in known:
        ways = (
            (value for value, predicted in labels if label in predicted),
            (value for value, _ in labels if value == label),
            (value for value, predicted in labels if label.casefold() in map(str.casefold, [*predicted, value])),
        )
        match = next((value for way in ways for value in way), None)
        if match is not None:
            found[label] = match
    return found


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """What annotators can label: `keys` leads from the name of a `<Text>` to where a task's data has it.

    `names` leads from the configuration's labels to ours, where one stands for one alone.
    """

    keys: Mapping[str, str]
    names: Mapping[str, str]


def read_labelled_texts(xml: str, known: Iterable[str]) -> LabelledTexts:
    """Return what annotators can label, by whatever labels; raises `InvalidRequest` where that is no text.

    >>> xml = '<View><Labels name="l" toName="t"><Label value="Person" predicted_values="PER"/><Label value="Myth"/>'
    >>> read_labelled_texts(xml + '</Labels><Text name="t" value="$text"/></View>', ["LOC", "PER"])
    LabelledTexts(keys={'t': 'text'}, names={'Person': 'PER'})
    """
    named, texts = _controls(_parse(xml))
    mapped = map_labels([each for control, names in named if names for each in _labels(control)], sorted(known))
    theirs = list(mapped.values())
    names = {value: ours for ours, value in mapped.items() if theirs.count(value) == 1}
    return LabelledTexts({name: _key(texts[name]) for _, there in named for name in there}, names)


def text_at(data: Mapping[str, Any], key: str) -> str:
    """Return the text that a task's data has at a key, such as `text` or `article.title`; raises `InvalidRequest`."""
    found: Any = data.get(key)
    if found is None:
        found = data
        for step in _STEP.findall(key):
            found = _step(found, step)
    if found is None:
        found = data.get(UNDEFINED)
    if found is None:
        keys = ", ".join(sorted(map(str, data)))[:200] or "no keys"
        raise InvalidRequest(
            f"the task's data has no {key[:60]!r}, which the labelling configuration names; it has {keys}"
        )
    if not isinstance(found, str):
        raise InvalidRequest(f"the task's data has a {type(found).__name__} at {key[:60]!r}, which must be a text")
    return found


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and len(step) < 9 and int(step) < len(value):
        return value[int(step)]
    return None


def _parse(xml: str) -> ElementTree.Element:
    # Nothing that a configuration needs, and all that XML can be abused by.
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise InvalidRequest("the labelling configuration may hold no DOCTYPE and no ENTITY")
    try:
        return ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError) as fault:
        raise InvalidRequest(f"the labelling configuration is not XML: {fault}") from fault


def _names(written: str | None) -> list[str]:
    return list(dict.fromkeys(each.strip() for each in (written or "").split(",") if each.strip()))


def _labels(control: ElementTree.Element) -> list[tuple[str, list[str]]]:
    return [(each.get("value") or "", _names(each.get("predicted_values"))) for each in control.iter("Label")]


def _key(text: ElementTree.Element) -> str:
    value = (text.get("value") or "").strip()
    if text.get("valueType", "text").lower() == "url":
        raise InvalidRequest(f'<Text name="{text.get("name")}"> reads its text from a URL; put the text into the task')
    match = _KEY.fullmatch(value)
    if match is None:
        raise InvalidRequest(f'<Text name="{text.get("name")}"> has the value "{value[:60]}", which must be a "$key"')
    return match[1]
