"""Safe text for HTML and SVG, and how wide it comes out."""

import html
import re
import unicodedata

# XML has no way to write these, and HTML shows nothing for them.
_UNPRINTABLE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\\ud800-\\udfff\\ufffe\\uffff]")
_WIDE, _NARROW = 14.0, 7.6


def text(value: object) -> str:
    """Return a value as text that is no markup.

    >>> text("<b> & \\x00")
    '&lt;b&gt; &amp; \ufffd'
    """
    return html.escape(_UNPRINTABLE.sub("\ufffd", str(value)))


def width(value: str) -> float:
    """Return about how many pixels a text takes at 13 px; combining marks take none, ideographs two places."""
    return sum(map(_character_width, value))


def _character_width(character: str) -> float:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    return _WIDE if unicodedata.east_asian_width(character) in ("W", "F") else _NARROW
