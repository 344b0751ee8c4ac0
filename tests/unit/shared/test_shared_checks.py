import pytest

from spanbridge_shared.errors import EmptyText, InvalidText, InvalidTokens, TextTooLong
from spanbridge_shared.text.checks import MAX_CHARS, MAX_TOKENS, check_text, check_tokens, replace_surrogates


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("", EmptyText, "at least one word"),
        (" \n\t\u3000\x1c", EmptyText, "at least one word"),
        ("a" * (MAX_CHARS + 1), TextTooLong, "20,001 characters, at most 20,000"),
        ("ab\ud800c", InvalidText, r"lone surrogate \(U\+D800\) at offset 2"),
        ("🙂\udfff", InvalidText, r"U\+DFFF\) at offset 1"),
        ("a\0", InvalidText, r"NUL character \(U\+0000\) at offset 1"),
    ],
)
def test_bad_texts_are_told_what_is_wrong(text, kind, told):
    with pytest.raises(kind, match=told):
        check_text(text)


@pytest.mark.parametrize("text", ["a", "a" * MAX_CHARS, "👨‍👩‍👧", "e\u0301", "שלום", "\ufeffa", " a\n", "\ud7ff\ue000"])
def test_good_texts_pass(text):
    check_text(text)


@pytest.mark.parametrize(
    ("tokens", "kind", "told"),
    [
        ([], EmptyText, "list of tokens is empty"),
        (["a", ""], InvalidTokens, "token 1 is empty"),
        (["a b"], InvalidTokens, r"token 0 \('a b'\) has white space"),
        (["a\u00a0"], InvalidTokens, "white space"),
        (["\x1c"], InvalidTokens, "white space"),
        (["a", "\ud800"], InvalidText, "token 1 has a lone surrogate"),
        (["\0"], InvalidText, "token 0 has a NUL"),
        (["a"] * (MAX_TOKENS + 1), TextTooLong, "5,001 tokens, at most 5,000"),
        (["a" * 4_000] * 5, TextTooLong, "20,004 characters, at most 20,000"),
        (["x " * 100], InvalidTokens, "token 0"),
    ],
)
def test_bad_tokens_are_told_what_is_wrong(tokens, kind, told):
    with pytest.raises(kind, match=told) as fault:
        check_tokens(tokens)
    assert len(fault.value.detail) < 200


def test_good_tokens_pass_and_limits_are_inclusive():
    check_tokens(["a"] * MAX_TOKENS)
    check_tokens(["a" * MAX_CHARS])
    check_tokens(["abc", "d"], max_chars=5, max_tokens=2)
    with pytest.raises(TextTooLong):
        check_tokens(["abc", "d"], max_chars=4)


def test_surrogates_are_replaced_one_by_one():
    assert replace_surrogates("a\ud83d\ude42b🙂\ud800") == "a\ufffd\ufffdb🙂\ufffd"
    assert replace_surrogates("\ud7ff\ue000") == "\ud7ff\ue000"
