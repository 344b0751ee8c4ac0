"""What a language model's chat answer says: the mentions it names, or why it can't be used."""

import json
import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from spanbridge_ner_teacher.core.labels import plain_labels
from spanbridge_shared.errors import UnusableAnswer

_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_FENCED = re.compile(r"```[a-zA-Z0-9]*\s*\n?(.*?)```", re.DOTALL)
_MOST_TRIES = 100
_QUOTED = 60


class Mention(NamedTuple):
    """A name as the model wrote it, and one of the labels asked for; not yet compared with the sentence."""

    text: str
    label: str


class Reading(NamedTuple):
    """The mentions of one answer in its order, and how many of its entries are none: no text, or no known label."""

    mentions: list[Mention]
    malformed: int


def read_completion(body: Any, labels: Collection[str]) -> Reading:
    """Return the mentions of a `chat/completions` answer, given as parsed JSON.

    Raises `UnusableAnswer` where it was cut off, refused, is empty, or holds no JSON of the shape that was asked for.

    >>> message = {"content": '{"entities": [{"text": "Samia", "label": "PER"}]}'}
    >>> read_completion({"choices": [{"message": message, "finish_reason": "stop"}]}, ["PER"]).mentions
    [Mention(text='Samia', label='PER')]
    """
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        raise UnusableAnswer("the language model's server answered without a message in choices[0]")
    if first.get("finish_reason") == "length":
        raise UnusableAnswer("the language model's answer was cut off; raise SPANBRIDGE_NER_TEACHER_LLM_MAX_TOKENS")
    if first.get("finish_reason") == "content_filter" or message.get("refusal"):
        raise UnusableAnswer("the language model refused to label the sentence")
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        raise UnusableAnswer("the language model's answer is empty")
    return read_content(content, labels)


def read_content(content: str, labels: Collection[str]) -> Reading:
    """Return the mentions of a message; the JSON may stand alone, in a code fence, or after other words.

    Raises `UnusableAnswer` where there is none. A label is taken in any case and under its usual other names (PERSON).
    """
    for found in _json_values(_THOUGHT.sub("", content).strip()):
        entries = found.get("entities") if isinstance(found, dict) else found
        # An empty or plain list is an answer only where the whole message is JSON: prose holds "[1]" and "[]" too.
        if isinstance(entries, list):
            mentions = [mention for entry in entries if (mention := _mention(entry, labels)) is not None]
            return Reading(mentions, len(entries) - len(mentions))
    start = content.strip()[:_QUOTED]
    raise UnusableAnswer(f"the language model's answer holds no JSON with entities (it begins {start!r})")


def _json_values(content: str) -> Iterator[Any]:
    """Yield what JSON there is, the likeliest first: all of it, what fences hold, objects within prose, last first."""
    for text in (content, *(match[1] for match in _FENCED.finditer(content))):
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            continue
    decoder = json.JSONDecoder()
    starts = [match.start() for match in re.finditer(r'\{\s*"entities"', content)]
    for start in reversed(starts[-_MOST_TRIES:]):
        try:
            yield decoder.raw_decode(content, start)[0]
        except (ValueError, RecursionError):
            continue


def _mention(entry: Any, labels: Collection[str]) -> Mention | None:
    if not isinstance(entry, dict):
        return None
    text, own = entry.get("text"), entry.get("label")
    if not isinstance(text, str) or not isinstance(own, str) or not text.strip():
        return None
    spellings = {label.upper(): label for label in labels}
    upper = own.strip().upper()
    label = spellings.get(upper) or spellings.get(plain_labels([upper])[upper] or "")
    return None if label is None else Mention(text.strip(), label)
