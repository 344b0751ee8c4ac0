"""Translating English with its entities marked, and finding them again: for back-translation and for EasyProject."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from spanbridge_gateway.core.markers import Reading, insert_markers, read_markers, without_own_markers
from spanbridge_gateway.core.matching import match_entities
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.clients.transport import raised
from spanbridge_shared.contracts.options import MarkerStyle
from spanbridge_shared.contracts.translation import TranslateRequest, Translation
from spanbridge_shared.errors import SpanbridgeError
from spanbridge_shared.text.languages import ENGLISH
from spanbridge_shared.text.spans import Span


@dataclass(frozen=True, slots=True)
class Marking:
    """How entities are marked and found again; see `match_entities` for `by_order`.

    With `as_written` an entity is also looked for as the English has it: a small model copies many names in a sentence
    that it mistranslates alone.
    """

    beam: int
    style: MarkerStyle
    by_order: bool = False
    as_written: bool = False


@dataclass(frozen=True, slots=True)
class EnglishText:
    """An English text and its entities, code-point spans in order, none overlapping."""

    text: str
    entities: list[Span]

    def names(self) -> list[str]:
        """Return the entities' texts."""
        return [self.text[span.start : span.end] for span in self.entities]


@dataclass(frozen=True, slots=True)
class Found:
    """An entity in the translation: its code-point span, and its similarity with its own translation."""

    span: Span
    similarity: float


@dataclass(frozen=True, slots=True)
class MarkedTranslation:
    """A translation without markers; `found` holds a place, or None, for each entity of the English text."""

    text: str
    found: list[Found | None]
    best: Translation


async def translate_english(upstreams: Upstreams, texts: Sequence[str], lang: str, beam: int) -> list[Translation]:
    """Translate English texts in as few calls as they take; raises as the translation service does."""
    found: list[Translation] = []
    for start in range(0, len(texts), upstreams.call_limit):
        part = list(texts[start : start + upstreams.call_limit])
        request = TranslateRequest(texts=part, source_lang=ENGLISH, target_lang=lang, beam=beam)
        found += (await upstreams.translation.translate(request)).translations
    return found


async def translate_marked(
    upstreams: Upstreams, sources: Sequence[EnglishText], lang: str, marking: Marking
) -> list[MarkedTranslation | SpanbridgeError]:
    """Translate each text with its entities marked, and each entity alone; a text's own fault stands in its place."""
    marked = [insert_markers(source.text, source.entities, marking.style) for source in sources]
    names = sorted({name for source in sources for name in source.names()})
    translations = await translate_english(upstreams, [*marked, *names], lang, marking.beam)
    forms = {name: _forms(name, each, marking) for name, each in zip(names, translations[len(marked) :], strict=True)}

    def read() -> list[MarkedTranslation | SpanbridgeError]:
        return [
            raised(each.error) if each.error is not None else _read(source, each, forms, marking)
            for source, each in zip(sources, translations, strict=False)
        ]

    # In a thread: comparing many long names takes a while, and other requests must not wait for that.
    return await asyncio.to_thread(read)


def _forms(name: str, alone: Translation, marking: Marking) -> list[str]:
    """Return the forms in which an entity may stand in the translation."""
    translated = [each.text for each in alone.hypotheses[:1]]
    return [without_own_markers(each, marking.style) for each in [name] * marking.as_written + translated]


def _read(
    source: EnglishText, translation: Translation, forms: dict[str, list[str]], marking: Marking
) -> MarkedTranslation:
    reading = read_markers(translation.hypotheses[0].text, marking.style)
    matches = match_entities(
        [reading.text[span.start : span.end] for span in reading.spans],
        [forms[name] for name in source.names()],
        intact=_intact(reading),
        by_order=marking.by_order,
    )
    found = [None if each is None else Found(reading.spans[each.span], each.similarity) for each in matches]
    return MarkedTranslation(reading.text, found, translation)


def _intact(reading: Reading) -> bool:
    return not reading.unpaired and not reading.empty
