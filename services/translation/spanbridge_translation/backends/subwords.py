"""Text to sub-words and back by `tokenizer.json`, with no way for a text to become a special or a language token."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

UNKNOWN = "<unk>"
END = "</s>"
_SPACE = "▁"
_SPECIAL = {"<s>", "<pad>", END, UNKNOWN, "<mask>"}


class Subwords:
    """A `tokenizer.json` without its added tokens: those are what turns a text's "</s>" into the end token.

    `reserved` are further tokens (language codes) that no text may give.
    """

    def __init__(self, tokenizer_json: str, reserved: Iterable[str] = ()) -> None:
        from tokenizers import Tokenizer

        layout: dict[str, Any] = json.loads(tokenizer_json)
        added = layout["added_tokens"]
        self.special = _SPECIAL | {each["content"] for each in added} | set(reserved)
        self.ids: dict[str, int] = _vocabulary(layout["model"]["vocab"]) | {
            each["content"]: each["id"] for each in added
        }
        self._tokenizer = Tokenizer.from_str(
            json.dumps(layout | {"added_tokens": [], "post_processor": None, "truncation": None, "padding": None})
        )

    def encode(self, text: str) -> list[str]:
        """Return the pieces of a text, unreadable characters as `<unk>`; empty where there is nothing but spaces."""
        found: list[str] = self._tokenizer.encode(" ".join(text.split()), add_special_tokens=False).tokens
        pieces = [UNKNOWN if piece in self.special else piece for piece in found]
        return pieces if any(piece.strip(_SPACE) for piece in pieces) else []

    def decode(self, pieces: Sequence[str]) -> str:
        """Return the text of pieces."""
        return "".join(pieces).replace(_SPACE, " ").strip()


def _vocabulary(vocab: Any) -> dict[str, int]:
    """Return BPE's map as it is, Unigram's list of (piece, score) by place."""
    return dict(vocab) if isinstance(vocab, dict) else {piece: place for place, (piece, _) in enumerate(vocab)}
