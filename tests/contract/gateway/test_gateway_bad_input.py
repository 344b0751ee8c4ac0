"""Bad input: a clear error of the one shape, never a 500, and a bad sentence never harms its neighbours."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.gateway import Gateway

GOOD = {"id": "good", "text": "Rais Samia alitembelea Nairobi jana."}

BAD_SENTENCES = [
    ({"text": ""}, "EmptyText"),
    ({"text": " \u00a0\n"}, "EmptyText"),
    ({"tokens": []}, "EmptyText"),
    ({}, "AmbiguousInput"),
    ({"text": "Samia", "tokens": ["Samia"]}, "AmbiguousInput"),
    ({"text": "a" * 20_001}, "TextTooLong"),
    ({"text": "neno " * 20_000}, "TextTooLong"),
    ({"tokens": ["Samia", "wa Kenya"]}, "InvalidTokens"),
    ({"tokens": ["Samia", ""]}, "InvalidTokens"),
    ({"text": "Samia \ud83d"}, "InvalidText"),
    ({"tokens": ["Samia\udc00"]}, "InvalidText"),
    ({"text": "Samia\0"}, "InvalidText"),
    (
        {"text": "Samia", "source": {"tokens": ["Samia"], "entities": [{"start": 0, "end": 9, "label": "PER"}]}},
        "InvalidSource",
    ),
]


def check_error_shape(body: dict[str, Any]) -> None:
    assert set(body) == {"error", "detail", "request_id"}
    assert body["error"]
    assert body["detail"]


async def post(gateway: Gateway, body: dict[str, Any]) -> Any:
    # json.dumps escapes lone surrogates, which httpx's own encoding refuses.
    return await gateway.http.post(
        "/v1/project", content=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )


@pytest.mark.parametrize(("sentence", "error"), BAD_SENTENCES)
async def test_a_bad_sentence_fails_alone(gateway: Gateway, sentence: dict[str, Any], error: str) -> None:
    response = await post(gateway, {"sentences": [GOOD, sentence, GOOD], "lang": "sw", "include": ["tokens"]})
    assert response.status_code == 200, response.text
    before, bad, after = response.json()["results"]
    check_error_shape(bad["error"])
    assert bad["error"]["error"] == error
    assert bad["entities"] == []
    assert bad["id"] == "1"
    for neighbour in (before, after):
        assert neighbour["error"] is None
        assert len(neighbour["entities"]) == 2


@pytest.mark.parametrize(("sentence", "error"), BAD_SENTENCES)
@pytest.mark.parametrize("lang", ["sw", "auto"])
async def test_a_bad_sentence_alone_is_still_an_answer(
    gateway: Gateway, sentence: dict[str, Any], error: str, lang: str
) -> None:
    response = await post(gateway, {"sentences": [sentence], "lang": lang})
    assert response.status_code == 200, response.text
    assert response.json()["results"][0]["error"]["error"] == error


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"sentences": []}, 422, "InvalidRequest"),
        ({"sentences": [GOOD] * 10_001}, 413, "PayloadTooLarge"),
        ({"sentences": "Samia"}, 422, "InvalidRequest"),
        ({"sentences": [{"text": 5}]}, 422, "InvalidRequest"),
        ({"sentences": [{"tokens": "Samia"}]}, 422, "InvalidRequest"),
        ({"sentences": [{"tokens": [1]}]}, 422, "InvalidRequest"),
        ({"sentences": [{"text": "a", "colour": "red"}]}, 422, "InvalidRequest"),
        ({"sentences": [{"id": True, "text": "a"}]}, 422, "InvalidRequest"),
        ({"sentences": [{"id": "\ud800", "text": "a"}]}, 422, "InvalidRequest"),
        ({"lang": "klingon"}, 422, "UnknownLanguage"),
        ({"lang": ""}, 422, "InvalidRequest"),
        ({"lang": 7}, 422, "InvalidRequest"),
        ({"lang": "\ud800"}, 422, "InvalidRequest"),
        ({"method": "magic"}, 422, "UnknownMethod"),
        ({"method": "\ud800"}, 422, "InvalidRequest"),
        ({"labels": ["ANIMAL"]}, 422, "UnknownLabel"),
        ({"labels": ["O"]}, 422, "UnknownLabel"),
        ({"labels": []}, 422, "InvalidRequest"),
        ({"options": {"beem": 4}}, 422, "UnknownOption"),
        ({"options": {"\ud800": 4}}, 422, "UnknownOption"),
        ({"options": {"beam": "four"}}, 422, "UnknownOption"),
        ({"options": {"beam": "\ud800"}}, 422, "UnknownOption"),
        ({"options": {"min_score": float("inf")}}, 422, "UnknownOption"),
        ({"options": {"beam": 10**400}}, 422, "UnknownOption"),
        ({"options": []}, 422, "InvalidRequest"),
        ({"include": ["everything"]}, 422, "InvalidRequest"),
        ({"unknown_field": 1}, 422, "InvalidRequest"),
    ],
)
async def test_a_fault_of_the_envelope_is_4xx(
    gateway: Gateway, change: dict[str, Any], status: int, error: str
) -> None:
    response = await post(gateway, {"sentences": [GOOD], "lang": "sw", **change})
    assert response.status_code == status, response.text
    check_error_shape(response.json())
    assert response.json()["error"] == error


async def test_an_unknown_language_names_the_nearest(gateway: Gateway) -> None:
    response = await gateway.project([GOOD], lang="swahili")
    assert "swh_Latn" in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"\xff\xfe", 400),
        (b'{"sentences": [{"text": "\xff"}], "lang": "sw"}', 400),
        (b"[" * 100_000, 400),
    ],
)
async def test_a_body_that_is_no_request(gateway: Gateway, body: bytes, status: int) -> None:
    response = await gateway.http.post("/v1/project", content=body, headers={"content-type": "application/json"})
    assert response.status_code == status, response.text
    check_error_shape(response.json())


async def test_a_body_over_the_limit(gateway: Gateway) -> None:
    response = await gateway.http.post("/v1/project", content=b" " * 10_000_001)
    assert response.status_code == 413
    check_error_shape(response.json())


@pytest.mark.parametrize(
    "path", ["/v1/project", "/v1/compare", "/v1/translate-train", "/v1/translate", "/v1/align", "/v1/ner"]
)
async def test_wrong_verbs_and_paths(gateway: Gateway, path: str) -> None:
    assert (await gateway.http.get(path)).status_code == 405
    response = await gateway.http.post(path + "x", json={})
    assert response.status_code == 404
    check_error_shape(response.json())


SCRIPTS = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
        st.sampled_from("👩‍👧🏽️é́ọ̀አዲስשלוםمرحبا東京กรุง .,!?'’-"),
    ),
    min_size=1,
    max_size=80,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(before=SCRIPTS, after=SCRIPTS)
async def test_offsets_are_right_in_every_script(gateway: Gateway, before: str, after: str) -> None:
    text = f"{before} Samia {after}"
    (result,) = await gateway.results([{"text": text}], include=["tokens", "translation", "alignment"])
    assert result["error"] is None
    assert result["text"] == text
    for entity in result["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["text"]
        source = entity["source"]
        assert result["translation"]["text"][source["start"] : source["end"]] == source["text"]
    assert len(result["tags"]) == len(result["tokens"])
    if "Samia" in result["tokens"]:
        assert any("Samia" in entity["text"] for entity in result["entities"])
