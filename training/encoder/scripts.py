"""Tell which writing system a piece belongs to, from Unicode character names."""

import unicodedata
from functools import lru_cache

from training.encoder.tokenizer import WORD_MARK

COMMON = "COMMON"
MIXED = "MIXED"
SERVED = frozenset({"LATIN", "CYRILLIC", "ETHIOPIC"})
HUGE = frozenset({"CJK", "HANGUL"})
_LATIN_SHAPES = ("MODIFIER", "FULLWIDTH")


@lru_cache(maxsize=65536)
def script_of(character: str) -> str:
    """Return the first word of the character's name for letters and marks, COMMON for everything else.

    >>> script_of("ɔ"), script_of("ж"), script_of("ሰ"), script_of("7"), script_of("◌́"[1])
    ('LATIN', 'CYRILLIC', 'ETHIOPIC', 'COMMON', 'COMMON')
    """
    if unicodedata.category(character)[0] not in "LM":
        return COMMON
    first = unicodedata.name(character, COMMON).split(" ")[0]
    return COMMON if first == "COMBINING" else "LATIN" if first in _LATIN_SHAPES else first


def piece_script(piece: str) -> str:
    """Return the one script of a piece, COMMON when it has none of its own, MIXED when it has several."""
    scripts = {script_of(character) for character in piece if character != WORD_MARK} - {COMMON}
    if len(scripts) > 1:
        return MIXED
    return scripts.pop() if scripts else COMMON
