"""`method: "student"`, and `transfer` by a teacher that is named."""

import pytest

from tests.support.gateway import Gateway
from tests.support.teachers import MadeUpTeachers

SENTENCE = {"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}


async def test_the_student_labels_the_sentence_itself_in_one_call(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    gateway.count_calls()
    (result,) = await gateway.results([SENTENCE], method="student", include=["tokens", "translation"])
    assert [(each["text"], each["label"], each["score"]) for each in result["entities"]] == [
        ("Samia", "PER", 0.9),
        ("Nairobi", "LOC", 0.95),
    ]
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O", "O"]
    assert result["translation"] is None
    assert set(result["timings_ms"]) == {"ner"}
    assert teachers.asked == [("student", 1)]
    assert "translation" not in gateway.calls


async def test_a_batch_of_the_student_equals_single_sentences(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    texts = ["Rais Samia alifika.", "Hakuna jina hapa.", "Nairobi ni mji. Kampala pia.", ""]
    batch = await gateway.results([{"id": text, "text": text} for text in texts], method="student")
    assert teachers.asked == [("student", 4)]  # Segments: the third has two, the last none.
    for text, together in zip(texts, batch, strict=True):
        (alone,) = await gateway.results([{"id": text, "text": text}], method="student")
        for result in (alone, together):
            del result["timings_ms"]
            if result["error"] is not None:
                del result["error"]["request_id"]
        assert alone == together


async def test_entities_below_the_score_and_other_labels_are_left_out(
    gateway: Gateway, teachers: MadeUpTeachers
) -> None:
    (result,) = await gateway.results([SENTENCE], method="student", options={"min_score": 0.92})
    assert [each["text"] for each in result["entities"]] == ["Nairobi"]
    (result,) = await gateway.results([SENTENCE], method="student", labels=["PER"])
    assert [each["text"] for each in result["entities"]] == ["Samia"]
    assert teachers.asked == [("student", 1), ("student", 1)]


async def test_without_a_student_the_error_says_what_to_do(gateway: Gateway) -> None:
    response = await gateway.project([SENTENCE], method="student")
    assert (response.status_code, response.json()["error"]) == (422, "MissingTeacher")
    detail = response.json()["detail"]
    assert "SPANBRIDGE_NER_TEACHER_STUDENT" in detail
    assert "spanbridge distill" in detail


async def test_a_language_that_the_student_lacks_is_refused_with_those_that_it_has(
    gateway: Gateway, teachers: MadeUpTeachers
) -> None:
    response = await gateway.project([SENTENCE], lang="yor_Latn", method="student")
    assert (response.status_code, response.json()["error"]) == (422, "MissingTeacher")
    assert "lug_Latn, swh_Latn" in response.json()["detail"]
    assert teachers.asked == []


async def test_transfer_asks_the_teacher_that_is_named(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    (own,) = await gateway.results([SENTENCE], method="transfer")
    (named,) = await gateway.results([SENTENCE], method="transfer", options={"teacher": "student"})
    assert [each["text"] for each in own["entities"]] == ["Nairobi", "jana"]
    assert [each["text"] for each in named["entities"]] == ["Samia", "Nairobi"]
    assert teachers.asked == [("", 1), ("student", 1)]


@pytest.mark.parametrize(("teacher", "told"), [("llm", "SPANBRIDGE_NER_TEACHER"), ("magic", "no teacher 'magic'")])
async def test_a_teacher_that_is_not_there_is_told(
    gateway: Gateway, teachers: MadeUpTeachers, teacher: str, told: str
) -> None:
    response = await gateway.project([SENTENCE], method="transfer", options={"teacher": teacher})
    assert (response.status_code, response.json()["error"]) == (422, "MissingTeacher")
    assert told in response.json()["detail"]
    assert "multilingual, student" in response.json()["detail"]
    assert teachers.asked == []


async def test_the_student_is_listed_where_it_serves(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    assert teachers.asked == []
    listed = (await gateway.http.get("/v1/languages")).json()["languages"]
    methods = {each["code"]: each["methods"] for each in listed}
    assert methods["swh_Latn"] == ["candidates", "heuristic", "transfer", "student", "ensemble"]
    assert methods["yor_Latn"] == ["candidates", "heuristic", "transfer", "ensemble"]
