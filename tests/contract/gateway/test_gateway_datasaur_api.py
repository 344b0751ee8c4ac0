"""Datasaur's custom API against stub services."""

from typing import Any

import pytest

from tests.support.gateway import Gateway


def body(*texts: str) -> dict[str, Any]:
    sentences = [{"id": number, "text": text} for number, text in enumerate(texts)]
    return {"id": "project", "name": "p", "documents": [{"id": "d1", "sentences": sentences}]}


async def label(gateway: Gateway, content: Any, query: str = "lang=sw") -> tuple[int, Any]:
    response = await gateway.http.post(f"/integrations/datasaur?{query}", json=content)
    return response.status_code, response.json()


async def test_every_sentence_gets_its_entities(gateway: Gateway) -> None:
    status, answer = await label(gateway, body("🇰🇪 Samia yuko Nairobi", "hakuna", "Nairobi"))
    assert status == 200
    assert answer == {
        "id": "project",
        "documents": [
            {
                "id": "d1",
                "labels": [
                    {
                        "id": 0,
                        "entities": [
                            {"label": "PER", "start_char": 3, "end_char": 8, "layer": 0},
                            {"label": "LOC", "start_char": 14, "end_char": 21, "layer": 0},
                        ],
                    },
                    {"id": 1, "entities": []},
                    {"id": 2, "entities": [{"label": "LOC", "start_char": 0, "end_char": 7, "layer": 0}]},
                ],
            }
        ],
    }


async def test_documents_keep_their_order_and_ids(gateway: Gateway) -> None:
    content = body("Samia")
    content["documents"] += [{"id": 7, "sentences": []}, {"sentences": [{"id": "a", "text": "Nairobi", "more": 1}]}]
    _, answer = await label(gateway, content)
    assert [each["id"] for each in answer["documents"]] == ["d1", 7, None]
    assert [[row["id"] for row in each["labels"]] for each in answer["documents"]] == [[0], [], ["a"]]


async def test_a_sentence_without_words_has_no_entities(gateway: Gateway) -> None:
    _, answer = await label(gateway, body("", "Samia", "\0"))
    assert [len(each["entities"]) for each in answer["documents"][0]["labels"]] == [0, 1, 0]


@pytest.mark.parametrize("documents", [[], [{"id": "1", "sentences": []}]])
async def test_nothing_to_label_is_no_fault(gateway: Gateway, documents: list[Any]) -> None:
    status, answer = await label(gateway, {"id": "p", "documents": documents}, "lang=auto")
    assert status == 200
    assert [each["labels"] for each in answer["documents"]] == [[] for _ in documents]


@pytest.mark.parametrize(
    ("content", "query", "error"),
    [
        ({"id": "p"}, "lang=sw", "InvalidRequest"),
        ({"documents": [{"sentences": [{"id": 0}]}]}, "lang=sw", "InvalidRequest"),
        (body("Samia"), "lang=xx", "UnknownLanguage"),
        (body("Samia"), "lang=sw&method=none", "UnknownMethod"),
        (body(*["a"] * 10_001), "lang=sw", "PayloadTooLarge"),
    ],
)
async def test_faults_are_told(gateway: Gateway, content: Any, query: str, error: str) -> None:
    status, answer = await label(gateway, content, query)
    assert status in (413, 422)
    assert answer["error"] == error
