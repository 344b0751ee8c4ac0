"""Five real processes and the embedded gateway give the same bytes, but for timings."""

import os
import re
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from tests.support.processes import pipeline

pytestmark = [pytest.mark.models, pytest.mark.processes]

SERVICES = ("translation", "alignment", "projection", "ner_teacher")
EVERYTHING = ["translation", "alignment", "tokens", "scores"]
_TIMINGS = re.compile(rb'"timings_ms":\{[^}]*\}')

REQUESTS = [
    {
        "sentences": [{"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}],
        "lang": "swh_Latn",
        "include": EVERYTHING,
    },
    # The same again: now from the cache, on both sides.
    {"sentences": [{"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}], "lang": "sw", "include": EVERYTHING},
    {
        "sentences": [
            {"text": "Pulezidenti Museveni yasisinkanye Ruto mu Kampala. Bayogedde ku by'obusuubuzi 🙂."},
            {"text": ""},
            {"tokens": ["Minisita", "Nabbanja", "yagambye", "nti", "Uganda", "nnungi", "."]},
        ],
        "lang": "lug_Latn",
        "method": "heuristic",
        "options": {"align_method": "itermax", "beam": 2},
        "include": EVERYTHING,
    },
    {"sentences": [{"text": "Mbe nǐ Paul Biya"}], "lang": "bbj_Latn", "include": EVERYTHING},
    {
        "sentences": [{"text": "Rais Samia alitembelea Nairobi jana."}],
        "lang": "swh_Latn",
        "options": {"back_translation": True},
        "include": EVERYTHING,
    },
    {"sentences": [{"text": "President Samia visited Nairobi."}], "lang": "eng_Latn", "include": ["tokens"]},
    {
        "sentences": [
            {
                "tokens": ["Angela", "Merkel", "besuchte", "Rom", "."],
                "source": {
                    "tokens": ["Angela", "Merkel", "visited", "Rome", "."],
                    "entities": [{"start": 0, "end": 2, "label": "PER"}, {"start": 3, "end": 4, "label": "LOC"}],
                },
            }
        ],
        "lang": "deu_Latn",
        "include": EVERYTHING,
    },
    {"sentences": [{"text": "a"}], "lang": "sw", "method": "transfer"},
    {
        "sentences": [{"text": "Rais Samia alitembelea Nairobi jana."}, {"text": ""}],
        "lang": "sw",
        "method": "ensemble",
        "include": EVERYTHING,
    },
    {"sentences": [{"text": "a"}], "lang": "jpn_Jpan"},
    {"sentences": [{"text": "a"}], "lang": "xx"},
    {"sentences": [], "lang": "sw"},
]
STUDENT = {"sentences": [{"text": "Rais Samia alitembelea Nairobi jana."}], "lang": "sw", "method": "student"}
COMPARISON = {"sentences": [{"text": "Rais Samia alikwenda Kampala leo."}], "lang": "sw"}
TRAINING = [
    {
        "sentences": [
            {"text": "Samia visited Nairobi.", "entities": [{"start": 14, "end": 21, "label": "LOC"}]},
            {"tokens": ["Kenya", "won", "."], "entities": [{"start": 0, "end": 4, "label": "LOC"}]},
        ],
        "lang": "swh_Latn",
        "method": method,
    }
    for method in ("marker", "align")
]


@pytest.fixture(scope="module")
def remote_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    logs = tmp_path_factory.mktemp("logs")
    with pipeline(logs, os.environ, services=SERVICES) as url:
        yield url
    for log in sorted(logs.iterdir()):
        assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture
async def embedded() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(GatewaySettings(log_level="ERROR"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as http:
            yield http


def _comparable(response: httpx.Response) -> tuple[int, bytes]:
    return response.status_code, _TIMINGS.sub(b"", response.content)


async def test_embedded_equals_remote(remote_url: str, embedded: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=remote_url, timeout=120) as remote:
        for number, request in enumerate(REQUESTS):
            headers = {"x-request-id": f"request-{number}"}
            here = await embedded.post("/v1/project", json=request, headers=headers)
            there = await remote.post("/v1/project", json=request, headers=headers)
            assert _comparable(here) == _comparable(there), request
        for request in TRAINING:
            here = await embedded.post("/v1/translate-train", json=request, headers={"x-request-id": "request"})
            there = await remote.post("/v1/translate-train", json=request, headers={"x-request-id": "request"})
            assert here.status_code == 200
            assert _comparable(here) == _comparable(there), request
        # Whether a student is there or not, both must say the same; the comparison has it where it is.
        for path, request in (("/v1/project", STUDENT), ("/v1/compare", COMPARISON)):
            here = await embedded.post(path, json=request, headers={"x-request-id": "request"})
            there = await remote.post(path, json=request, headers={"x-request-id": "request"})
            assert _comparable(here) == _comparable(there), request
        assert here.status_code == 200
        assert {"transfer", "heuristic", "candidates", "ensemble"} <= set(here.json()["methods"])
        for path in ("/v1/languages", "/v1/methods"):
            assert _comparable(await embedded.get(path)) == _comparable(await remote.get(path))
    statuses = [(await embedded.post("/v1/project", json=request)).status_code for request in REQUESTS]
    assert statuses == [200] * 9 + [422] * 3
