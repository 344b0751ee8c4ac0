"""Noisy copies of labelled English: what small translation models, headlines and chat do to names and casing."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from training.teacher.english import Labelled

Mentions = Mapping[str, Sequence[tuple[str, ...]]]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LOWER, _UPPER, _TITLE = 0.12, 0.04, 0.05
_MENTION, _SPELLING, _CASE, _LOSS = 0.35, 0.12, 0.05, 0.04


def mentions_of(sentences: Sequence[Labelled]) -> dict[str, list[tuple[str, ...]]]:
    """Return the mentions of each label, each as often as it occurs.

    >>> mentions_of([Labelled("x", "train", ("in", "New", "York"), ("O", "B-LOC", "I-LOC"))])
    {'LOC': [('New', 'York')]}
    """
    found: dict[str, list[tuple[str, ...]]] = {}
    for sentence in sentences:
        for start, end, label in mention_spans(sentence.tags):
            found.setdefault(label, []).append(sentence.words[start:end])
    return found


def mention_spans(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return (start, end, label) of valid IOB2 tags.

    >>> mention_spans(["O", "B-PER", "I-PER", "B-LOC"])
    [(1, 3, 'PER'), (3, 4, 'LOC')]
    """
    starts = [place for place, tag in enumerate(tags) if tag.startswith("B-")]
    spans = []
    for start in starts:
        end = start + 1
        while end < len(tags) and tags[end].startswith("I-"):
            end += 1
        spans.append((start, end, tags[start][2:]))
    return spans


def noisy(sentence: Labelled, mentions: Mentions, rng: random.Random) -> Labelled:
    """Return a copy with other names, misspelt names, lost words and other casing; labels stay with their words."""
    words, tags = _other_names(sentence, mentions, rng)
    words = [
        _misspelt(word, rng) if tag != "O" and rng.random() < _SPELLING else word
        for word, tag in zip(words, tags, strict=True)
    ]
    kept = [place for place, tag in enumerate(tags) if tag != "O" or rng.random() >= _LOSS]
    words, tags = [words[place] for place in kept], [tags[place] for place in kept]
    if not words:
        return sentence
    return replace(sentence, words=tuple(_recased(words, rng)), tags=tuple(tags))


def _other_names(sentence: Labelled, mentions: Mentions, rng: random.Random) -> tuple[list[str], list[str]]:
    words: list[str] = []
    tags: list[str] = []
    place = 0
    for start, end, label in mention_spans(sentence.tags):
        words += sentence.words[place:start]
        tags += sentence.tags[place:start]
        name = sentence.words[start:end]
        if rng.random() < _MENTION and mentions.get(label):
            name = rng.choice(mentions[label])
        words += name
        tags += [f"B-{label}", *[f"I-{label}"] * (len(name) - 1)]
        place = end
    return [*words, *sentence.words[place:]], [*tags, *sentence.tags[place:]]


def _misspelt(word: str, rng: random.Random) -> str:
    """Change one letter behind the first: left out, doubled, swapped with the next, or another one."""
    if len(word) < 4 or not word.isalpha():
        return word
    place = rng.randrange(1, len(word) - 1)
    head, letter, tail = word[:place], word[place], word[place + 1 :]
    return head + rng.choice([tail, letter + letter + tail, tail[:1] + letter + tail[1:], rng.choice(_LETTERS) + tail])


def _recased(words: Sequence[str], rng: random.Random) -> list[str]:
    drawn = rng.random()
    if drawn < _LOWER:
        return [word.lower() for word in words]
    if drawn < _LOWER + _UPPER:
        return [word.upper() for word in words]
    if drawn < _LOWER + _UPPER + _TITLE:
        return [word[:1].upper() + word[1:] for word in words]
    return [word.lower() if rng.random() < _CASE else word for word in words]
