"""doccano's codec."""

import json

from hypothesis import given

from spanbridge_gateway.integrations.doccano.codec import answer_of, request_of
from spanbridge_gateway.integrations.doccano.wire import DoccanoRequest
from spanbridge_shared.contracts.gateway import Entity, ProjectSentencesResponse, SentenceResult
from tests.support.scripts import labelled_texts

LABELS = ["LOC", "ORG", "PER"]


@given(labelled_texts(LABELS))
def test_an_answer_loses_nothing_and_keeps_order(given: tuple[str, list[tuple[int, int, str]]]) -> None:
    text, spans = given
    entities = [Entity(start=s, end=e, text=text[s:e], label=label, score=0.5) for s, e, label in spans]
    result = SentenceResult(id="0", text=text, lang="swh_Latn", entities=entities)
    answer = answer_of(ProjectSentencesResponse(model_version="v1", results=[result]))
    read = json.loads(answer.model_dump_json())
    assert [(each["start"], each["end"], each["label"]) for each in read["entities"]] == spans
    assert [text[each["start"] : each["end"]] for each in read["entities"]] == [each.text for each in entities]
    assert read["model_version"] == "v1"


def test_a_request_holds_what_was_asked_for() -> None:
    body = DoccanoRequest(text="Samia", lang="sw", method="student", labels=["PER"], options={"min_score": 0.2})
    request = request_of(body)
    assert request.sentences[0].text == "Samia"
    assert (request.lang, request.method, request.labels, request.options) == (
        "sw",
        "student",
        ["PER"],
        {"min_score": 0.2},
    )
    assert "labels" in request.model_fields_set


def test_labels_that_nobody_asked_for_need_not_be_given() -> None:
    assert "labels" not in request_of(DoccanoRequest(text="Samia", lang="sw")).model_fields_set
