"""What a tool asks for beside its texts: language, method and labels, from the address that its user typed in."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Query

from spanbridge_gateway.pipeline import Pipeline
from spanbridge_shared.clients.transport import raised
from spanbridge_shared.contracts.gateway import (
    DEFAULT_METHOD,
    MAX_SENTENCES,
    ProjectSentencesRequest,
    ProjectSentencesResponse,
    Sentence,
    SentenceResult,
)
from spanbridge_shared.errors import EmptyText, InvalidRequest, PayloadTooLarge, SpanbridgeError
from spanbridge_shared.text.spans import Span

_PIECE = 10_000
_MAX_LABEL = 40
_MAX_LABELS = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """`lang` is a code or `auto`; without `labels` the usual ones are meant."""

    lang: str = "auto"
    method: str = DEFAULT_METHOD
    labels: tuple[str, ...] = ()

    def changed(self, **given: str | None) -> "Wanted":
        """Return it with those of `lang`, `method` and `labels` (a list by commas) that are given."""
        found: dict[str, Any] = {key: value for key, value in given.items() if value}
        if "labels" in found:
            found["labels"] = tuple(each.strip() for each in found["labels"].split(",") if each.strip())
        return replace(self, **found)


def read_query(
    lang: Annotated[str, Query(max_length=40, description='Code of the language, or "auto".')] = "auto",
    method: Annotated[str, Query(max_length=40, description="One of `GET /v1/methods`.")] = DEFAULT_METHOD,
    labels: Annotated[str, Query(max_length=2_000, description="Labels wanted, as `PER,LOC`.")] = "",
) -> Wanted:
    """Return what a query string asks for."""
    return Wanted().changed(lang=lang, method=method, labels=labels)


ByQuery = Annotated[Wanted, Depends(read_query)]


async def label_texts(
    pipeline: Pipeline, texts: Iterable[str], wanted: Wanted, has_left: Callable[[], Awaitable[bool]]
) -> ProjectSentencesResponse:
    """Label texts; raises as `Pipeline.project` does, and `PayloadTooLarge` where there are too many."""
    sentences = [Sentence(text=text) for text in texts]
    if len(sentences) > MAX_SENTENCES:
        raise PayloadTooLarge(f"{len(sentences):,} sentences; send at most {MAX_SENTENCES:,} at once")
    if len(wanted.labels) > _MAX_LABELS or any(len(each) > _MAX_LABEL for each in wanted.labels):
        raise InvalidRequest(f"labels: at most {_MAX_LABELS} of at most {_MAX_LABEL} characters")
    fields: dict[str, Any] = {"labels": list(wanted.labels)} if wanted.labels else {}
    request = ProjectSentencesRequest(sentences=sentences, lang=wanted.lang, method=wanted.method, **fields)
    return await pipeline.project(request, has_left)


def fault_of(result: SentenceResult) -> SpanbridgeError | None:
    """Return why a text couldn't be labelled; one without words has no entities, which a tool need not be told."""
    if result.error is None or result.error.error == EmptyText.__name__:
        return None
    return raised(result.error)


def pieces(text: str, limit: int = _PIECE) -> Sequence[Span]:
    """Cut a document into spans of at most `limit` code points, after a line's end, else after white space.

    >>> pieces("ab cd\\nef", 6), pieces("abcdef", 4)
    ([Span(start=0, end=6), Span(start=6, end=8)], [Span(start=0, end=4), Span(start=4, end=6)])
    """
    found: list[Span] = []
    start = 0
    while len(text) - start > limit:
        window = text[start : start + limit]
        gap = max(window.rfind("\n"), -1)
        if gap < 0:
            gap = max(window.rfind(" "), window.rfind("\t"))
        end = start + (gap + 1 or limit)
        found.append(Span(start, end))
        start = end
    if start < len(text):
        found.append(Span(start, len(text)))
    return found
