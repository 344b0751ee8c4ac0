"""Read a sentencepiece `.model` file without sentencepiece or protobuf.

Only the fields that the tokenizer needs are read. Field numbers are those of sentencepiece_model.proto:
ModelProto.pieces = 1 (piece = 1, type = 3), ModelProto.trainer_spec = 2 (model_type = 3),
ModelProto.normalizer_spec = 3 (precompiled_charsmap = 2, add_dummy_prefix = 3, remove_extra_whitespaces = 4,
escape_whitespaces = 5).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.nmt.errors import ModelFileError

_NORMAL, _BPE = 1, 2
_SPECIAL_PIECES = ("<unk>", "<s>", "</s>")


@dataclass(frozen=True)
class SentencepieceModel:
    """The learned part of a BPE model: `pieces` best first, without the three special ones, and the character map."""

    pieces: tuple[str, ...]
    charsmap: bytes


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A base-128 number and the offset after it."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Each (field number, value) of a protobuf message; 32- and 64-bit values stay bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ModelFileError(f"protobuf wire type {wire} in a sentencepiece model: the file is damaged")
        if at + size > len(data):
            raise ModelFileError("a sentencepiece model ends inside a field: the file is cut short")
        yield number, data[at : at + size]
        at += size


def _message(value: int | bytes) -> dict[int, int | bytes]:
    """A sub-message as a mapping; the last of repeated fields wins, as protobuf says for optional ones."""
    if isinstance(value, int):
        raise ModelFileError("a number where a sentencepiece model has a message: the file is damaged")
    return dict(_fields(value))


def parse_sentencepiece_model(data: bytes) -> SentencepieceModel:
    """Read a serialised BPE model; refuse one whose normalisation this recipe would not reproduce."""
    pieces: list[tuple[str, int]] = []
    normalizer: dict[int, int | bytes] = {}
    trainer: dict[int, int | bytes] = {}
    for number, value in _fields(data):
        if number == 1:
            entry = _message(value)
            pieces.append((bytes(entry[1]).decode("utf-8"), int(entry.get(3, _NORMAL))))
        elif number == 2:
            trainer = _message(value)
        elif number == 3:
            normalizer = _message(value)
    if trainer.get(3) != _BPE:
        raise ModelFileError("the sentencepiece model is not a BPE model: train it with model_type='bpe'")
    if not all(normalizer.get(flag, 1) for flag in (3, 4, 5)):
        raise ModelFileError("the sentencepiece model must add a dummy prefix, remove extra and escape white space")
    if tuple(piece for piece, _ in pieces[:3]) != _SPECIAL_PIECES or any(kind != _NORMAL for _, kind in pieces[3:]):
        raise ModelFileError("the sentencepiece model must hold <unk>, <s>, </s>, then normal pieces only")
    return SentencepieceModel(tuple(piece for piece, _ in pieces[3:]), bytes(normalizer.get(2, b"")))


def read_sentencepiece_model(path: Path) -> SentencepieceModel:
    """Read `path`, a model that `sentencepiece` wrote."""
    return parse_sentencepiece_model(path.read_bytes())
