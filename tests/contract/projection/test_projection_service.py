"""The projection service over HTTP, in process."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from spanbridge_projection.app import create_app
from spanbridge_projection.settings import ProjectionSettings
from spanbridge_shared.clients.services import ProjectionClient
from spanbridge_shared.contracts.projection import CandidatesRequest, ProjectRequest

ITEM: dict[str, Any] = {
    "source_entities": [{"start": 0, "end": 2, "label": "PER", "score": 0.9}, {"start": 3, "end": 4, "label": "LOC"}],
    "links": [[0, 0, 1.0], [1, 1, 1.0], [2, 2, 1.0], [3, 3, 0.4]],
    "target_tokens": ["Rais", "Samia", "alitembelea", "Nairobi", "jana", "."],
}
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
ROWS = [
    [0.1, 0.9, 0, 0, 0],
    [0.1, 0, 0.9, 0, 0],
    [1, 0, 0, 0, 0],
    [0.2, 0, 0, 0.8, 0],
    [1, 0, 0, 0, 0],
    [1, 0, 0, 0, 0],
]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(ProjectionSettings(log_level="ERROR"))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://projection") as client,
    ):
        yield client


async def project(http: httpx.AsyncClient, *items: dict[str, Any], **rest: Any) -> list[dict[str, Any]]:
    response = await http.post("/v1/project", json={"sentences": items} | rest)
    assert response.status_code == 200, response.text
    return list(response.json()["results"])


async def test_info_names_the_code_version(http: httpx.AsyncClient) -> None:
    info = (await http.get("/v1/info")).json()
    assert info["model_version"] == f"projection-{info['version']}"
    assert info["methods"] == ["candidates", "heuristic"]
    assert (await http.get("/readyz")).status_code == 200


async def test_project_with_candidates(http: httpx.AsyncClient) -> None:
    [result] = await project(http, ITEM, include=["scores"])
    assert result["error"] is None
    assert result["entities"] == [
        {"start": 0, "end": 2, "label": "PER", "score": 0.9, "source": 0, "scores": {"align": 1.0, "total": 1.0}},
        {"start": 3, "end": 4, "label": "LOC", "score": 0.4, "source": 1, "scores": {"align": 0.4, "total": 0.4}},
    ]


async def test_project_with_the_heuristic(http: httpx.AsyncClient) -> None:
    [result] = await project(http, ITEM, method="heuristic", options={"max_gap": 0}, include=["scores"])
    assert [(each["start"], each["end"], each["label"]) for each in result["entities"]] == [
        (0, 2, "PER"),
        (3, 4, "LOC"),
    ]
    assert result["entities"][1]["scores"] == {"align": 0.4, "total": 0.4}


async def test_scores_are_left_out_unless_asked_for_and_at_most_one(http: httpx.AsyncClient) -> None:
    many = ITEM | {"links": [[0, 0, 1.0], [0, 1, 1.0], [1, 0, 1.0], [1, 1, 1.0]]}
    [result] = await project(http, many)
    assert result["entities"][0] == {"start": 0, "end": 2, "label": "PER", "score": 0.9, "source": 0, "scores": None}


async def test_ner_candidates_and_fused_scores(http: httpx.AsyncClient) -> None:
    [result] = await project(
        http,
        ITEM | {"probabilities": ROWS, "nmt_scores": [[0, 0, 0.7], [1, 1, 0.9]]},
        probability_labels=LABELS,
        options={"candidates": "ner", "score": "fused", "weight_align": 0.5, "weight_ner_spans": 0.5, "weight_nmt": 1},
        include=["scores"],
    )
    first, second = result["entities"]
    assert first["scores"] == {"align": 1.0, "ner_spans": 1.035, "nmt": 0.7, "total": 1.7175}
    assert (second["start"], second["end"], second["label"], second["scores"]["nmt"]) == (3, 4, "LOC", 0.9)


async def test_nmt_scores_index_the_answer_of_candidates(http: httpx.AsyncClient) -> None:
    options = {"score": "nmt", "max_words": 2}
    answer = (await http.post("/v1/candidates", json=ITEM | {"options": options})).json()
    spans = answer["results"][0]["candidates"]
    assert spans[:3] == [[0, 1], [0, 2], [1, 2]]
    scored = [[0, spans.index([1, 3]), 0.8], [1, spans.index([4, 5]), 0.7], [1, spans.index([0, 1]), 0.1]]
    implicit, explicit = await project(
        http, ITEM | {"nmt_scores": scored}, ITEM | {"nmt_scores": scored, "candidates": spans}, options=options
    )
    assert [(each["start"], each["end"], each["source"]) for each in implicit["entities"]] == [(1, 3, 0), (4, 5, 1)]
    assert implicit == explicit


async def test_candidates_with_align_alone_are_few(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/v1/candidates", json={"sentences": [ITEM]})).json()
    assert answer == {"results": [{"candidates": [[0, 1], [0, 2], [1, 2], [3, 4]], "error": None}]}


async def test_aligned_candidates_for_another_score(http: httpx.AsyncClient) -> None:
    options = {"candidates": "aligned", "score": "nmt"}
    body = {"sentences": [ITEM], "options": options}
    spans = (await http.post("/v1/candidates", json=body)).json()["results"][0]["candidates"]
    assert spans == [[0, 1], [0, 2], [1, 2], [3, 4]]
    [result] = await project(http, ITEM | {"nmt_scores": [[0, 1, 0.8], [1, 3, 0.7]]}, options=options)
    assert [(each["start"], each["end"]) for each in result["entities"]] == [(0, 2), (3, 4)]


async def test_n_proj_in_each_form(http: httpx.AsyncClient) -> None:
    item = ITEM | {"links": [[0, 0, 1.0], [1, 1, 1.0], [0, 4, 1.0]]}

    async def spans(**options: Any) -> list[tuple[int, int]]:
        [result] = await project(http, item, options=options)
        return [(each["start"], each["end"]) for each in result["entities"]]

    assert await spans() == [(0, 2)]
    assert await spans(n_proj=2) == [(0, 2), (4, 5)]
    assert await spans(n_proj_form="exactly") == [(0, 2)]
    assert await spans(n_proj=3, n_proj_form="exactly") == [(0, 1), (1, 2), (4, 5)]
    assert await spans(n_proj_form="at_least") == [(0, 1), (1, 2), (4, 5)]
    assert await spans(n_proj=9, n_proj_form="at_least", solver="greedy") == [(0, 2), (4, 5)], "takes nothing back"


async def test_trimmed_source_entities(http: httpx.AsyncClient) -> None:
    item = ITEM | {"source_tokens": ["the", "Samia", "visited", "Nairobi"]}
    for method in ("candidates", "heuristic"):
        whole, trimmed = [
            (await project(http, item, method=method, options={"trim_source": trim}))[0]["entities"][0]
            for trim in (False, True)
        ]
        assert (whole["start"], trimmed["start"], trimmed["end"]) == (0, 1, 2)
    body = item | {"options": {"trim_source": True}}
    assert (await http.post("/v1/candidates", json=body)).json()["results"][0]["candidates"] == [[1, 2], [3, 4]]


async def test_an_entity_given_twice_is_projected_once(http: httpx.AsyncClient) -> None:
    [result] = await project(http, ITEM | {"source_entities": ITEM["source_entities"] * 2})
    assert [(each["start"], each["end"], each["source"]) for each in result["entities"]] == [(0, 2, 0), (3, 4, 1)]


async def test_candidates_of_a_teacher(http: httpx.AsyncClient) -> None:
    body = ITEM | {"probabilities": ROWS, "probability_labels": LABELS, "options": {"candidates": "ner"}}
    assert (await http.post("/v1/candidates", json=body)).json()["results"][0]["candidates"] == [[0, 2], [3, 4]]


@pytest.mark.parametrize(
    ("fields", "options", "error", "told"),
    [
        ({"target_tokens": []}, {}, "EmptyText", "empty"),
        ({"target_tokens": ["a", "b c"]}, {}, "InvalidTokens", "white space"),
        ({"target_tokens": ["a", ""]}, {}, "InvalidTokens", "token 1"),
        ({"target_tokens": ["\ud800"]}, {}, "InvalidText", "surrogate"),
        ({"target_tokens": ["a\0"]}, {}, "InvalidText", "NUL"),
        ({"target_tokens": ["a"] * 5_001}, {}, "TextTooLong", "5,001"),
        ({"links": [[0, 6, 1.0]]}, {}, "InvalidSource", "target token 6"),
        ({"links": [[10**400, 0, 1.0]]}, {}, "InvalidSource", "over 999,999,999"),
        ({"links": [[0, 0, 1.5]]}, {}, "InvalidSource", "weight 1.5"),
        ({"source_entities": [{"start": 2, "end": 2, "label": "PER"}]}, {}, "InvalidSource", "[2, 2)"),
        ({"source_entities": [{"start": 3, "end": 1, "label": "PER"}]}, {}, "InvalidSource", "[3, 1)"),
        ({"source_entities": [{"start": 0, "end": 10**30, "label": "PER"}]}, {}, "InvalidSource", "at most 5,000"),
        ({"candidates": [[0, 7]]}, {}, "InvalidSource", "candidate 0"),
        ({"candidates": [[1, 1]]}, {}, "InvalidSource", "candidate 0"),
        ({"probabilities": ROWS[:-1]}, {}, "InvalidSource", "5 rows"),
        ({"probabilities": [*ROWS[:-1], [1.0]]}, {}, "InvalidSource", "1, 5 columns"),
        ({"probabilities": []}, {}, "InvalidSource", "0 rows"),
        ({"probabilities": [*ROWS[:-1], [2, 0, 0, 0, 0]]}, {}, "InvalidSource", "[0, 1]"),
        ({}, {"score": "ner"}, "InvalidSource", "probabilities"),
        ({}, {"candidates": "ner"}, "InvalidSource", "probabilities"),
        ({}, {"score": "nmt"}, "InvalidSource", "nmt_scores"),
        ({"source_tokens": None}, {"trim_source": True}, "InvalidSource", "source_tokens"),
        ({"source_tokens": ["a"] * 3}, {}, "InvalidSource", "up to token 3"),
        ({"nmt_scores": [[2, 0, 0.5]]}, {"score": "nmt"}, "InvalidSource", "entity 2"),
        ({"nmt_scores": [[0, 10**30, 0.5]]}, {"score": "nmt"}, "InvalidSource", "nmt_scores 0"),
    ],
)
async def test_a_bad_sentence_fails_alone(
    http: httpx.AsyncClient, fields: dict[str, Any], options: dict[str, Any], error: str, told: str
) -> None:
    good = ITEM | {"probabilities": ROWS, "nmt_scores": [[0, 0, 0.5]], "source_tokens": list("abcd")}
    body = {"sentences": [good, ITEM | fields, good], "probability_labels": LABELS, "options": options}
    response = await http.post(
        "/v1/project", content=json.dumps(body), headers={"content-type": "application/json", "x-request-id": "r1"}
    )
    assert response.status_code == 200, response.text
    before, bad, after = response.json()["results"]
    assert before == after
    assert before["error"] is None
    assert before["entities"]
    assert bad["entities"] == []
    assert bad["error"]["error"] == error
    assert told in bad["error"]["detail"]
    assert bad["error"]["request_id"] == "r1"


@pytest.mark.parametrize(
    ("change", "status", "error", "told"),
    [
        ({"options": {"beam": 4}}, 422, "UnknownOption", "'beam'"),
        ({"options": {"max_gap": 1}}, 422, "UnknownOption", "n_proj"),
        ({"options": {"n_proj": 0}}, 422, "UnknownOption", "'n_proj'"),
        ({"options": {"n_proj_form": "="}}, 422, "UnknownOption", "'at_most', 'exactly' or 'at_least'"),
        ({"options": {"lowercase_weight": 0}}, 422, "UnknownOption", "lowercase_weight"),
        ({"method": "heuristic", "options": {"only_first": True}}, 422, "UnknownOption", "only_i"),
        ({"options": {"solver": "gurobi"}}, 422, "UnknownOption", "'greedy' or 'exact'"),
        ({"options": {"score": "fused", "weight_align": 0}}, 422, "UnknownOption", "weight_nmt"),
        ({"method": "heuristic", "options": {"n_proj": 1}}, 422, "UnknownOption", "max_gap"),
        ({"method": "transfer"}, 422, "InvalidRequest", "method"),
        ({"options": []}, 422, "InvalidRequest", "options"),
        ({"sentences": []}, 422, "InvalidRequest", "sentences"),
        ({"sentences": [ITEM] * 1_001}, 413, "PayloadTooLarge", "1000"),
        ({"sentences": [ITEM | {"probabilities": ROWS}]}, 422, "InvalidRequest", "probability_labels"),
        ({"probability_labels": ["O", "O"]}, 422, "InvalidRequest", "twice"),
        ({"probability_labels": ["O", "PER"]}, 422, "InvalidRequest", "'PER'"),
        ({"probability_labels": []}, 422, "InvalidRequest", "empty"),
        ({"sentences": [ITEM | {"links": [[-1, 0, 1.0]]}]}, 422, "InvalidRequest", "links"),
        ({"more": 1}, 422, "InvalidRequest", "more"),
    ],
)
async def test_a_bad_request_fails_as_a_whole(
    http: httpx.AsyncClient, change: dict[str, Any], status: int, error: str, told: str
) -> None:
    response = await http.post("/v1/project", json={"sentences": [ITEM]} | change)
    assert response.status_code == status
    assert response.json()["error"] == error
    assert told in response.json()["detail"]


async def test_candidates_refuse_unknown_options_and_labels(http: httpx.AsyncClient) -> None:
    for change in ({"options": {"beam": 4}}, {"options": {"score": "fused", "weight_align": 0}}):
        response = await http.post("/v1/candidates", json=ITEM | change)
        assert response.status_code == 422
    response = await http.post("/v1/candidates", json=ITEM | {"probabilities": ROWS})
    assert response.json()["error"] == "InvalidRequest"


async def test_more_pairs_than_fit_in_memory_are_the_sentences_fault(http: httpx.AsyncClient) -> None:
    long = {
        "source_entities": [{"start": place, "end": place + 1, "label": "PER"} for place in range(500)],
        "links": [],
        "target_tokens": ["a"] * 5_000,
        "nmt_scores": [],
    }
    [result] = await project(http, long, options={"score": "nmt"})
    assert result["error"]["error"] == "TextTooLong"
    assert "max_words" in result["error"]["detail"]


async def test_a_sentence_without_entities_needs_nothing_else(http: httpx.AsyncClient) -> None:
    [result] = await project(http, ITEM | {"source_entities": []}, options={"score": "nmt", "candidates": "ner"})
    assert result == {"entities": [], "error": None}


async def test_a_batch_equals_its_sentences_alone(http: httpx.AsyncClient) -> None:
    items = [
        ITEM | {"links": [[place % 4, (place * 3 + number) % 6, 0.4 + 0.1 * (number % 6)] for place in range(number)]}
        for number in range(1, 25)
    ]
    for method in ("candidates", "heuristic"):
        together = await project(http, *items, method=method, include=["scores"])
        alone = [(await project(http, item, method=method, include=["scores"]))[0] for item in items]
        assert together == alone


async def test_the_typed_client_speaks_to_it(http: httpx.AsyncClient) -> None:
    client = ProjectionClient("projection", http)
    spans = await client.candidates(CandidatesRequest.model_validate({"sentences": [ITEM]}))
    answer = await client.project(
        ProjectRequest.model_validate({"sentences": [ITEM | {"candidates": spans.results[0].candidates}]})
    )
    assert [each.label for each in answer.results[0].entities] == ["PER", "LOC"]
    assert (await client.info()).service == "projection"
