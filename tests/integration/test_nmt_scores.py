"""nmt scores with the embedded translation model: what the gateway shows is what `/v1/score` and the formula give."""

import math
from collections.abc import AsyncIterator

import httpx
import pytest

from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_shared.contracts.translation import ScoreRequest
from tests.support.gateway import Gateway

pytestmark = pytest.mark.models

SENTENCES = [
    {
        "tokens": "Angela Merkel besuchte gestern das Europäische Parlament in Berlin .".split(),
        "source": {
            "tokens": "Angela Merkel visited the European Parliament in Berlin yesterday .".split(),
            "entities": [
                {"start": 0, "end": 2, "label": "PER"},
                {"start": 4, "end": 6, "label": "ORG"},
                {"start": 7, "end": 8, "label": "LOC"},
            ],
        },
    },
    {
        "tokens": "In Sri Lanka wohnt Kumar .".split(),
        "source": {
            "tokens": "Kumar lives in Sri Lanka .".split(),
            "entities": [{"start": 0, "end": 1, "label": "PER"}, {"start": 3, "end": 5, "label": "LOC"}],
        },
    },
]
TAGS = [
    ["B-PER", "I-PER", "O", "O", "O", "B-ORG", "I-ORG", "O", "B-LOC", "O"],
    ["O", "B-LOC", "I-LOC", "O", "B-PER", "O"],
]


@pytest.fixture
async def embedded() -> AsyncIterator[Gateway]:
    app = create_app(GatewaySettings(log_level="ERROR"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as http:
            yield Gateway(app, http)


@pytest.mark.parametrize(
    "options",
    [
        {"score": "nmt", "candidates": "ngram"},
        {"score": "nmt", "nmt_min_self": 0.0},
        {"score": "fused", "weight_align": 0.5, "weight_nmt": 1.0},
    ],
    ids=str,
)
async def test_entities_are_found_by_how_they_translate(embedded: Gateway, options: dict[str, object]) -> None:
    results = await embedded.results(SENTENCES, lang="deu_Latn", options=options, include=["tokens", "scores"])
    assert [each["tags"] for each in results] == TAGS
    least = options.get("nmt_min_self", 0.2)
    assert isinstance(least, float)
    for result in results:
        for entity in result["entities"]:
            by_hand = await _by_formula(embedded, entity["source"]["text"], entity["text"], least)
            # int8 rounds a little differently in other company.
            assert entity["scores"]["nmt"] == pytest.approx(by_hand, rel=0.05)


async def _by_formula(embedded: Gateway, a: str, b: str, least: float) -> float:
    translation = embedded.app.state.engine.upstreams.translation

    async def p(wanted: str, into: str, given: str, out_of: str) -> float:
        request = ScoreRequest(sources=[given], targets=[wanted], source_lang=out_of, target_lang=into)
        return math.exp((await translation.score(request)).scores[0].score)

    english, german = "eng_Latn", "deu_Latn"
    own = await p(a, english, b, german) / max(least, await p(a, english, a, english))
    return (own + await p(b, german, a, english) / max(least, await p(b, german, b, german))) / 2


async def test_swahili_text_goes_all_the_way(embedded: Gateway) -> None:
    text = "Rais Samia alitembelea Nairobi jana."
    (result,) = await embedded.results([{"text": text}], options={"score": "nmt"})
    assert {each["text"] for each in result["entities"]} == {"Samia", "Nairobi"}


async def test_a_language_that_the_model_lacks_is_refused_even_with_a_source(embedded: Gateway) -> None:
    response = await embedded.project([SENTENCES[0]], lang="isl_Latn", options={"score": "nmt"})
    assert (response.status_code, response.json()["error"]) == (422, "UnsupportedLanguage")
    assert "isl_Latn" in response.json()["detail"]
