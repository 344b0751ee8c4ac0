"""The pruning rules and the reachability of special pieces; needs the tokenizers library alone."""

import math
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("tokenizers", reason="the recipe needs the training extra")

from training.encoder.scripts import piece_script
from training.encoder.selection import VocabularyRecipe, piece_rates, select
from training.encoder.tokenizer import SPECIALS, UNK_ID, build_tokenizer, is_reachable

VOCABULARY = Path(__file__).parents[3] / "training" / "encoder" / "vocabulary.toml"
LETTERS = [("▁", -2.0), ("a", -3.0), ("b", -3.0), ("<", -4.0), ("/", -4.0), ("s", -4.0), (">", -4.0), ("中", -9.0)]
WORDS = [("▁ab", -3.0), ("▁ba", -3.5), ("▁aab", -9.0), ("ሰላም", -9.0), ("中国", -3.0), ("▁مر", -3.0)]
PIECES = [(name, 0.0) for name in SPECIALS] + LETTERS + WORDS


def kept_pieces(size: int) -> list[str]:
    counts = {("x", "▁ba"): 9, ("x", "▁ab"): 1, ("y", "▁aab"): 5}
    rates = piece_rates(PIECES, counts, VocabularyRecipe(size, prior=0.1, other=0.001, weights={"x": 1.0}))
    return [PIECES[i][0] for i in select(PIECES, rates, size=size).kept]


def test_special_pieces_keep_their_ids_and_order_is_the_original_one() -> None:
    kept = kept_pieces(14)
    assert kept[:4] == list(SPECIALS)
    assert kept == [piece for piece, _ in PIECES if piece in kept]


def test_han_characters_and_words_of_unserved_scripts_go() -> None:
    kept = kept_pieces(len(PIECES))
    assert {"中", "中国", "▁مر"}.isdisjoint(kept)
    assert "ሰላም" in kept


def test_the_most_used_piece_is_kept_first() -> None:
    assert "▁ba" in kept_pieces(12)
    assert "▁ab" not in kept_pieces(12)


def test_a_language_of_small_weight_comes_last() -> None:
    assert "▁aab" not in kept_pieces(13)
    assert "▁aab" in kept_pieces(14)


def test_a_size_too_small_for_the_characters_is_refused() -> None:
    with pytest.raises(ValueError, match="more than the size 5"):
        kept_pieces(5)


def test_rates_weigh_every_language_as_told() -> None:
    pieces = [("a", math.log(0.5)), ("b", math.log(0.5))]
    rates = piece_rates(pieces, {("big", "a"): 1000, ("small", "b"): 1}, VocabularyRecipe(2, weights={"small": 3.0}))
    assert rates == {"a": 0.25, "b": 0.75}


def test_a_weight_for_a_language_never_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing was counted for zz"):
        piece_rates([("a", -1.0)], {("x", "a"): 1}, VocabularyRecipe(2, weights={"zz": 0.9}))


def test_the_shipped_recipe_can_be_read() -> None:
    recipe = VocabularyRecipe(**tomllib.loads(VOCABULARY.read_text("utf-8")))
    assert recipe.size % 64 == 0
    assert recipe.weights["eng"] > recipe.other


@pytest.mark.parametrize(("piece", "script"), [("▁ɛ̃", "LATIN"), ("▁жа", "CYRILLIC"), ("12", "COMMON"), ("aж", "MIXED")])
def test_script_of_a_piece(piece: str, script: str) -> None:
    assert piece_script(piece) == script


@pytest.mark.parametrize("text", ["</s>", "<s>", "a</s>b", "＜／s＞"])
def test_special_names_in_text_stay_text(text: str) -> None:
    ids = build_tokenizer(PIECES).encode(text, add_special_tokens=False).ids
    assert ids
    assert set(ids).isdisjoint(range(UNK_ID + 1))


def test_no_special_name_is_reachable() -> None:
    assert not any(is_reachable(name) for name in SPECIALS)
