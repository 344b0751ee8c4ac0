"""Words to sub-words with a `tokenizer.json`, the same way for every encoder that has one."""

import json
from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

from spanbridge_alignment.backends.base import Pieces, Tokens
from spanbridge_alignment.core.vectors import IntArray
from spanbridge_shared.errors import ConfigurationError


class WordTokenizer:
    """Tokenises words one by one. What a user types is never a special token; a word that vanishes becomes unknown.

    `head` and `tail` are the ids that the tokenizer's template puts around a sentence, `head` with the prefix's ids.
    """

    def __init__(self, tokenizer_json: str, *, prefix: str = "") -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        probe = self._tokenizer.encode(["a"], is_pretokenized=True)
        special = np.array(probe.special_tokens_mask, dtype=np.bool_)
        ids = np.array(probe.ids, dtype=np.int64)
        places = np.flatnonzero(~special)
        if not len(places):
            raise ConfigurationError("tokenizer.json turns the word 'a' into nothing; it is not an encoder's")
        self.head: list[int] = ids[: places[0]].tolist()
        self.tail: list[int] = ids[places[-1] + 1 :].tolist()
        added = self._tokenizer.get_added_tokens_decoder()
        known = {*self.head, *self.tail, *(number for number, token in added.items() if token.special)}
        self._unknown = _unknown_id(self._tokenizer, json.loads(tokenizer_json)["model"])
        self._special = np.array(sorted(known - {self._unknown}), dtype=np.int64)
        if prefix:
            self.head += self._pieces([tuple(prefix.split())])[0].ids.tolist()

    def __call__(self, sentences: Sequence[Tokens]) -> list[Pieces]:
        """Return the sub-words of each sentence, as `EncoderBackend.tokenize` describes them."""
        return self._pieces(sentences)

    def _pieces(self, sentences: Sequence[Tokens]) -> list[Pieces]:
        encodings = self._tokenizer.encode_batch(
            [list(tokens) for tokens in sentences], is_pretokenized=True, add_special_tokens=False
        )
        return [
            self._complete(np.array(each.ids, dtype=np.int64), np.array(each.word_ids, dtype=np.int64), len(tokens))
            for each, tokens in zip(encodings, sentences, strict=True)
        ]

    def _complete(self, ids: IntArray, words: IntArray, n_words: int) -> Pieces:
        # A Unigram vocabulary holds "</s>" as a piece like any other, so the model itself may choose it.
        ids = np.where(np.isin(ids, self._special), self._unknown, ids)
        lost = np.flatnonzero(np.bincount(words, minlength=n_words) == 0)
        if not len(lost):
            return Pieces(ids, words)
        words = np.concatenate([words, lost])
        order = np.argsort(words, kind="stable")
        return Pieces(np.concatenate([ids, np.full(len(lost), self._unknown)])[order], words[order])


def _unknown_id(tokenizer: Tokenizer, model: dict[str, object]) -> int:
    if isinstance(number := model.get("unk_id"), int):
        return number
    names = (model.get("unk_token"), "<unk>", "[UNK]")
    found = (tokenizer.token_to_id(name) for name in names if isinstance(name, str))
    for number in found:
        if number is not None:
            return int(number)
    raise ConfigurationError("tokenizer.json names no unknown token; words that vanish in it would have no vector")
