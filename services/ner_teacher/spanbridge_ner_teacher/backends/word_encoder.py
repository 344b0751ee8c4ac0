"""Words to sub-word ids with a `tokenizers` tokenizer, the same for every backend that uses one."""

import json
from collections.abc import Sequence
from typing import Any

from spanbridge_shared.errors import ConfigurationError


class WordEncoder:
    """Encodes words one by one, and puts around them what the tokenizer's own template says.

    `n_before` ids stand before the first word (the template's and those of the model's prefix text); `budget` is the
    number of sub-words that words may take in one window.
    """

    def __init__(self, tokenizer_json: str, max_tokens: int, prefix: str = "") -> None:
        from tokenizers import Tokenizer

        tokenizer: Any = Tokenizer.from_str(tokenizer_json)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        probe = tokenizer.encode(["a"], is_pretokenized=True)
        self._forbidden = _special_ids(tokenizer) | {
            token for token, special in zip(probe.ids, probe.special_tokens_mask, strict=True) if special
        }
        self._unknown = _unknown_id(tokenizer_json, tokenizer)
        inner = [place for place, special in enumerate(probe.special_tokens_mask) if not special]
        if not inner:
            raise ConfigurationError("the tokenizer gives no sub-word for the letter a; is its tokenizer.json whole?")
        words_before = tokenizer.encode(prefix.split(), is_pretokenized=True, add_special_tokens=False).ids
        self._before: list[int] = [*probe.ids[: inner[0]], *words_before]
        self._after: list[int] = list(probe.ids[inner[-1] + 1 :])
        self.n_before = len(self._before)
        self.budget = max_tokens - len(self._before) - len(self._after)
        if self.budget < 1:
            raise ConfigurationError(f"max_tokens is {max_tokens}, which leaves no room for words")

    def encode(self, sentences: Sequence[Sequence[str]]) -> list[list[list[int]]]:
        """Return the sub-word ids of each word of each sentence, at most `budget` a word, special ones left out."""
        encodings = self._tokenizer.encode_batch(
            [list(words) for words in sentences], is_pretokenized=True, add_special_tokens=False
        )
        return [self._by_word(encoding, len(words)) for encoding, words in zip(encodings, sentences, strict=True)]

    def _by_word(self, encoding: Any, n_words: int) -> list[list[int]]:
        words: list[list[int]] = [[] for _ in range(n_words)]
        for token, word in zip(encoding.ids, encoding.word_ids, strict=True):
            # A user's word "</s>" is text. `encode_special_tokens` alone can't say so to a Unigram model, whose pieces
            # hold the special tokens as well.
            safe = self._unknown if token in self._forbidden else token
            if safe is not None and len(words[word]) < self.budget:
                words[word].append(safe)
        return words

    def wrap(self, words: Sequence[Sequence[int]]) -> list[int]:
        """Return the ids of one window, ready for the model."""
        return [*self._before, *(token for word in words for token in word), *self._after]


def _special_ids(tokenizer: Any) -> set[int]:
    return {token for token, added in tokenizer.get_added_tokens_decoder().items() if added.special}


def _unknown_id(tokenizer_json: str, tokenizer: Any) -> int | None:
    """Return the id of the unknown piece: Unigram names it by id, WordPiece and BPE by its text."""
    model = json.loads(tokenizer_json)["model"]
    if model.get("unk_id") is not None:
        return int(model["unk_id"])
    text = model.get("unk_token")
    found: int | None = None if text is None else tokenizer.token_to_id(text)
    return found
