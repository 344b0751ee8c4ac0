"""What the service promises on the wire, with stub teachers."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spanbridge_ner_teacher.app import create_app
from spanbridge_ner_teacher.settings import SPACY, NerTeacherSettings
from spanbridge_shared.contracts.ner import NerInfo, NerResponse, ProbabilitiesResponse
from spanbridge_shared.errors import ConfigurationError

STUBS = {"english": "stub:eng_Latn", "multilingual": "stub:swh_Latn,hau_Latn", "student": ""}


@asynccontextmanager
async def service(**given_settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(NerTeacherSettings(**(STUBS | {"log_level": "CRITICAL"} | given_settings)))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://ner") as client:
            yield client


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with service() as client:
        yield client


async def test_text_is_labelled_in_code_points(client: httpx.AsyncClient) -> None:
    text = "😀 President Samia visited Nairobi."
    answer = await client.post("/v1/ner", json={"text": text})
    result = NerResponse.model_validate_json(answer.content).results[0]
    assert result.unit == "characters"
    assert [(text[e.start : e.end], e.text, e.label, e.score) for e in result.entities][-1] == (
        "Nairobi", "Nairobi", "LOC", 0.9,
    )  # fmt: skip


async def test_tokens_are_labelled_in_tokens(client: httpx.AsyncClient) -> None:
    body = {"sentences": [{"tokens": ["Rais", "Samia", "Ruto", "alitembelea", "Nairobi"]}], "lang": "sw"}
    result = NerResponse.model_validate_json((await client.post("/v1/ner", json=body)).content).results[0]
    assert result.unit == "tokens"
    assert [(e.start, e.end, e.text, e.label) for e in result.entities] == [
        (1, 3, "Samia Ruto", "PER"), (4, 5, "Nairobi", "LOC"),
    ]  # fmt: skip


async def test_probabilities_have_a_row_per_token_and_give_back_the_tokens_of_a_text(client: httpx.AsyncClient) -> None:
    body = {"sentences": [{"text": "Samia, Nairobi!"}, {"tokens": ["Samia", "Nairobi"]}], "lang": "swh_Latn"}
    answer = ProbabilitiesResponse.model_validate_json((await client.post("/v1/probabilities", json=body)).content)
    assert answer.labels == ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
    from_text, from_tokens = answer.results
    assert from_text.tokens == ["Samia", ",", "Nairobi", "!"]
    assert from_tokens.tokens is None
    assert [len(each.probabilities) for each in answer.results] == [4, 2]
    for row in from_text.probabilities + from_tokens.probabilities:
        assert len(row) == len(answer.labels)
        assert sum(row) == pytest.approx(1, abs=1e-5)


async def test_info_lists_the_teachers_in_their_roles() -> None:
    async with service(english="stub", multilingual="stub:swh_Latn") as client:
        info = NerInfo.model_validate_json((await client.get("/v1/info")).content)
    assert [each.languages for each in info.teachers] == [["eng_Latn"], ["swh_Latn"]]
    assert [each.probabilities for each in info.teachers] == [True, True]
    assert info.teachers[0].labels == ["PER", "ORG", "LOC"]
    assert info.model_version == "stub-ner-1"


async def test_spacys_teacher_serves_and_versions_are_joined() -> None:
    async with service(english=SPACY) as client:
        info = NerInfo.model_validate_json((await client.get("/v1/info")).content)
        answer = await client.post("/v1/ner", json={"text": "Barack Obama visited Nairobi."})
        refused = await client.post("/v1/probabilities", json={"tokens": ["Obama"], "lang": "eng_Latn"})
    first, second = info.teachers
    assert info.model_version == f"{first.model_version}:{second.model_version}"
    assert not first.probabilities
    result = NerResponse.model_validate_json(answer.content)
    assert result.model_version == first.model_version
    found = [(each.text, each.label) for each in result.results[0].entities]
    assert found == [("Barack Obama", "PER"), ("Nairobi", "LOC")]
    assert refused.status_code == 422
    assert "probabilities for eng_Latn" in refused.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/ner", "/v1/probabilities"])
async def test_a_language_without_teacher_names_the_setting(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, json={"tokens": ["a"], "lang": "yor_Latn"})
    assert answer.status_code == 422
    assert answer.json()["error"] == "MissingTeacher"
    assert "SPANBRIDGE_NER_TEACHER_MULTILINGUAL" in answer.json()["detail"]
    assert "transformers:HUB_ID_OR_PATH" in answer.json()["detail"]


@pytest.mark.parametrize("english", ["", "stub"])
async def test_english_has_a_teacher_with_either_role_filled(english: str) -> None:
    async with service(english=english, multilingual="stub") as client:
        assert (await client.post("/v1/ner", json={"text": "Hello Samia"})).status_code == 200
        assert (await client.post("/v1/probabilities", json={"text": "Hello", "lang": "en"})).status_code == 200


@pytest.mark.parametrize("path", ["/v1/ner", "/v1/probabilities"])
@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({"text": ""}, "EmptyText"),
        ({"text": " \n"}, "EmptyText"),
        ({"tokens": []}, "EmptyText"),
        ({"text": "a", "tokens": ["a"]}, "AmbiguousInput"),
        ({}, "AmbiguousInput"),
        ({"tokens": ["a b"]}, "InvalidTokens"),
        ({"tokens": ["a", ""]}, "InvalidTokens"),
        ({"text": "a\0b"}, "InvalidText"),
        ({"text": "a" * 20_001}, "TextTooLong"),
        ({"tokens": ["a"] * 5_001}, "TextTooLong"),
    ],
)
async def test_a_bad_sentence_has_its_own_error(
    client: httpx.AsyncClient, path: str, item: dict[str, Any], error: str
) -> None:
    good = {"text": "Rais Samia"}
    answer = await client.post(path, json={"sentences": [good, item, good], "lang": "swh_Latn"})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [each["error"] and each["error"]["error"] for each in results] == [None, error, None]
    assert not results[1].get("entities")
    assert not results[1].get("probabilities")
    assert results[0] | {"cached": None} == results[2] | {"cached": None}


async def test_a_lone_surrogate_is_that_sentences_fault(client: httpx.AsyncClient) -> None:
    body = rb'{"sentences":[{"text":"\ud800"},{"text":"Samia"}],"lang":"swh_Latn"}'
    answer = await client.post("/v1/ner", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert [each["error"] is None for each in answer.json()["results"]] == [False, True]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b'{"sentences":[]}', 422),
        (b'{"sentences":[{"text":1}]}', 422),
        (b'{"text":"a","lang":"xxx_Xxxx"}', 422),
        (b'{"text":"a","lang":"swh_Latn","beam":1}', 422),
        (b'{"sentences":[' + b",".join([b'{"text":"a"}'] * 1001) + b"]}", 413),
        (b"\xff\xfe", 400),
    ],
)
@pytest.mark.parametrize("path", ["/v1/ner", "/v1/probabilities"])
async def test_envelope_faults_are_4xx(client: httpx.AsyncClient, path: str, body: bytes, status: int) -> None:
    answer = await client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "detail", "request_id"}


async def test_the_second_time_comes_from_the_cache(client: httpx.AsyncClient) -> None:
    body = {"sentences": [{"text": "Samia"}, {"tokens": ["Samia"]}, {"text": ""}], "lang": "swh_Latn"}
    for path in ("/v1/ner", "/v1/probabilities"):
        first, second = [(await client.post(path, json=body)).json() for _ in range(2)]
        assert [each["cached"] for each in first["results"]] == [False, False, False]
        assert [each["cached"] for each in second["results"]] == [True, True, False]
        for before, after in zip(first["results"][:2], second["results"][:2], strict=True):
            assert before | {"cached": True} == after


async def test_the_same_words_as_text_as_tokens_and_in_another_language_are_kept_apart(
    client: httpx.AsyncClient,
) -> None:
    text, tokens = {"text": "Samia"}, {"tokens": ["Samia"]}
    for sentence, lang in ((text, "swh_Latn"), (tokens, "swh_Latn"), (text, "hau_Latn")):
        answer = await client.post("/v1/ner", json={"sentences": [sentence], "lang": lang})
        assert answer.json()["results"][0]["cached"] is False


async def test_composed_and_decomposed_letters_have_their_own_offsets(client: httpx.AsyncClient) -> None:
    """Regression: the cache's NFC keys gave one spelling the other's offsets."""
    for text in ("éé Nairobi", "e\u0301e\u0301 Nairobi"):
        result = (await client.post("/v1/ner", json={"text": text})).json()["results"][0]
        assert [text[each["start"] : each["end"]] for each in result["entities"]] == ["Nairobi"]


async def test_batch_equals_single(client: httpx.AsyncClient) -> None:
    items = [{"text": "Rais Samia " * n} for n in (1, 7, 3)] + [{"tokens": ["Nairobi", "Samia"]}]
    for path in ("/v1/ner", "/v1/probabilities"):
        async with service(cache_url="none://") as fresh:
            together = (await fresh.post(path, json={"sentences": items, "lang": "swh_Latn"})).json()["results"]
            alone = [
                (await fresh.post(path, json={"sentences": [item], "lang": "swh_Latn"})).json()["results"][0]
                for item in items
            ]
        assert together == alone


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(), max_size=40), min_size=1, max_size=4))
async def test_offsets_are_right_for_any_text(texts: list[str]) -> None:
    async with service() as client:
        for path in ("/v1/ner", "/v1/probabilities"):
            items = [{"text": text + " Nairobi 😀"} for text in texts]
            body = json.dumps({"sentences": items, "lang": "swh_Latn"}).encode("ascii")
            answer = await client.post(path, content=body, headers={"content-type": "application/json"})
            assert answer.status_code == 200
            for item, result in zip(items, answer.json()["results"], strict=True):
                found = result.get("entities", [])
                assert all(item["text"][each["start"] : each["end"]] == each["text"] for each in found)
                if path == "/v1/ner" and result["error"] is None:
                    assert found[-1]["text"] == "Nairobi"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"english": "nltk:punkt"}, "backends are spacy"),
        ({"english": "spacy:"}, "names no model"),
        ({"english": "", "multilingual": ""}, "name at least one teacher"),
    ],
)
def test_wrong_settings_name_the_variable(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], told: str) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(f"SPANBRIDGE_NER_TEACHER_{name.upper()}", value)
    variable = "SPANBRIDGE_NER_TEACHER_" + ("ENGLISH: " if len(wrong) == 1 else "")
    with pytest.raises(ConfigurationError, match=f"{variable}.*{told}"):
        create_app()


async def test_an_english_teacher_without_english_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="SPANBRIDGE_NER_TEACHER_ENGLISH"):
        async with service(english="stub:swh_Latn"):
            pass


async def test_a_missing_model_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="no model at"):
        async with service(multilingual="ctranslate2:no-such-model"):
            pass


async def test_docs_carry_the_contract(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    assert {"/v1/ner", "/v1/probabilities", "/v1/info"} <= set(schema["paths"])
    body = schema["paths"]["/v1/ner"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "President Samia" in str(body)
