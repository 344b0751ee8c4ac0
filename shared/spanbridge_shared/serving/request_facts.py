"""What a request turned out to be about, gathered while it is served: for its log line, its metrics and its span."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from pydantic import BaseModel

from spanbridge_shared.serving.telemetry import METHOD_SENTENCES

_ITEMS = ("results", "translations", "alignments", "scores")
"""Fields of the answers that hold one item a sentence."""


@dataclass(slots=True)
class RequestFacts:
    """Numbers and names from fixed sets, never a user's text."""

    sentences: int = 0
    failed: int = 0
    lang: str | None = None
    methods: list[str] = field(default_factory=list)

    def fields(self) -> dict[str, int | str]:
        """Return what there is to tell, by the names that logs and spans have for it."""
        told: dict[str, int | str] = {"sentences": self.sentences, "failed": self.failed}
        if self.lang is not None:
            told["lang"] = self.lang
        if self.methods:
            told["method"] = ",".join(self.methods)
        return told


FACTS: ContextVar[RequestFacts | None] = ContextVar("request_facts", default=None)


def count_items(answer: BaseModel) -> tuple[int, int]:
    """Return how many sentences an answer holds, and how many of them failed."""
    items: list[BaseModel] = next((getattr(answer, name) for name in _ITEMS if name in type(answer).model_fields), [])
    return len(items), sum(getattr(item, "error", None) is not None for item in items)


def note_answer(answer: BaseModel) -> None:
    """Take down the sentences of the request's answer, if it is one that holds sentences."""
    facts, (sentences, failed) = FACTS.get(), count_items(answer)
    if facts is not None and sentences:
        facts.sentences, facts.failed = sentences, failed


def note_method(method: str, lang: str) -> None:
    """Take down a method, by its own name and not as a client wrote it, and the language that it is used on."""
    facts = FACTS.get()
    if facts is not None:
        facts.lang = lang
        if method not in facts.methods:  # Annotation tools' requests are labelled in many parts.
            facts.methods.append(method)


def count_method(method: str, answer: BaseModel) -> None:
    """Count the sentences that a method has answered; `note_answer` has the last word on the request's own."""
    sentences, failed = count_items(answer)
    facts = FACTS.get()
    if facts is not None:
        facts.sentences += sentences
        facts.failed += failed
    METHOD_SENTENCES.labels(method, "ok").inc(sentences - failed)
    METHOD_SENTENCES.labels(method, "failed").inc(failed)
