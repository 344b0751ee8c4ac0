"""The shipped encoder: checksums, size, tokenizer. Needs no torch."""

import json
import shutil
from pathlib import Path

import pytest

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers comes with the alignment service")

from training.encoder.manifest import SHIPPED, ChecksumError, verify

MODEL = Path(__file__).parents[3] / "models" / "encoder"
KEYS = {"kind", "name", "licence", "layer", "hidden_size", "max_tokens", "prefix", "files"}


@pytest.fixture(name="tokenizer", scope="module")
def shipped_tokenizer():  # type: ignore[no-untyped-def]
    return tokenizers.Tokenizer.from_file(str(MODEL / "tokenizer.json"))


def test_manifest_matches_the_files() -> None:
    manifest = verify(MODEL)
    assert set(manifest.files) == set(SHIPPED)
    assert set(json.loads((MODEL / "spanbridge.json").read_text("utf-8"))) == KEYS
    assert (manifest.kind, manifest.licence, manifest.layer, manifest.hidden_size) == (
        "encoder",
        "CC-BY-NC-4.0",
        7,
        384,
    )


def test_a_changed_file_is_found(tmp_path: Path) -> None:
    copy = shutil.copytree(MODEL, tmp_path / "encoder")
    (copy / "config.json").write_text("{}", "utf-8")
    with pytest.raises(ChecksumError, match=r"config\.json"):
        verify(copy)


def test_the_folder_stays_within_its_size() -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) <= 30_000_000


def test_ids_are_those_of_the_model_vocabulary(tokenizer) -> None:  # type: ignore[no-untyped-def]
    vocabulary = json.loads((MODEL / "vocabulary.json").read_text("utf-8"))
    assert vocabulary[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    assert tokenizer.get_vocab() == {piece: i for i, piece in enumerate(vocabulary)}


@pytest.mark.parametrize("text", ["</s>", "<pad>", "<s> <unk>", "a</s>b", "＜/s＞"])
def test_special_names_typed_by_a_user_are_text(tokenizer, text: str) -> None:  # type: ignore[no-untyped-def]
    ids = tokenizer.encode(text.split(), is_pretokenized=True).ids
    assert (ids[0], ids[-1]) == (0, 2)
    assert set(ids[1:-1]).isdisjoint({0, 1, 2, 3})


@pytest.mark.parametrize("text", ["Ẹ káàbọ̀ sí Èkó", "Привіт, світе", "ሰላም ለዓለም", "مرحبا", "שלום", "नमस्ते", "Ελλάδα"])
def test_served_and_cheap_scripts_are_known(tokenizer, text: str) -> None:  # type: ignore[no-untyped-def]
    assert 3 not in tokenizer.encode(text).ids


def test_word_ids_follow_the_words_given(tokenizer) -> None:  # type: ignore[no-untyped-def]
    encoding = tokenizer.encode(["Abdulkadir", "\x01", "1/2"], is_pretokenized=True)
    assert set(encoding.word_ids) == {None, 0, 2}
