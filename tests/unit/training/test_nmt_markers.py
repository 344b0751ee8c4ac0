"""The measure of markers: which names are marked, and what counts as kept."""

from collections.abc import Sequence

import pytest

pytest.importorskip("ctranslate2", reason="ctranslate2 is in the translation service's dependencies")
pytest.importorskip("sacrebleu", reason="sacrebleu is in the training extra")
pytest.importorskip("tqdm", reason="tqdm is in the training extra")

from spanbridge_shared.contracts.options import MarkerStyle
from spanbridge_shared.text.spans import Span
from training.nmt.markers import found_again, prompts, survival, table
from training.nmt.recipe import EvaluateRecipe

PAIRS = [
    ("Leo mvua ilinyesha.", "It rained today."),
    ("Rais Samia alitembelea Nairobi.", "President Samia visited Nairobi."),
    ("Jana alikuwa Uganda.", "Yesterday he was in Uganda."),
]


class _Canned:
    """Answers with given translations and keeps what it was asked."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        self.asked += texts
        return self.answers


def test_names_are_marked_in_english_and_where_the_text_has_them_too() -> None:
    chosen = prompts(PAIRS, "eng_Latn", EvaluateRecipe())
    marked = {
        direction: [[text[span.start : span.end] for span in spans] for text, spans in texts]
        for direction, texts in chosen.items()
    }
    assert marked == {"from": [["President Samia", "Nairobi"], ["Uganda"]], "into": [["Nairobi"], ["Uganda"]]}
    fewer = prompts(PAIRS, "eng_Latn", EvaluateRecipe(marked_sentences=1, marked_spans=1))
    assert [spans for _, spans in fewer["from"]] == [[Span(0, 15)]]


def test_a_name_is_found_as_a_whole_word_alone() -> None:
    assert found_again(["Ali"], "Alipofika Samia") == []
    assert found_again(["Samia Suluhu", "Samia"], "Samia Suluhu") == [Span(0, 12)]


def test_pairs_that_come_back_are_counted_at_most_as_often_as_they_were_put() -> None:
    texts = [("Samia saw Ali", [Span(0, 5), Span(10, 13)]), ("Kano", [Span(0, 4)]), ("Lagos", [Span(0, 5)])]
    canned = _Canned(["[Samia] alimwona Ali", "[Ka] [no]", "Lagos]"])
    found = survival(canned, texts, "eng_Latn", "swh_Latn", MarkerStyle.BRACKETS)  # type: ignore[arg-type]
    assert canned.asked == ["[Samia] saw [Ali]", "[Kano]", "[Lagos]"]
    assert (found.sentences, found.put, found.kept, found.intact) == (3, 4, 2, 0)


def test_the_table_has_both_directions_of_a_language_and_all_together() -> None:
    def figures(source: str, target: str, kept: int, intact: int) -> dict[str, object]:
        return {"source": source, "target": target, "sentences": 4, "put": 10, "kept": kept, "intact": intact}

    found = [
        figures("eng_Latn", "swh_Latn", 9, 3),
        figures("swh_Latn", "eng_Latn", 10, 4),
        figures("eng_Latn", "yor_Latn", 5, 1),
    ]
    lines = table({"style": "brackets", "pivot": "eng_Latn", "found": found}).splitlines()
    assert lines[2:] == [
        "| swh_Latn | 90 (75) | 100 (100) |",
        "| yor_Latn | 50 (25) | – |",
        "| **all** | 70 (50) | 100 (100) |",
    ]
