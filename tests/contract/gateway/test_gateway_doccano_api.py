"""`POST /integrations/doccano`: flat in, flat out."""

from typing import Any

import pytest

from tests.support.gateway import Gateway

URL = "/integrations/doccano"
TEXT = "👩🏽‍🏫 Rais Samia alitembelea Nairobi jana."


async def test_a_text_gets_the_native_answers_spans(gateway: Gateway) -> None:
    (native,) = await gateway.results([{"text": TEXT}])
    response = await gateway.http.post(URL, json={"text": TEXT, "lang": "sw"})
    assert response.status_code == 200
    body = response.json()
    assert body["entities"] == [{key: each[key] for key in ("label", "start", "end")} for each in native["entities"]]
    assert [TEXT[each["start"] : each["end"]] for each in body["entities"]] == ["Rais Samia", "Nairobi"]
    assert body["model_version"]


@pytest.mark.parametrize("text", ["", "  \n", "\u00a0"])
async def test_a_text_without_words_has_no_entities(gateway: Gateway, text: str) -> None:
    response = await gateway.http.post(URL, json={"text": text, "lang": "sw"})
    assert response.status_code == 200
    assert response.json()["entities"] == []


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"lang": "klingon"}, 422, "UnknownLanguage"),
        ({"lang": None}, 422, "InvalidRequest"),
        ({"text": "a" * 20_001}, 422, "TextTooLong"),
        ({"text": "a\0"}, 422, "InvalidText"),
        ({"text": 5}, 422, "InvalidRequest"),
        ({"method": "magic"}, 422, "UnknownMethod"),
        ({"labels": ["ANIMAL"]}, 422, "UnknownLabel"),
        ({"options": {"beem": 1}}, 422, "UnknownOption"),
        ({"colour": "red"}, 422, "InvalidRequest"),
    ],
)
async def test_a_fault_is_an_error_and_never_an_empty_answer(
    gateway: Gateway, change: dict[str, Any], status: int, error: str
) -> None:
    response = await gateway.http.post(URL, json={"text": TEXT, "lang": "sw", **change})
    assert response.status_code == status, response.text
    assert response.json()["error"] == error
    assert "entities" not in response.json()


async def test_labels_and_method_are_passed_on(gateway: Gateway) -> None:
    body = {"text": TEXT, "lang": "sw", "labels": ["LOC"], "method": "heuristic"}
    response = await gateway.http.post(URL, json=body)
    assert [each["label"] for each in response.json()["entities"]] == ["LOC"]
