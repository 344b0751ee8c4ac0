"""From code-point spans to token spans and back."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from spanbridge_shared.text.spans import Span


def char_span(token_span: Span, offsets: Sequence[Span]) -> Span:
    """Return the code-point span that a token span covers.

    >>> char_span(Span(0, 2), [Span(0, 4), Span(5, 10), Span(11, 12)])
    Span(start=0, end=10)
    """
    return Span(offsets[token_span.start].start, offsets[token_span.end - 1].end)


def token_span(chars: Span, offsets: Sequence[Span]) -> Span | None:
    """Return the span of all tokens that share a code point with `chars`, or None where there is none.

    `offsets` (n_tokens,) are in order and don't overlap.

    >>> token_span(Span(6, 10), [Span(0, 4), Span(5, 10), Span(11, 12)])
    Span(start=1, end=2)
    """
    first = bisect_right(offsets, chars.start, key=lambda each: each.end)
    last = bisect_left(offsets, chars.end, key=lambda each: each.start)
    return Span(first, last) if first < last else None
