"""Cutting sentences into folds, so that nothing is scored by numbers that were fitted on it."""

from collections.abc import Mapping
from dataclasses import dataclass

from spanbridge_shared.errors import ConfigurationError

DEFAULT_FOLDS = 5
MIN_LANGUAGES = 5
"""From so many languages on, folds are of whole languages: what is fitted must hold for one that wasn't seen."""


@dataclass(frozen=True, slots=True)
class Folds:
    """`places` has the fold of each sentence, by language; `whole` says that a language lies in one fold."""

    number: int
    whole: bool
    places: dict[str, tuple[int, ...]]

    @property
    def told(self) -> str:
        """How it was cut, for a note."""
        return f"{self.number} folds of {'languages' if self.whole else 'sentences'}"


def make_folds(sizes: Mapping[str, int], wanted: int = DEFAULT_FOLDS) -> Folds:
    """Cut `sizes` sentences of each language into folds; the same sizes always give the same folds.

    With fewer than `MIN_LANGUAGES` each language is cut into runs of neighbours, which may be of one article.
    Raises `ConfigurationError` where there are too few sentences.

    >>> make_folds({"swa": 5, "yor": 4}, 2).places
    {'swa': (0, 0, 0, 1, 1), 'yor': (0, 0, 1, 1)}
    >>> make_folds(dict.fromkeys("abcde", 1), 2).places
    {'a': (0,), 'b': (1,), 'c': (0,), 'd': (1,), 'e': (0,)}
    """
    if len(sizes) >= MIN_LANGUAGES:
        number = min(wanted, len(sizes))
        by_language = {lang: place % number for place, lang in enumerate(sorted(sizes))}
        return Folds(number, True, {lang: (by_language[lang],) * size for lang, size in sizes.items()})
    if max(sizes.values(), default=0) < wanted:
        raise ConfigurationError(f"{wanted} folds need as many sentences of a language; --folds takes fewer")
    cut = {lang: tuple(place * wanted // size for place in range(size)) for lang, size in sizes.items()}
    return Folds(wanted, False, cut)
