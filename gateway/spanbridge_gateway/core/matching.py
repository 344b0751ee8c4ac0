"""Which marked span of a translation is which entity: the one most like the entity's own, separate translation.

METHODS.md "Back-translation": difflib's ratio must be above 0.5, and the best match counts, not the first.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from spanbridge_gateway.core.assignment import best_assignment

MIN_SIMILARITY = 0.5
_ORDER_BONUS = 1e-9
"""Of equal matches those in order win; too small to change any other choice."""


@dataclass(frozen=True, slots=True)
class Match:
    """The marked span that stands for an entity, by its place among the spans; 0 for what the order alone told."""

    span: int
    similarity: float


def similarity(marked: str, wanted: str) -> float:
    """Return difflib's ratio of two names, case and composition of accents aside; 0 where it is 0.5 or less.

    >>> similarity("NAIROBI", "Nairobi"), similarity("Nairobini", "Nairobi"), similarity("Samia", "Nairobi")
    (1.0, 0.875, 0.0)
    """
    matcher = SequenceMatcher(None, _folded(marked), _folded(wanted), autojunk=False)
    # The two bounds are cheap, and enough for most pairs of names.
    for ratio in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio):
        if (found := ratio()) <= MIN_SIMILARITY:
            return 0.0
    return found


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.casefold())


def match_entities(
    marked: Sequence[str], entities: Sequence[Sequence[str]], *, intact: bool, by_order: bool
) -> list[Match | None]:
    """Return each entity's match, or None, one-to-one, with the greatest sum of similarities.

    `marked` are the texts between markers; `entities` hold the forms in which each may stand there. With `by_order`
    what is left is matched in order where that is unambiguous: all markers are `intact`, there are as many marked spans
    as entities, and what is matched already keeps the order.

    >>> match_entities(["Umoja wa Mataifa", "Ruto"], [["Ruto"], ["Umoja wa Mataifa"]], intact=True, by_order=False)
    [Match(span=1, similarity=1.0), Match(span=0, similarity=1.0)]
    >>> match_entities(["Samia", "Deutschland"], [["Samia"], ["Germany"]], intact=True, by_order=True)
    [Match(span=0, similarity=1.0), Match(span=1, similarity=0.0)]
    """
    found: list[Match | None] = [None] * len(entities)
    table = [[max((similarity(span, form) for form in forms), default=0.0) for span in marked] for forms in entities]
    for entity, span in best_assignment([_weights(row, place) for place, row in enumerate(table)]):
        found[entity] = Match(span, table[entity][span])
    if by_order and intact and len(marked) == len(entities) and _keeps_order(found):
        return [each or Match(place, 0.0) for place, each in enumerate(found)]
    return found


def _weights(row: Sequence[float], entity: int) -> list[float]:
    return [each - _ORDER_BONUS * abs(span - entity) if each else 0.0 for span, each in enumerate(row)]


def _keeps_order(found: Sequence[Match | None]) -> bool:
    return all(each is None or each.span == place for place, each in enumerate(found))
