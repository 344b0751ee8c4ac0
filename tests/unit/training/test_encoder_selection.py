"""The pruning rules and the reachability of special pieces; needs the tokenizers library alone."""

import math

import pytest

pytest.importorskip("tokenizers", reason="the recipe needs the training extra")

from training.encoder.scripts import piece_script
from training.encoder.selection import guaranteed_pieces, piece_rates, select
from training.encoder.tokenizer import SPECIALS, UNK_ID, build_tokenizer, is_reachable

LETTERS = [("▁", -2.0), ("a", -3.0), ("b", -3.0), ("<", -4.0), ("/", -4.0), ("s", -4.0), (">", -4.0), ("中", -9.0)]
WORDS = [("▁ab", -3.0), ("▁ba", -3.5), ("▁aab", -9.0), ("ሰላም", -9.0), ("中国", -3.0), ("▁مر", -3.0)]
PIECES = [(name, 0.0) for name in SPECIALS] + LETTERS + WORDS


def kept_pieces(size: int, guaranteed: set[str]) -> list[str]:
    rates = piece_rates(PIECES, {("x", "▁ba"): 9, ("x", "▁ab"): 1}, prior=0.1)
    return [PIECES[i][0] for i in select(PIECES, rates, guaranteed, size=size).kept]


def test_special_pieces_keep_their_ids_and_order_is_the_original_one() -> None:
    kept = kept_pieces(14, set())
    assert kept[:4] == list(SPECIALS)
    assert kept == [piece for piece, _ in PIECES if piece in kept]


def test_han_characters_and_words_of_unserved_scripts_go() -> None:
    kept = kept_pieces(len(PIECES), set())
    assert {"中", "中国", "▁مر"}.isdisjoint(kept)
    assert "ሰላም" in kept


def test_the_most_used_piece_is_kept_first() -> None:
    assert "▁ba" in kept_pieces(13, set())
    assert "▁ab" not in kept_pieces(13, set())


def test_a_guaranteed_piece_goes_before_a_more_used_one() -> None:
    kept = kept_pieces(13, {"▁aab"})
    assert "▁aab" in kept
    assert "▁ba" not in kept


def test_a_size_too_small_for_the_rules_is_refused() -> None:
    with pytest.raises(ValueError, match="more than --size 5"):
        kept_pieces(5, set())


def test_rates_weigh_every_language_the_same() -> None:
    pieces = [("a", math.log(0.5)), ("b", math.log(0.5))]
    rates = piece_rates(pieces, {("big", "a"): 1000, ("small", "b"): 1}, prior=0)
    assert rates == {"a": 0.5, "b": 0.5}


def test_a_guarantee_for_a_language_never_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing was counted for 'zz'"):
        guaranteed_pieces({("x", "a"): 1}, {"zz": 0.9})


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
