"""models/nmt/tokenizer.json gives sentencepiece's ids without sentencepiece, and text cannot inject a special token."""

import base64
import hashlib
import json
import random
import unicodedata
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tokenizers", reason="tokenizers is in the translation service's dependencies")

from tokenizers import Tokenizer

from training.nmt.charsmap import character_class, decode_charsmap
from training.nmt.layout import SPECIALS, nllb_vocabulary
from training.nmt.manifest import FILES, directions
from training.nmt.tokenizer import build_tokenizer, merges, normalizer

MODEL = Path(__file__).parents[3] / "models" / "nmt"
PARITY = Path(__file__).with_name("test_nmt_parity.json")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(MODEL / "tokenizer.json"))


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    values: dict[str, Any] = json.loads((MODEL / "spanbridge.json").read_text(encoding="utf-8"))
    return values


@pytest.fixture(scope="module")
def charsmap() -> bytes:
    saved = json.loads((MODEL / "tokenizer.json").read_text(encoding="utf-8"))
    (blob,) = [
        part["precompiled_charsmap"] for part in saved["normalizer"]["normalizers"] if "precompiled_charsmap" in part
    ]
    return base64.b64decode(blob)


def test_ids_equal_those_of_sentencepiece(tokenizer: Tokenizer) -> None:
    cases = json.loads(PARITY.read_text(encoding="utf-8"))["cases"]
    assert len(cases) > 100
    different = [text for text, ids in cases if tokenizer.encode(text).ids != ids]
    assert different == []


def test_batch_equals_single(tokenizer: Tokenizer) -> None:
    texts = [text for text, _ in json.loads(PARITY.read_text(encoding="utf-8"))["cases"]]
    assert [encoding.ids for encoding in tokenizer.encode_batch(texts)] == [
        tokenizer.encode(text).ids for text in texts
    ]


def test_vocabulary_is_the_one_of_the_model(tokenizer: Tokenizer) -> None:
    vocabulary = json.loads((MODEL / "shared_vocabulary.json").read_text(encoding="utf-8"))
    assert [tokenizer.id_to_token(index) for index in range(tokenizer.get_vocab_size())] == vocabulary
    assert tuple(vocabulary[:4]) == SPECIALS


@pytest.mark.parametrize("template", ["{}", " {} ", "a{}b", "{0}{0}", "Habari {} dunia"])
def test_text_cannot_inject_special_tokens(tokenizer: Tokenizer, manifest: dict[str, Any], template: str) -> None:
    special = {*SPECIALS, "<mask>", "madeupword0", *manifest["languages"]} - {"<unk>"}
    for token in special | {"<unk>"}:
        tokens = tokenizer.encode(template.format(token)).tokens
        assert special.isdisjoint(tokens)
        assert "<unk>" not in tokens  # the text "<unk>" is made of known characters


def test_decomposed_yoruba_keeps_its_tone_marks(tokenizer: Tokenizer) -> None:
    """`tokenizers`' own Precompiled drops the acute of o + dot below + acute."""
    text = "Ọ̀rọ̀ ọ́fíìsì ẹ̀kọ́"
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert composed != decomposed
    assert tokenizer.encode(decomposed).ids == tokenizer.encode(composed).ids
    assert tokenizer.decode(tokenizer.encode(decomposed).ids) == composed


def test_decoding_gives_the_normalised_text_back(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("  Rais  wa Kenya, ﬁne ").ids) == "Rais wa Kenya, fine"
    assert tokenizer.encode("").ids == []


def test_manifest_lists_the_files_as_they_are(manifest: dict[str, Any], tokenizer: Tokenizer) -> None:
    expected = "kind name licence layout languages pairs max_source_tokens max_target_tokens files"
    assert list(manifest) == expected.split()
    assert set(manifest["files"]) == set(FILES)
    for name, checksum in manifest["files"].items():
        assert hashlib.sha256((MODEL / name).read_bytes()).hexdigest() == checksum
    for token in manifest["languages"].values():
        assert tokenizer.token_to_id(token) is not None
    assert {code for pair in manifest["pairs"] for code in pair} == set(manifest["languages"])


def test_normaliser_is_leftmost_longest_replacement(charsmap: bytes) -> None:
    """The pattern of unit boundaries reproduces sentencepiece's rule on random strings of marks and bases."""
    rules = decode_charsmap(charsmap)
    assert rules["o\u0323\u0302"] == "ộ"
    normalise = normalizer(charsmap).normalize_str
    alphabet = "aoensOẸɔŋı2ﬁ½한ᄀ\u1161\u11a8\u0301\u0300\u0323\u0329\u0302\u0308\u031b\u200d\ufe0f\x01～"
    random_source = random.Random(7)
    for _ in range(3000):
        text = "".join(random_source.choices(alphabet, k=random_source.randint(1, 8)))
        assert normalise(text) == _expected(text, rules), ascii(text)


def _expected(text: str, rules: dict[str, str]) -> str:
    parts, at = [], 0
    while at < len(text):
        size = next((size for size in (4, 3, 2, 1) if text[at : at + size] in rules and at + size <= len(text)), 0)
        parts.append(rules[text[at : at + size]] if size else text[at])
        at += size or 1
    words = [word for word in "".join(parts).split(" ") if word]
    return "".join("▁" + word for word in words)


def test_merges_hold_every_split_best_piece_first() -> None:
    pieces = ["ab", "abc", "a", "b", "c", "bc"]
    assert merges(pieces) == [("a", "b"), ("a", "bc"), ("ab", "c"), ("b", "c")]


def test_character_class_writes_runs_as_ranges() -> None:
    assert character_class("abcx") == "[a-cx]"
    assert character_class("]^") == "[\\x{5d}\\x{5e}]"


def test_vocabulary_is_padded_to_a_multiple_of_64() -> None:
    tokens = nllb_vocabulary(["a", "b"], ["yor_Latn", "eng_Latn"])
    assert tokens[:9] == ["<s>", "<pad>", "</s>", "<unk>", "a", "b", "eng_Latn", "yor_Latn", "<mask>"]
    assert len(tokens) == 64
    assert tokens[9] == "madeupword0"


def test_directions_go_both_ways() -> None:
    assert directions([("swh_Latn", "eng_Latn")]) == [["eng_Latn", "swh_Latn"], ["swh_Latn", "eng_Latn"]]


def test_a_model_trained_now_is_reproduced(tmp_path: Path) -> None:
    """The same function on a fresh sentencepiece model, compared with sentencepiece itself."""
    sentencepiece = pytest.importorskip("sentencepiece", reason="sentencepiece is in the training extra")
    from training.nmt.recipe import TokenizerRecipe
    from training.nmt.sentencepiece_model import read_sentencepiece_model
    from training.nmt.tokenizer import train_sentencepiece

    texts = [text for text, _ in json.loads(PARITY.read_text(encoding="utf-8"))["cases"] if "\x00" not in text]
    path = train_sentencepiece(texts, TokenizerRecipe(pieces=900, threads=1), tmp_path / "pieces")
    again = train_sentencepiece(texts, TokenizerRecipe(pieces=900, threads=1), tmp_path / "again")
    assert read_sentencepiece_model(path) == read_sentencepiece_model(again)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(path))
    ours = build_tokenizer(read_sentencepiece_model(path), ["eng_Latn", "yor_Latn"])
    for text in texts:
        shifted = [3 if index == 0 else index + 1 for index in theirs.encode(text)]
        assert ours.encode(text).ids == shifted, text
