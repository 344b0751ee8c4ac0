"""The wire contract of the translation service: one suite for the stub and for the real model."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from spanbridge_shared.clients.services import TranslationClient
from spanbridge_shared.contracts.translation import (
    ScoreRequest,
    ScoreResponse,
    TranslateRequest,
    TranslateResponse,
    TranslationInfo,
)
from spanbridge_shared.errors import UnsupportedLanguage
from spanbridge_translation.app import create_app
from spanbridge_translation.settings import BackendKind, TranslationSettings

TEXT = "Rais Samia alitembelea Nairobi jana."
BODY: dict[str, Any] = {"texts": [TEXT], "source_lang": "swh_Latn"}
SCORE: dict[str, Any] = {"sources": [TEXT], "targets": ["President Samia visited Nairobi."], "source_lang": "swh_Latn"}


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[BackendKind.STUB, pytest.param(BackendKind.CTRANSLATE2, marks=pytest.mark.models)],
)
async def http(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(TranslationSettings(backend=request.param, threads=2, log_level="CRITICAL"))
    # A fault nobody expected has to come as a 500 to be counted as one.
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    kind = {"content-type": "application/json"}
    client = httpx.AsyncClient(transport=transport, base_url="http://test", headers=kind)
    async with app.router.lifespan_context(app), client:
        yield client


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_translation_has_the_shape_of_the_contract(http: httpx.AsyncClient) -> None:
    asked = BODY | {"beam": 3, "num_hypotheses": 2, "include": ["tokens", "attention"]}
    answer = TranslateResponse.model_validate_json((await http.post("/v1/translate", json=asked)).content)
    (translation,) = answer.translations
    assert (translation.error, translation.via) == (None, [])
    assert translation.source_tokens
    assert "".join(translation.source_tokens).replace("▁", " ").split() == TEXT.split()
    assert len(translation.hypotheses) == 2
    assert translation.hypotheses[0].text != translation.hypotheses[1].text
    for each in translation.hypotheses:
        assert each.score <= 0
        assert each.tokens
        assert each.attention
        assert "".join(each.tokens).replace("▁", " ").strip() == each.text
        assert len(each.attention) == len(each.tokens)
        assert {len(row) for row in each.attention} == {len(translation.source_tokens)}
        assert all(0 <= weight <= 1 for row in each.attention for weight in row)
        assert all(0 < sum(row) <= 1.0001 for row in each.attention)


async def test_what_is_not_asked_for_is_not_sent(http: httpx.AsyncClient) -> None:
    (translation,) = (await http.post("/v1/translate", json=BODY)).json()["translations"]
    assert translation["source_tokens"] is None
    assert (translation["hypotheses"][0]["tokens"], translation["hypotheses"][0]["attention"]) == (None, None)


async def test_the_second_time_it_is_cached_and_the_same(http: httpx.AsyncClient) -> None:
    asked = BODY | {"texts": ["Habari ya asubuhi, Mombasa."]}
    first, second = [(await http.post("/v1/translate", json=asked)).json()["translations"][0] for _ in range(2)]
    assert (first.pop("cached"), second.pop("cached")) == (False, True)
    assert first == second


async def test_score_of_the_own_translation_is_the_score_of_translate(http: httpx.AsyncClient) -> None:
    texts = [TEXT, "Wananchi walikusanyika mjini.", "Habari"]
    for beam in (1, 4):
        translated = (await http.post("/v1/translate", json=BODY | {"texts": texts, "beam": beam})).json()
        best = [each["hypotheses"][0] for each in translated["translations"]]
        asked = {"sources": texts, "targets": [each["text"] for each in best], "source_lang": "swh_Latn"}
        scored = ScoreResponse.model_validate_json((await http.post("/v1/score", json=asked)).content)
        if translated["model_version"].startswith("stub"):
            assert [each.score for each in scored.scores] == [0.0] * 3
        else:
            # int8 rounds differently in a forced pass than step by step.
            assert [each.score for each in scored.scores] == pytest.approx([each["score"] for each in best], abs=0.02)


async def test_a_better_translation_scores_better(http: httpx.AsyncClient) -> None:
    asked = SCORE | {"sources": [TEXT, TEXT], "targets": [f"President Samia visited {TEXT}", "Cows eat grass."]}
    good, bad = ScoreResponse.model_validate_json((await http.post("/v1/score", json=asked)).content).scores
    assert good.score is not None
    assert bad.score is not None
    assert bad.score < good.score <= 0
    assert bad.tokens > 1


async def test_info_names_languages_directions_and_routes(http: httpx.AsyncClient) -> None:
    info = TranslationInfo.model_validate_json((await http.get("/v1/info")).content)
    assert info.service == "translation"
    assert info.languages == sorted(info.languages)
    assert info.routes["swh_Latn"] == ["eng_Latn"]
    assert info.routes["bbj_Latn"] == (["fra_Latn", "eng_Latn"] if info.pairs else ["eng_Latn"])
    translated = TranslateResponse.model_validate_json((await http.post("/v1/translate", json=BODY)).content)
    assert translated.model_version == info.model_version


async def test_the_route_is_named_where_it_has_pivots(http: httpx.AsyncClient) -> None:
    info = TranslationInfo.model_validate_json((await http.get("/v1/info")).content)
    answer = await http.post("/v1/translate", json={"texts": ["Bɑ́ nə Paul"], "source_lang": "bbj_Latn"})
    assert answer.json()["translations"][0]["via"] == info.routes["bbj_Latn"][:-1]


async def test_beginnings_of_a_target_are_bounded_by_its_own_pass(http: httpx.AsyncClient) -> None:
    whole, beginnings = "President Samia visited Nairobi", ["President", "President Samia", "Nairobi"]
    asked = SCORE | {"sources": [TEXT], "targets": [whole], "prefixes": [beginnings]}
    (found,) = ScoreResponse.model_validate_json((await http.post("/v1/score", json=asked)).content).scores
    assert found.score is not None
    asked = SCORE | {"sources": [TEXT] * 3, "targets": beginnings}
    own = ScoreResponse.model_validate_json((await http.post("/v1/score", json=asked)).content).scores
    assert [each.bounds for each in own] == [[], [], []]
    assert found.bounds[2] is None
    for bound, each in zip(found.bounds[:2], own, strict=False):
        assert bound is not None
        assert each.score is not None
        # int8 rounds a little differently in other company.
        assert each.score <= bound + 0.05


async def test_prefixes_of_another_number_are_refused_by_name(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/score", json=SCORE | {"sources": ["a"], "targets": ["a"], "prefixes": []})
    assert answer.status_code == 200
    answer = await http.post("/v1/score", json=SCORE | {"sources": ["a"], "targets": ["a"], "prefixes": [[], []]})
    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidRequest")
    assert "prefixes" in answer.json()["detail"]


async def test_iso_codes_are_taken(http: httpx.AsyncClient) -> None:
    for code in ("sw", "swa", "swh_Latn", "SWH_latn"):
        assert (await http.post("/v1/translate", json=BODY | {"source_lang": code})).status_code == 200


async def test_english_to_english_comes_back(http: httpx.AsyncClient) -> None:
    (found,) = (await http.post("/v1/translate", json={"texts": ["</s>  x "], "source_lang": "en"})).json()[
        "translations"
    ]
    assert (found["hypotheses"][0]["text"], found["hypotheses"][0]["score"]) == ("</s>  x ", 0.0)


SENTENCE_FAULTS = {
    '""': "EmptyText",
    '" \\t\\n"': "EmptyText",
    '"\\ud800"': "InvalidText",
    '"a\\u0000b"': "InvalidText",
    '"' + "a b " * 25_000 + '"': "TextTooLong",
    '"' + "neno " * 1_000 + '"': "TextTooLong",
}


@pytest.mark.parametrize("written", SENTENCE_FAULTS, ids=lambda written: written[:12])
async def test_a_bad_text_fails_alone(http: httpx.AsyncClient, written: str) -> None:
    answer = await http.post(
        "/v1/translate", content=f'{{"texts": ["Habari", {written}, "Nairobi"], "source_lang": "sw"}}'
    )
    assert answer.status_code == 200
    first, bad, last = answer.json()["translations"]
    assert bad["error"]["error"] == SENTENCE_FAULTS[written]
    assert bad["error"]["request_id"] == answer.headers["x-request-id"]
    assert bad["hypotheses"] == []
    assert first["error"] is None
    assert last["error"] is None
    assert first["hypotheses"]
    assert last["hypotheses"]


@pytest.mark.parametrize("written", SENTENCE_FAULTS, ids=lambda written: written[:12])
@pytest.mark.parametrize("side", ["sources", "targets"])
async def test_a_bad_side_of_a_score_fails_alone(http: httpx.AsyncClient, written: str, side: str) -> None:
    other = {"sources": "targets", "targets": "sources"}[side]
    body = f'{{"{side}": ["Habari", {written}], "{other}": ["Nairobi", "Nairobi"], "source_lang": "sw"}}'
    answer = await http.post("/v1/score", content=body)
    assert answer.status_code == 200
    good, bad = answer.json()["scores"]
    assert bad["error"]["error"] == SENTENCE_FAULTS[written]
    assert (bad["score"], bad["tokens"]) == (None, 0)
    assert good["score"] <= 0


ODD_TEXTS = [
    "😀😀 👩‍👩‍👧‍👦 🇰🇪",
    "e\u0301\u0302\u0303" * 5,
    "مرحبا بالعالم",
    "</s> fra_Latn <pad> <unk> madeupword0 __en__",
    "\u202eabc\u202c",
    "ሰላም ለዓለም",
    "漢字かな交じり文",
    "\U0010ffff\ufffe",
    "ﷺ" * 20,
    "a" * 100,
    "\u200b\u200c\u200d",
]


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
async def test_odd_but_valid_text_never_breaks(http: httpx.AsyncClient, text: str) -> None:
    asked = BODY | {"texts": [text], "include": ["tokens", "attention"], "beam": 2}
    answer = await http.post("/v1/translate", json=asked)
    assert answer.status_code == 200
    (found,) = TranslateResponse.model_validate_json(answer.content).translations
    assert (found.error is None) == bool(found.hypotheses)
    assert found.error is None or found.error.error in ("EmptyText", "TextTooLong")
    specials = {"</s>", "<s>", "<pad>", "fra_Latn", "eng_Latn", "swh_Latn"}
    if not answer.json()["model_version"].startswith("stub"):
        assert not specials & {
            *(found.source_tokens or ()),
            *(token for each in found.hypotheses for token in each.tokens or ()),
        }
    scored = await http.post("/v1/score", json=SCORE | {"sources": [text], "targets": [text]})
    assert scored.status_code == 200


FAULTS: list[tuple[str, int, str]] = [
    ('{"texts": [], "source_lang": "sw"}', 422, "InvalidRequest"),
    ('{"texts": "Habari", "source_lang": "sw"}', 422, "InvalidRequest"),
    ('{"texts": [1], "source_lang": "sw"}', 422, "InvalidRequest"),
    ('{"texts": [null], "source_lang": "sw"}', 422, "InvalidRequest"),
    ('{"texts": ["a"]}', 422, "InvalidRequest"),
    ('{"texts": ["a"], "source_lang": ""}', 422, "InvalidRequest"),
    ('{"texts": ["a"], "source_lang": 7}', 422, "InvalidRequest"),
    ('{"texts": ["a"], "source_lang": "\\ud800"}', 422, "InvalidRequest"),
    ('{"texts": ["a"], "source_lang": " "}', 422, "UnknownLanguage"),
    ('{"texts": ["a"], "source_lang": "klingon"}', 422, "UnknownLanguage"),
    ('{"texts": ["a"], "source_lang": "sw", "target_lang": "tlh_Latn"}', 422, "UnknownLanguage"),
    ('{"texts": ["a"], "source_lang": "sw", "beam": 0}', 422, "InvalidRequest"),
    ('{"texts": ["a"], "source_lang": "sw", "beam": 17}', 422, "InvalidRequest"),
    ('{"texts": ["a"], "source_lang": "sw", "beam": "many"}', 422, "InvalidRequest"),
    ('{"texts": ["a"], "source_lang": "sw", "beam": 2, "num_hypotheses": 3}', 422, "InvalidRequest"),
    ('{"texts": ["a"], "source_lang": "sw", "include": ["gradients"]}', 422, "InvalidRequest"),
    ('{"texts": ["a"], "source_lang": "sw", "colour": "blue"}', 422, "InvalidRequest"),
    ('{"texts": ["a"], "source_lang": "sw"', 400, "MalformedBody"),
    ("[]", 422, "InvalidRequest"),
    ("", 422, "InvalidRequest"),
    ("\\xff", 400, "MalformedBody"),
    ('{"texts": [' + ",".join(['"a"'] * 10_001) + '], "source_lang": "sw"}', 413, "PayloadTooLarge"),
]


def for_score(body: str) -> str:
    """Turn a faulty translation request into a scoring one with the same fault."""
    both = body.replace('"texts": [', '"targets": ["b"], "sources": [', 1)
    return both.replace('"texts": "', '"targets": ["b"], "sources": "', 1)


@pytest.mark.parametrize(("body", "status", "error"), FAULTS, ids=lambda value: str(value)[:60])
async def test_faults_of_the_envelope_are_refused(http: httpx.AsyncClient, body: str, status: int, error: str) -> None:
    answer = await http.post("/v1/translate", content=body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert set(answer.json()) == {"error", "detail", "request_id"}


@pytest.mark.parametrize(("body", "status", "error"), FAULTS, ids=lambda value: str(value)[:60])
async def test_faults_of_a_scoring_envelope_are_refused(
    http: httpx.AsyncClient, body: str, status: int, error: str
) -> None:
    answer = await http.post("/v1/score", content=for_score(body))
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_sources_and_targets_of_different_number_are_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/score", json=SCORE | {"targets": ["a", "b"]})
    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidRequest")


async def test_a_language_that_is_not_served_is_told_from_one_that_does_not_exist(http: httpx.AsyncClient) -> None:
    info = (await http.get("/v1/info")).json()
    answer = await http.post("/v1/translate", json=BODY | {"source_lang": "tam_Taml"})
    if "tam_Taml" in info["languages"]:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["error"]) == (422, "UnsupportedLanguage")
        assert all(code in answer.json()["detail"] for code in info["languages"])


async def test_paths_and_verbs_that_do_not_exist(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/translate")).json()["error"] == "MethodNotAllowed"
    assert (await http.post("/v1/nothing")).json()["error"] == "NotFound"


async def test_it_is_ready_and_documented(http: httpx.AsyncClient) -> None:
    assert (await http.get("/readyz")).json() == {"status": "ready"}
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert {"/v1/translate", "/v1/score", "/v1/info"} <= set(paths)


async def test_the_typed_client_gets_answers_and_errors(http: httpx.AsyncClient) -> None:
    client = TranslationClient("translation", http)
    answer = await client.translate(TranslateRequest(texts=[TEXT], source_lang="sw"))
    assert answer.translations[0].hypotheses[0].text
    scored = await client.score(ScoreRequest(sources=[TEXT], targets=[TEXT], source_lang="sw"))
    assert scored.scores[0].score is not None
    info = await client.info()
    if info.pairs:
        with pytest.raises(UnsupportedLanguage):
            await client.translate(TranslateRequest(texts=[TEXT], source_lang="tam"))


@pytest.mark.parametrize("path", ["/v1/translate", "/v1/score"])
async def test_bytes_that_are_not_utf8_are_refused(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.post(path, content=b'{"texts": ["\xff\xfe"], "source_lang": "sw"}')
    assert answer.status_code in (400, 422)
    assert answer.json()["error"] in ("MalformedBody", "InvalidRequest")


@pytest.mark.parametrize("path", ["/v1/translate", "/v1/score"])
async def test_a_body_over_the_limit_is_refused(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.post(path, content=b" " * 64_000_001)
    assert (answer.status_code, answer.json()["error"]) == (413, "PayloadTooLarge")
