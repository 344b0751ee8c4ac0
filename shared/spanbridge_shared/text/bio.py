"""IOB2 tags and token spans: two spellings of the same labelling."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from spanbridge_shared.text.spans import Span


class LabelledSpan(NamedTuple):
    """A span of tokens and its label."""

    span: Span
    label: str


def tags_of(spans: Iterable[LabelledSpan], n_tokens: int) -> list[str]:
    """Return one IOB2 tag per token.

    >>> tags_of([LabelledSpan(Span(1, 3), "PER")], 4)
    ['O', 'B-PER', 'I-PER', 'O']

    Raises `ValueError` where spans overlap or leave the sentence, because IOB2 can't say that.
    """
    tags = ["O"] * n_tokens
    for (start, end), label in spans:
        if not 0 <= start < end <= n_tokens:
            raise ValueError(f"span [{start}, {end}) is outside the {n_tokens} tokens")
        if any(tag != "O" for tag in tags[start:end]):
            raise ValueError(f"span [{start}, {end}) overlaps another one")
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return tags


def spans_of(tags: Sequence[str]) -> list[LabelledSpan]:
    """Return the spans of IOB2 tags; an `I-` without its `B-` starts a span, as conlleval reads it.

    >>> spans_of(["B-PER", "I-PER", "O", "I-LOC"])
    [LabelledSpan(span=Span(start=0, end=2), label='PER'), LabelledSpan(span=Span(start=3, end=4), label='LOC')]

    Raises `ValueError` for anything but `O`, `B-X` and `I-X`.
    """
    found: list[LabelledSpan] = []
    for position, tag in enumerate(tags):
        prefix, _, label = tag.partition("-")
        if tag == "O":
            continue
        if prefix not in ("B", "I") or not label:
            raise ValueError(f"tag {tag!r} at position {position} is not O, B-LABEL or I-LABEL")
        last = found[-1] if found else None
        if prefix == "I" and last is not None and last.label == label and last.span.end == position:
            found[-1] = LabelledSpan(Span(last.span.start, position + 1), label)
        else:
            found.append(LabelledSpan(Span(position, position + 1), label))
    return found
