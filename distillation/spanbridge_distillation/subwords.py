"""Words to sub-word ids, as the ner_teacher service will have them when it serves the student."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanbridge_distillation.faults import ModelFault

_PADS = ("<pad>", "[PAD]")


@dataclass(frozen=True, slots=True)
class Specials:
    """Ids that stand before and behind a sentence's words, the one for what the vocabulary lacks, and the padding."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    unknown: int
    pad: int


class Subwords:
    """A `tokenizers` tokenizer that takes words; special tokens in a text are text."""

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        written = path.read_text(encoding="utf-8")
        tokenizer: Any = Tokenizer.from_str(written)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = True
        probe = tokenizer.encode(["a"], is_pretokenized=True)
        inner = [place for place, special in enumerate(probe.special_tokens_mask) if not special]
        unknown = _unknown(json.loads(written)["model"], tokenizer)
        if not inner or unknown is None:
            raise ModelFault(f"{path} gives no sub-word for the letter a, or has no unknown one")
        pads = (tokenizer.token_to_id(name) for name in _PADS)
        before, after = tuple(probe.ids[: inner[0]]), tuple(probe.ids[inner[-1] + 1 :])
        pad = next((pad for pad in pads if pad is not None), unknown)
        self.specials = Specials(before, after, unknown, pad)
        added = tokenizer.get_added_tokens_decoder().items()
        self._forbidden = {*before, *after, *(token for token, each in added if each.special)}
        self._tokenizer = tokenizer

    def encode(self, sentences: Sequence[Sequence[str]]) -> list[list[list[int]]]:
        """Return the ids of each word of each sentence; a word may have none."""
        batch = [list(words) for words in sentences]
        encodings = self._tokenizer.encode_batch(batch, is_pretokenized=True, add_special_tokens=False)
        return [self._by_word(each, len(words)) for each, words in zip(encodings, batch, strict=True)]

    def _by_word(self, encoding: Any, n_words: int) -> list[list[int]]:
        words: list[list[int]] = [[] for _ in range(n_words)]
        for token, word in zip(encoding.ids, encoding.word_ids, strict=True):
            words[word].append(self.specials.unknown if token in self._forbidden else token)
        return words


def _unknown(model: dict[str, Any], tokenizer: Any) -> int | None:
    """Return the id of the unknown piece: Unigram names it by id, WordPiece and BPE by its text."""
    if model.get("unk_id") is not None:
        return int(model["unk_id"])
    text = model.get("unk_token")
    found: int | None = None if text is None else tokenizer.token_to_id(text)
    return found
