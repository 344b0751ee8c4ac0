"""A second English teacher for the labels that the first was not made for, and the embedded default."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge_ner_teacher import posts
from spanbridge_ner_teacher.backends.base import Labelled, TeacherCard
from spanbridge_ner_teacher.backends.joined_teacher import JoinedTeacher
from spanbridge_ner_teacher.core.joining import joined
from spanbridge_ner_teacher.core.sentences import Entity, Sentence
from spanbridge_ner_teacher.engine import NerTeacherEngine
from spanbridge_ner_teacher.settings import NerTeacherSettings
from spanbridge_shared.contracts.ner import NerItem, NerRequest, ProbabilitiesRequest
from spanbridge_shared.errors import ConfigurationError, MissingTeacher, TeacherUnavailable
from spanbridge_shared.text.spans import Span


class Fixed:
    """Labels the word `word` wherever it stands."""

    def __init__(self, word: str, labels: tuple[str, ...], languages: tuple[str, ...] = ("*",)) -> None:
        self.word, self.sizes = word, list[int]()
        self.card = TeacherCard(f"fixed:{word}", f"{word}-1", labels, languages, parallel_calls=2)

    def entities(self, sentences: Sequence[Sentence]) -> list[list[Entity]]:
        self.sizes.append(len(sentences))
        found = []
        for sentence in sentences:
            words, places = sentence.words()
            hits = [place for word, place in zip(words, places, strict=True) if word == self.word]
            found.append([Entity(place, self.card.labels[0], 0.9) for place in hits])
        return found


def entity(start: int, end: int, label: str) -> Entity:
    return Entity(Span(start, end), label, 0.5)


spans = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3), st.sampled_from(["PER", "DATE"])), max_size=6)


@given(spans, spans)
def test_joining_keeps_all_of_the_first_and_never_overlaps_it(
    one: list[tuple[int, int, str]], other: list[tuple[int, int, str]]
) -> None:
    first = [entity(start, start + size, "PER") for start, size, _ in one]
    second = [entity(start, start + size, label) for start, size, label in other]
    found = joined(first, second, {"DATE"})
    added = [each for each in found if each.label == "DATE"]
    assert [each for each in found if each.label == "PER"] == sorted(first, key=lambda each: each.span)
    assert set(added) <= set(second)
    for each in added:
        assert not any(each.span.start < o.span.end and o.span.start < each.span.end for o in first)
    assert [each.span for each in found] == sorted(each.span for each in found)


def test_the_second_teacher_gives_only_labels_that_the_first_lacks() -> None:
    first, second = Fixed("Lagos", ("LOC", "PER")), Fixed("Monday", ("DATE", "PER"), ("eng_Latn",))
    both = JoinedTeacher(first, second)
    assert both.card.labels == ("LOC", "PER", "DATE")
    assert both.card.languages == ("eng_Latn",)
    assert both.card.model_version == "Lagos-1+Monday-1"
    assert both.card.tags is None
    sentences = [Sentence("eng_Latn", text="Lagos on Monday"), Sentence("eng_Latn", tokens=("Monday",))]
    found = both.entities(sentences)
    assert [[(each.label, *each.span) for each in entities] for entities in found] == [
        [("LOC", 0, 5), ("DATE", 9, 15)],
        [("DATE", 0, 1)],
    ]


def test_a_second_teacher_without_a_label_of_its_own_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ENGLISH_MORE"):
        JoinedTeacher(Fixed("Lagos", ("LOC",)), Fixed("Kano", ("LOC",)))


def joined_engine(monkeypatch: pytest.MonkeyPatch) -> tuple[NerTeacherEngine, dict[str, Fixed]]:
    opened: dict[str, Fixed] = {}

    def open_teacher(spec: object, settings: object) -> Fixed:
        model = getattr(spec, "model", "")
        assert model not in opened
        opened[model] = Fixed("Lagos", ("LOC",)) if model == "one" else Fixed("Monday", ("DATE",), ("eng_Latn",))
        return opened[model]

    monkeypatch.setattr(posts, "open_teacher", open_teacher)
    settings = NerTeacherSettings(
        english="ctranslate2:one",
        english_more="spacy:two",
        multilingual="ctranslate2:one",
        student="",
        cache_url="none://",
    )
    return NerTeacherEngine(settings), opened


async def test_the_second_teacher_is_spared_where_none_of_its_labels_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    service, opened = joined_engine(monkeypatch)
    await service.start()
    try:
        item = [NerItem(text="Lagos Monday")]
        second = opened["two"]
        warm = len(second.sizes)
        answers = {
            wanted: await service.ner(NerRequest(sentences=item, labels=list(wanted)))
            for wanted in (("LOC",), ("PER",), ("DATE",), ("LOC", "DATE"))
        }
        assert {wanted: [each.label for each in answer.results[0].entities] for wanted, answer in answers.items()} == {
            ("LOC",): ["LOC"],
            ("PER",): [],
            ("DATE",): ["DATE"],
            ("LOC", "DATE"): ["LOC", "DATE"],
        }
        assert len(second.sizes) == warm + 2
        assert answers["LOC",].model_version == "Lagos-1"
        assert answers["DATE",].model_version == "Lagos-1+Monday-1"
    finally:
        await service.stop()


async def test_the_engine_serves_both_for_english_and_the_first_alone_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, opened = joined_engine(monkeypatch)
    await service.start()
    try:
        assert sorted(opened) == ["one", "two"]
        item = [NerItem(text="Lagos Monday")]
        (english,) = (await service.ner(NerRequest(sentences=item))).results
        (yoruba,) = (await service.ner(NerRequest(sentences=item, lang="yor_Latn"))).results
        assert [each.label for each in english.entities] == ["LOC", "DATE"]
        assert [each.label for each in yoruba.entities] == ["LOC"]
        assert [teacher.languages for teacher in service.info().teachers] == [["eng_Latn"], ["*"]]
        with pytest.raises(MissingTeacher):
            await service.probabilities(ProbabilitiesRequest(sentences=item, lang="yor_Latn"))
    finally:
        await service.stop()


def test_english_more_needs_an_english_teacher() -> None:
    with pytest.raises(ValueError, match="english_more"):
        NerTeacherSettings(english="", english_more="spacy:x", multilingual="stub:")


def test_the_embedded_teacher_serves_other_languages_where_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANBRIDGE_MODELS_DIR", str(tmp_path))
    monkeypatch.delenv("SPANBRIDGE_NER_TEACHER_MULTILINGUAL", raising=False)
    assert NerTeacherSettings().multilingual == ""
    (tmp_path / "teacher").mkdir()
    (tmp_path / "teacher" / "spanbridge.json").write_text("{}", encoding="utf-8")
    assert NerTeacherSettings().multilingual == "ctranslate2:teacher"
    monkeypatch.setenv("SPANBRIDGE_NER_TEACHER_MULTILINGUAL", "")
    assert NerTeacherSettings().multilingual == ""


class Failing(Fixed):
    """Can't label the word `word`."""

    def entities(self, sentences: Sequence[Sentence]) -> list[Labelled]:  # type: ignore[override]
        found = super().entities(sentences)
        return [TeacherUnavailable("down") if each else [] for each in found]


@pytest.mark.parametrize("first_fails", [True, False])
def test_an_error_of_either_teacher_is_that_sentences_answer(*, first_fails: bool) -> None:
    kinds = (Failing, Fixed) if first_fails else (Fixed, Failing)
    both = JoinedTeacher(kinds[0]("Lagos", ("LOC",)), kinds[1]("Monday", ("DATE",)))
    broken, whole = both.entities(
        [Sentence("eng_Latn", text="Lagos Monday"), Sentence("eng_Latn", text="Monday" if first_fails else "Lagos")]
    )
    assert isinstance(broken, TeacherUnavailable)
    assert isinstance(whole, list)
    assert [each.label for each in whole] == ["DATE" if first_fails else "LOC"]
