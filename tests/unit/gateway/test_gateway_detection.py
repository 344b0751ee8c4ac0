"""`lang: "auto"`."""

import pytest

from spanbridge_gateway.detection import detect_language
from spanbridge_shared.errors import LanguageUndetermined

SWAHILI = "Rais wa Tanzania alitembelea mji wa Nairobi jana na kukutana na viongozi wa serikali ya Kenya."
GERMAN = "Die Bundeskanzlerin besuchte gestern die Stadt Rom und traf dort den Präsidenten der Republik."


@pytest.mark.parametrize(("text", "lang"), [(SWAHILI, "swh_Latn"), (GERMAN, "deu_Latn")])
def test_a_clear_text_is_told(text: str, lang: str) -> None:
    assert detect_language([text], ["swh_Latn"]) == lang


@pytest.mark.parametrize("texts", [["123"], ["\u0001\ufffe"], ["a"], [SWAHILI, GERMAN]])
def test_an_unclear_text_is_refused_with_what_is_served(texts: list[str]) -> None:
    with pytest.raises(LanguageUndetermined, match="served: swh_Latn"):
        detect_language(texts, ["swh_Latn"])


def test_candidates_are_named() -> None:
    with pytest.raises(LanguageUndetermined, match=r"swh_Latn \(Swahili, \d+%\)"):
        detect_language([SWAHILI, GERMAN], ["swh_Latn"])


def test_a_name_and_a_number_are_no_evidence() -> None:
    """pycld2's best effort called this English, for certain."""
    with pytest.raises(LanguageUndetermined, match="eng_Latn"):
        detect_language(["Samia 2023"], ["swh_Latn"])


def test_two_languages_in_two_sentences_are_refused() -> None:
    """Together they were "English, 99%, reliable", and the Swahili one was labelled as English."""
    english = "The president of the republic visited the city yesterday and met the leaders of the government."
    with pytest.raises(LanguageUndetermined, match=r"swh_Latn.*eng_Latn|eng_Latn.*swh_Latn"):
        detect_language([SWAHILI, english], ["swh_Latn"])


def test_a_few_words_of_another_language_are_outvoted() -> None:
    assert detect_language([SWAHILI] * 9 + ["The president visited the city."], ["swh_Latn"]) == "swh_Latn"
