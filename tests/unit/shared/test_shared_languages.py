import re

import pytest

from spanbridge_shared.errors import UnknownLanguage
from spanbridge_shared.text.languages import languages, nearest_codes, resolve_language
from spanbridge_shared.text.sentences import split_sentences

ALL = list(languages().values())


def test_every_row_is_well_formed_and_in_order():
    assert len(ALL) >= 204
    assert [each.code for each in ALL] == sorted(each.code for each in ALL)
    for each in ALL:
        assert re.fullmatch(r"[a-z]{3}_[A-Z][a-z]{3}", each.code), each
        assert each.name == each.name.strip() != "", each
        for alias in each.aliases:
            assert re.fullmatch(r"[a-z]{2,3}(_[A-Za-z]{2,8})?", alias), each


def test_codes_names_and_aliases_are_unique():
    aliases = [alias.lower() for each in ALL for alias in each.aliases]
    assert len(aliases) == len(set(aliases))
    assert len({each.name for each in ALL}) == len(ALL)
    assert not set(aliases) & {each.code.lower() for each in ALL}


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("sw", "swh_Latn"),
        ("swa", "swh_Latn"),
        ("swh", "swh_Latn"),
        ("swh_Latn", "swh_Latn"),
        (" SWH_LATN ", "swh_Latn"),
        ("swh-Latn", "swh_Latn"),
        ("yo", "yor_Latn"),
        ("yor", "yor_Latn"),
        ("zh", "zho_Hans"),
        ("ar", "arb_Arab"),
        ("ara", "arb_Arab"),
        ("am", "amh_Ethi"),
        ("en", "eng_Latn"),
        ("fr", "fra_Latn"),
        ("ha", "hau_Latn"),
        ("pcm", "pcm_Latn"),
        ("bbj", "bbj_Latn"),
        ("mos", "mos_Latn"),
        ("ru", "rus_Cyrl"),
    ],
)
def test_iso_codes_lead_to_flores(typed, code):
    assert resolve_language(typed) == code


def test_every_code_and_alias_leads_to_its_row():
    for each in ALL:
        assert resolve_language(each.code) == each.code
        assert all(resolve_language(alias) == each.code for alias in each.aliases)
        assert resolve_language(each.iso639_3) in languages()


def test_every_language_can_be_split_into_sentences():
    for each in ALL:
        assert split_sentences("Ab cd ef. Gh ij.", each.code)[0].start == 0


@pytest.mark.parametrize(
    ("typed", "near"), [("swahili", "swh_Latn"), ("Yorùbá", "yor_Latn"), ("swh_Latin", "swh_Latn")]
)
def test_an_unknown_code_names_the_nearest(typed, near):
    with pytest.raises(UnknownLanguage, match=near):
        resolve_language(typed)


@pytest.mark.parametrize("typed", ["", " ", "x" * 10_000, "\ud800", "\0", "🙂"])
def test_nonsense_still_names_three_codes(typed):
    with pytest.raises(UnknownLanguage) as fault:
        resolve_language(typed)
    assert len(nearest_codes(typed)) == 3
    assert len(fault.value.detail) < 200
