"""What a sentence must be before a model sees it: each check raises one `SentenceError`."""

import re
from collections.abc import Sequence

from spanbridge_shared.errors import EmptyText, InvalidText, InvalidTokens, TextTooLong

MAX_CHARS = 20_000
MAX_TOKENS = 5_000
_FORBIDDEN = re.compile("[\\0\\ud800-\\udfff]")
_SPACE = re.compile(r"\s")


def check_text(text: str, *, max_chars: int = MAX_CHARS) -> None:
    """Raise `EmptyText`, `TextTooLong` or `InvalidText` where a text can't be labelled."""
    if len(text) > max_chars:
        raise TextTooLong(f"the text has {len(text):,} characters, at most {max_chars:,} are allowed; split it")
    _check_characters(text, "the text")
    if not text.strip():
        raise EmptyText("the text is empty; send at least one word")


def check_tokens(tokens: Sequence[str], *, max_chars: int = MAX_CHARS, max_tokens: int = MAX_TOKENS) -> None:
    """Raise `EmptyText`, `TextTooLong`, `InvalidText` or `InvalidTokens` where tokens can't be labelled."""
    if not tokens:
        raise EmptyText("the list of tokens is empty; send at least one token")
    if len(tokens) > max_tokens:
        raise TextTooLong(f"there are {len(tokens):,} tokens, at most {max_tokens:,} are allowed; split the sentence")
    n_chars = sum(len(token) + 1 for token in tokens) - 1
    if n_chars > max_chars:
        raise TextTooLong(
            f"the tokens have {n_chars:,} characters, at most {max_chars:,} are allowed; split the sentence"
        )
    for position, token in enumerate(tokens):
        _check_characters(token, f"token {position}")
        if not token:
            raise InvalidTokens(f"token {position} is empty; leave it out")
        if _SPACE.search(token):
            raise InvalidTokens(f"token {position} ({token[:40]!r}) has white space in it; send one word a token")


def _check_characters(text: str, what: str) -> None:
    found = _FORBIDDEN.search(text)
    if found is None:
        return
    place, character = found.start(), found.group()
    if character == "\0":
        raise InvalidText(f"{what} has a NUL character (U+0000) at offset {place}; remove it")
    raise InvalidText(f"{what} has a lone surrogate (U+{ord(character):04X}) at offset {place}; send valid Unicode")


def replace_surrogates(text: str) -> str:
    """Return the text with U+FFFD in place of each lone surrogate, so that it can be written as UTF-8.

    >>> replace_surrogates("a" + chr(0xD800))
    'a\ufffd'
    """
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
