"""Language detection for `lang: "auto"`, by pycld2."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

import pycld2

from spanbridge_shared.errors import LanguageUndetermined, UnknownLanguage
from spanbridge_shared.text.languages import language_name, resolve_language

_MIN_PERCENT = 70
_MAX_CHARS = 50_000
_MAX_TEXTS = 500


def detect_language(texts: Sequence[str], served: Sequence[str]) -> str:
    """Return the FLORES code of the one language that the texts are in.

    Each text that pycld2 is sure of votes by its length; where it is sure of none, all of them together decide. Raises
    `LanguageUndetermined`, with the candidates, where less than 70% is one language, or nothing is sure.
    """
    votes = _votes(texts)
    candidates = _shares(votes)
    if candidates and candidates[0][1] >= _MIN_PERCENT:
        return candidates[0][0]
    if not candidates:
        together = _printable("\n".join(texts)[:_MAX_CHARS])
        reliable, _, found = pycld2.detect(together)
        candidates = _named(found)
        if reliable and candidates and candidates[0][1] >= _MIN_PERCENT:
            return candidates[0][0]
        # Its best effort calls "Samia 2023" English: good enough to suggest, not to act on.
        candidates = candidates or _named(pycld2.detect(together, bestEffort=True)[2])
    told = ", ".join(f"{code} ({language_name(code)}, {percent}%)" for code, percent in candidates)
    raise LanguageUndetermined(
        f"the language can't be told from this text; candidates: {told or 'none'}; "
        f"name one as lang (served: {', '.join(served)})"
    )


def _votes(texts: Sequence[str]) -> Counter[str]:
    votes: Counter[str] = Counter()
    for text in texts[:_MAX_TEXTS]:
        reliable, size, found = pycld2.detect(_printable(text[:_MAX_CHARS]))
        named = _named(found)
        if reliable and named:
            votes[named[0][0]] += size
    return votes


def _shares(votes: Counter[str]) -> list[tuple[str, int]]:
    total = votes.total()
    return [(code, round(100 * size / total)) for code, size in votes.most_common(3)]


def _named(found: Sequence[tuple[str, str, int, float]]) -> list[tuple[str, int]]:
    return [(code, percent) for _, name, percent, _ in found if (code := _flores(name)) is not None]


def _flores(name: str) -> str | None:
    try:
        return resolve_language(name)
    except UnknownLanguage:  # "un", and a few languages that FLORES doesn't know.
        return None


def _printable(text: str) -> str:
    # pycld2 refuses control characters and non-characters as invalid UTF-8.
    return "".join(" " if unicodedata.category(each) in ("Cc", "Cs", "Cn", "Co") else each for each in text)
