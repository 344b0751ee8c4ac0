"""What a source entity holds beside the name: articles, titles of persons, punctuation, the possessive ending.

Teachers of OntoNotes make them part of an entity, CoNLL and MasakhaNER don't, and most languages have no word for them
that a link could reach. The source side is English.
"""

from collections.abc import Sequence

from spanbridge_shared.text.spans import Span

_ARTICLES = frozenset({"a", "an", "the"})
_WITH_ARTICLE = frozenset({"hague"})
_POSSESSIVES = frozenset({"'s", "’s"})
_TITLES = frozenset(
    "alhaji chief doctor dr gen general governor hon honourable imam lady lord malam minister miss mr mrs ms pastor "
    "president prof professor rev reverend senator sheik sheikh sir".split()
)
_PERSON = "PER"


def trimmed(span: Span, label: str, tokens: Sequence[str]) -> Span:
    """Return the span without what isn't part of the name at its ends; at least one word stays.

    >>> trimmed(Span(0, 4), "ORG", ["the", "African", "Union", "'s"])
    Span(start=1, end=3)
    >>> trimmed(Span(0, 2), "PER", ["Dr.", "Ngamije"]), trimmed(Span(0, 2), "LOC", ["The", "Hague"])
    (Span(start=1, end=2), Span(start=0, end=2))
    """
    start, end = span
    while end - start > 1 and (is_punctuation(tokens[end - 1]) or tokens[end - 1].lower() in _POSSESSIVES):
        end -= 1
    while end - start > 1 and _is_before_name(tokens[start], tokens[start + 1], label):
        start += 1
    return Span(start, end)


def is_punctuation(token: str) -> bool:
    """Say whether a token holds no letter and no digit.

    >>> is_punctuation("--"), is_punctuation("3"), is_punctuation("नै")
    (True, False, False)
    """
    return not any(character.isalnum() for character in token)


def _is_before_name(token: str, following: str, label: str) -> bool:
    word = token.lower()
    if word in _ARTICLES:
        return following.lower() not in _WITH_ARTICLE
    return is_punctuation(token) or (label == _PERSON and word.rstrip(".") in _TITLES)
