"""Two teachers' entities of one sentence as one answer."""

from collections.abc import Collection, Sequence

from spanbridge_ner_teacher.core.sentences import Entity


def joined(first: Sequence[Entity], second: Sequence[Entity], more: Collection[str]) -> list[Entity]:
    """Return `first` and those of `second` that have a label of `more` and overlap none of `first`, in order.

    >>> from spanbridge_shared.text.spans import Span
    >>> person, date = Entity(Span(0, 2), "PER", 0.9), Entity(Span(4, 5), "DATE", 0.8)
    >>> [each.label for each in joined([person], [date, Entity(Span(1, 3), "DATE", 0.7)], {"DATE"})]
    ['PER', 'DATE']
    """
    added = [
        each
        for each in second
        if each.label in more
        and all(each.span.end <= other.span.start or other.span.end <= each.span.start for other in first)
    ]
    return sorted([*first, *added], key=lambda each: each.span)
