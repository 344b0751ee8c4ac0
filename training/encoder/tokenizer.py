"""Build the XLM-R style Unigram tokenizer, full or pruned, from pieces and their scores."""

import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

from training.encoder.stages import write_json

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
BOS_ID, PAD_ID, EOS_ID, UNK_ID = range(4)
WORD_MARK = "▁"
CHUNK_WORDS = 50_000

ScoredPiece = tuple[str, float]


def build_tokenizer(pieces: Sequence[ScoredPiece]) -> Tokenizer:
    """Return a tokenizer whose ids are the positions in `pieces`; the first four must be SPECIALS.

    Normalisation is SentencePiece's nmt_nfkc: control characters vanish, zero-width characters and "▁" become spaces.
    No added tokens are registered and no piece may reach across "<", so that "</s>" typed by a user is text like any
    other; only the template puts special ids in.
    """
    if tuple(piece for piece, _ in pieces[:4]) != SPECIALS:
        raise ValueError(f"pieces must begin with {SPECIALS}, got {[piece for piece, _ in pieces[:4]]}")
    tokenizer = Tokenizer(Unigram(list(pieces), unk_id=UNK_ID, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement=WORD_MARK, prepend_scheme="always"),
            pre_tokenizers.Split("<", behavior="merged_with_previous"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(replacement=WORD_MARK, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", BOS_ID), ("</s>", EOS_ID)]
    )
    return tokenizer


def is_reachable(piece: str) -> bool:
    """Tell whether the pre-tokenizer lets the piece match: nothing may follow a "<".

    >>> is_reachable("<"), is_reachable("▁<"), is_reachable("</"), is_reachable("<s>")
    (True, True, False, False)
    """
    return "<" not in piece[:-1]


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write tokenizer.json, compact, and the tokenizer_config.json that transformers wants."""
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token"), SPECIALS, strict=True))
    write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, **names},
    )


def ordered_vocabulary(tokenizer: Tokenizer) -> list[str]:
    """Return the pieces by id."""
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)


def piece_scores(tokenizer: Tokenizer) -> list[float]:
    """Return the log-probability of each piece, by id."""
    return [float(score) for _, score in json.loads(tokenizer.to_str())["model"]["vocab"]]


def encode_words(tokenizer: Tokenizer, words: Iterable[str]) -> list[list[int]]:
    """Return the ids of each word, encoded alone and without special ids."""
    remaining = iter(words)
    ids: list[list[int]] = []
    # An encoding takes a kilobyte or more: those of a whole vocabulary at once fill the memory.
    while chunk := list(itertools.islice(remaining, CHUNK_WORDS)):
        ids.extend(encoding.ids for encoding in tokenizer.encode_batch_fast(chunk, add_special_tokens=False))
    return ids
