"""Language codes: FLORES-200 (plus `pcm_Latn` and `bbj_Latn`), and the ISO 639 codes that lead to them.

`languages.tsv` holds a line a language: FLORES code, other codes for it (blank-separated), English name.
"""

import difflib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from spanbridge_shared.errors import UnknownLanguage

ENGLISH = "eng_Latn"


@dataclass(frozen=True, slots=True)
class Language:
    """One language in one script; `code` is its FLORES code, `aliases` its other codes, best known first."""

    code: str
    aliases: tuple[str, ...]
    name: str

    @property
    def iso639_3(self) -> str:
        """The three-letter code that the FLORES code starts with."""
        return self.code.partition("_")[0]

    @property
    def script(self) -> str:
        """ISO 15924 script, such as `Latn`."""
        return self.code.partition("_")[2]


@cache
def languages() -> dict[str, Language]:
    """Return every known language by FLORES code, in the code's order."""
    table = resources.files(__package__).joinpath("languages.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines())
    return {code: Language(code, tuple(aliases.split()), name) for code, aliases, name in rows}


@cache
def _codes() -> dict[str, str]:
    """Lower-case code of any kind → FLORES code; a bare ISO 639-3 code leads to the first script listed as its own."""
    table: dict[str, str] = {}
    for language in languages().values():
        table[language.code.lower()] = language.code
    for language in languages().values():
        for alias in language.aliases:
            table.setdefault(alias.lower(), language.code)
    # A bare code prefers Latin script, because NLLB's second scripts (ace_Arab, knc_Arab …) are the rarer ones.
    for language in sorted(languages().values(), key=lambda each: (each.script != "Latn", each.code)):
        table.setdefault(language.iso639_3, language.code)
    return table


def resolve_language(code: str) -> str:
    """Return the FLORES code for a FLORES, ISO 639-1 or ISO 639-3 code.

    >>> resolve_language("sw"), resolve_language("swa"), resolve_language("swh_Latn")
    ('swh_Latn', 'swh_Latn', 'swh_Latn')

    Raises `UnknownLanguage`, naming the nearest codes.
    """
    found = _codes().get(code.strip().lower().replace("-", "_"))
    if found is None:
        raise UnknownLanguage(f"no language has the code {code[:40]!r}; nearest: {', '.join(nearest_codes(code))}")
    return found


def nearest_codes(code: str, n: int = 3) -> list[str]:
    """Return up to n FLORES codes whose code or English name looks most like what was typed, best first."""
    typed = code.strip().lower()[:40]
    names = {language.name.lower(): language.code for language in languages().values()}
    found = difflib.get_close_matches(typed, [*names, *_codes()], n=4 * n, cutoff=0.0)
    return list(dict.fromkeys(names.get(each) or _codes()[each] for each in found))[:n]


def language_name(code: str) -> str:
    """Return the English name of a FLORES code."""
    return languages()[code].name
