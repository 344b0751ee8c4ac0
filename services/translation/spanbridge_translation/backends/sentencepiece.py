"""A SentencePiece BPE model as `tokenizer.json`, for checkpoints (M2M100) that ship nothing else.

The model file is a protocol buffer; the four fields needed are read here, so that no protobuf library is.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_NORMAL = 1
_BPE = 2


class _Piece(NamedTuple):
    text: str
    score: float
    kind: int


def tokenizer_json(model: bytes, vocabulary: dict[str, int], added: dict[str, int], rows: int) -> str:
    """Return the tokenizer of a SentencePiece BPE model; ids come from `vocabulary`, special tokens from `added` too.

    Pieces that the vocabulary lacks get ids behind the model's `rows`: it has none for them, so they're unknown to it.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    pieces, charsmap = _read(model)
    absent = (piece.text for piece in pieces if piece.kind == _NORMAL and piece.text not in vocabulary)
    ids = vocabulary | added | {text: rows + place for place, text in enumerate(absent)}
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=_merges(pieces, ids), unk_token="<unk>", fuse_unk=True))
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap), spaces] if charsmap else [spaces])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    special = [token for token in ("<s>", "<pad>", "</s>", "<unk>") if token in ids]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in [*special, *added]])
    text: str = tokenizer.to_str()
    return text


def _merges(pieces: list[_Piece], ids: dict[str, int]) -> list[tuple[str, str]]:
    """Return BPE's merges: every cut of a piece into two pieces, best score of the whole first.

    SentencePiece merges whichever neighbours make the best-scored piece; so does a merge list in that order.
    """
    known = {piece.text for piece in pieces if piece.kind == _NORMAL}
    ranked: list[tuple[float, int, int, str, str]] = []
    for piece in pieces:
        for cut in range(1, len(piece.text)) if piece.kind == _NORMAL else ():
            left, right = piece.text[:cut], piece.text[cut:]
            if left in known and right in known:
                ranked.append((-piece.score, ids[left], ids[right], left, right))
    return [(left, right) for _, _, _, left, right in sorted(ranked)]


def _read(model: bytes) -> tuple[list[_Piece], bytes]:
    """Return the pieces and the normaliser's character map; field numbers are those of sentencepiece_model.proto."""
    pieces: list[_Piece] = []
    charsmap = b""
    kind = 1
    for field, value in _fields(model):
        if field == 1:
            pieces.append(_piece(value))
        elif field == 2:
            kind = next((int.from_bytes(each) for number, each in _fields(value) if number == 3), kind)
        elif field == 3:
            charsmap = next((each for number, each in _fields(value) if number == 2), charsmap)
    if kind != _BPE:
        raise ValueError("the SentencePiece model is not a BPE model")
    return pieces, charsmap


def _piece(message: bytes) -> _Piece:
    fields = dict(_fields(message))
    (score,) = struct.unpack("<f", fields.get(2, bytes(4)))
    return _Piece(fields[1].decode(), score, int.from_bytes(fields.get(3, b"\1")))


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (field number, value) of a protocol buffer message; varints as big-endian bytes."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        match tag & 7:
            case 0:
                number, place = _varint(message, place)
                yield tag >> 3, number.to_bytes(10)
            case 1 | 5 as wire:
                width = 8 if wire == 1 else 4
                yield tag >> 3, message[place : place + width]
                place += width
            case 2:
                length, place = _varint(message, place)
                yield tag >> 3, message[place : place + length]
                place += length
            case other:
                raise ValueError(f"not a SentencePiece model: wire type {other}")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place += 1
        shift += 7
        if byte < 0x80:
            return value, place
