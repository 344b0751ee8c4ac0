"""Language detection for `lang: "auto"`, by pycld2."""

import unicodedata
from collections.abc import Iterable, Sequence

import pycld2

from spanbridge_shared.errors import LanguageUndetermined, UnknownLanguage
from spanbridge_shared.text.languages import language_name, resolve_language

_MIN_PERCENT = 70
_MAX_CHARS = 50_000


def detect_language(texts: Iterable[str], served: Sequence[str]) -> str:
    """Return the FLORES code of the language that the texts are in together.

    Raises `LanguageUndetermined`, with the candidates, where pycld2 is unsure, or finds less than 70% of one language.
    """
    text = _printable("\n".join(texts)[:_MAX_CHARS])
    reliable, _, found = pycld2.detect(text)
    named = _named(found)
    if reliable and named and named[0][1] >= _MIN_PERCENT:
        return named[0][0]
    # Its best effort calls "Samia 2023" English: good enough to suggest, not to act on.
    candidates = named or _named(pycld2.detect(text, bestEffort=True)[2])
    told = ", ".join(f"{code} ({language_name(code)}, {percent}%)" for code, percent in candidates)
    raise LanguageUndetermined(
        f"the language can't be told from this text; candidates: {told or 'none'}; "
        f"name one as lang (served: {', '.join(served)})"
    )


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
