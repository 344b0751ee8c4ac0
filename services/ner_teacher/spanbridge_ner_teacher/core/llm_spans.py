"""From mentions to spans of the sentence, and from several samples to one answer with probabilities."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import regex

from spanbridge_ner_teacher.core.llm_answers import Mention
from spanbridge_ner_teacher.core.sentences import Entity, Sentence
from spanbridge_shared.text.bio import LabelledSpan
from spanbridge_shared.text.offsets import token_span
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import join_tokens

_GRAPHEME = regex.compile(r"\X")
_LEAST_OF_A_WORD = 0.5
_DECIMALS = 6


class Located(NamedTuple):
    """Spans in the unit the sentence was sent in, in order, none overlapping, and how many mentions have no place."""

    spans: list[LabelledSpan]
    dropped: int


def running_text(sentence: Sentence) -> str:
    """Return what the model is shown, and mentions are compared with: the text, or the tokens joined by spaces."""
    return join_tokens(sentence.tokens)[0] if sentence.tokens is not None else sentence.text or ""


def located(sentence: Sentence, mentions: Sequence[Mention]) -> Located:
    """Give each mention its place in the sentence; one that doesn't stand there letter by letter is dropped.

    Longer mentions choose first; of several occurrences the first free one is taken, those of whole words before those
    within words. So the k-th mention of a name is its k-th occurrence, and no two spans overlap. Where a mention cuts a
    word (`Nairobi` in `Nairobini`), it must be at least half of that word in code points, and cut no grapheme cluster.

    >>> found = located(Sentence("swh_Latn", text="Ali, Alikuwa Ali"), [Mention("Ali", "PER"), Mention("Ali", "ORG")])
    >>> [(tuple(span), label) for span, label in found.spans], found.dropped
    ([((0, 3), 'PER'), ((13, 16), 'ORG')], 0)
    >>> located(Sentence("swh_Latn", tokens=("Rais", "Samia")), [Mention("Samia", "PER"), Mention("Obama", "PER")])
    Located(spans=[LabelledSpan(span=Span(start=1, end=2), label='PER')], dropped=1)
    """
    text = running_text(sentence)
    places = sentence.words()[1] if sentence.tokens is None else tuple(join_tokens(sentence.tokens)[1])
    free = [True] * len(places)
    found: list[LabelledSpan] = []
    waiting: dict[str, Iterator[tuple[Span, Span]]] = {}
    for mention in sorted(mentions, key=lambda each: -len(each.text)):
        candidates = waiting.setdefault(mention.text, _occurrences(text, mention.text, places))
        # What an earlier mention passed over isn't free for a later one either, so the search goes on from there.
        for chars, words in candidates:
            if all(free[words.start : words.end]):
                free[words.start : words.end] = [False] * len(words)
                found.append(LabelledSpan(chars if sentence.tokens is None else words, mention.label))
                break
    return Located(sorted(found), len(mentions) - len(found))


def _occurrences(text: str, name: str, places: Sequence[Span]) -> Iterator[tuple[Span, Span]]:
    """Yield where a name stands, in code points and in words: first where it is whole words, then the rest."""
    cut: list[tuple[Span, Span]] = []
    start = text.find(name)
    while start >= 0:
        chars = Span(start, start + len(name))
        words = token_span(chars, places)
        if words is not None:
            first, last = places[words.start], places[words.end - 1]
            if (first.start, last.end) == chars:
                yield chars, words
            elif _is_most_of(text, chars, first) and _is_most_of(text, chars, last):
                cut.append((chars, words))
        start = text.find(name, start + 1)
    yield from cut


def _is_most_of(text: str, chars: Span, word: Span) -> bool:
    """Say whether a span holds at least half of a word that it touches, and cuts none of its grapheme clusters."""
    inside = Span(max(chars.start, word.start), min(chars.end, word.end))
    if inside == word:
        return True
    ends = {word.start, *(word.start + match.end() for match in _GRAPHEME.finditer(text[word.start : word.end]))}
    return len(inside) >= _LEAST_OF_A_WORD * len(word) and {inside.start, inside.end} <= ends


def agreed(samples: Sequence[Sequence[LabelledSpan]], min_share: float) -> list[Entity]:
    """Return the spans that the samples agree on, in order, none overlapping, each with the share that gave it.

    Self-consistency (Wang et al. 2022, arXiv 2203.11171) takes the answer that most samples reach; here each span with
    its label is voted on by itself: p(s, l) = #{i : (s, l) ∈ A_i} / m for samples A_1 … A_m. Spans below `min_share`
    are left out; of overlapping ones the likelier stays, then the longer, then the first.

    >>> samia, rais = LabelledSpan(Span(5, 10), "PER"), LabelledSpan(Span(0, 10), "PER")
    >>> agreed([[samia], [samia], [rais], [samia]], 0.5)
    [Entity(span=Span(start=5, end=10), label='PER', score=0.75)]

    Raises `ValueError` where there are no samples.
    """
    if not samples:
        raise ValueError("no samples to agree")
    votes = Counter(each for sample in samples for each in set(sample))
    kept: list[Entity] = []
    for (span, label), count in sorted(votes.items(), key=lambda each: (-each[1], -len(each[0].span), each[0])):
        share = count / len(samples)
        if share >= min_share and not any(span.overlaps(other.span) for other in kept):
            kept.append(Entity(span, label, round(share, _DECIMALS)))
    return sorted(kept, key=lambda each: each.span)
