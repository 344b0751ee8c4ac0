"""Where gold entities go: to the right label, another one, a wrong boundary, or nowhere."""

from collections.abc import Sequence

from spanbridge_evaluation.metrics.entities import LabelledSentence
from spanbridge_shared.text.bio import LabelledSpan

BOUNDARY = "wrong boundary"
NOTHING = "none"

Confusion = dict[str, dict[str, int]]


def confusion_table(sentences: Sequence[LabelledSentence], labels: Sequence[str]) -> Confusion:
    """Count gold entities by label (rows) and by what was predicted for them (columns).

    A column is a label where the very span was predicted, `wrong boundary` where something overlaps it, else `none`.
    The row `none` counts predictions that overlap no gold entity, by their label.

    >>> from spanbridge_shared.text.spans import Span
    >>> gold = (LabelledSpan(Span(0, 2), "PER"), LabelledSpan(Span(3, 4), "LOC"))
    >>> found = (LabelledSpan(Span(0, 1), "PER"), LabelledSpan(Span(3, 4), "ORG"), LabelledSpan(Span(5, 6), "PER"))
    >>> table = confusion_table([LabelledSentence(6, gold, found)], ["PER", "LOC", "ORG"])
    >>> table["PER"]["wrong boundary"], table["LOC"]["ORG"], table["none"]["PER"]
    (1, 1, 1)
    """
    table: Confusion = {row: dict.fromkeys([*labels, BOUNDARY, NOTHING], 0) for row in labels}
    table[NOTHING] = dict.fromkeys(labels, 0)
    for sentence in sentences:
        for entity in sentence.gold:
            table[entity.label][_fate(entity, sentence.predicted)] += 1
        for entity in sentence.predicted:
            if not any(entity.span.overlaps(each.span) for each in sentence.gold):
                table[NOTHING][entity.label] += 1
    return table


def _fate(entity: LabelledSpan, predicted: Sequence[LabelledSpan]) -> str:
    overlapping = [each for each in predicted if each.span.overlaps(entity.span)]
    same = next((each.label for each in overlapping if each.span == entity.span), None)
    return same or (BOUNDARY if overlapping else NOTHING)
