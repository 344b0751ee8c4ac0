"""`/v1/align` and `/v1/info` over HTTP: the shape of answers, and of every fault."""

import json
from contextlib import asynccontextmanager

import httpx
import pytest

from spanbridge_alignment.app import create_app
from spanbridge_alignment.settings import AlignmentSettings
from spanbridge_shared.clients.services import AlignmentClient
from spanbridge_shared.contracts.alignment import AlignmentInfo, AlignMethod, AlignRequest, AlignResponse, TokenPair
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.errors import InvalidRequest

GOOD = {"source_tokens": ["Samia", "visited", "Nairobi"], "target_tokens": ["Samia", "alitembelea", "Nairobi"]}


@asynccontextmanager
async def served(backend):
    app = create_app(AlignmentSettings(backend=backend, threads=2))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://alignment") as client,
    ):
        yield client


@pytest.fixture
async def http():
    async with served("stub") as client:
        yield client


@pytest.fixture(params=["stub", pytest.param("ctranslate2", marks=pytest.mark.models)])
async def real(request):
    """Both encoders, for what depends on vectors; what is refused before that needs only the stub."""
    async with served(request.param) as client:
        yield client


JSON = {"content-type": "application/json"}


def _content(body):
    return body if isinstance(body, bytes) else json.dumps(body).encode()


async def align(http, body):
    response = await http.post("/v1/align", content=_content(body), headers=JSON)
    assert response.status_code == 200, response.text
    return AlignResponse.model_validate_json(response.content)


async def test_a_single_pair_may_be_given_flat(real):
    flat = await align(real, GOOD)
    (alignment,) = flat.alignments
    assert {(0, 0), (2, 2)} <= {(i, j) for i, j, weight in alignment.links if weight == 1}
    listed = await align(real, {"pairs": [GOOD]})
    assert listed.alignments[0].links == alignment.links
    assert listed.alignments[0].cached
    seen = await align(real, {**GOOD, "attention": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "method": "attention"})
    assert seen.alignments[0].links == [(0, 0, 1), (1, 1, 1), (2, 2, 1)]


@pytest.mark.parametrize("method", list(AlignMethod))
async def test_links_are_sorted_and_inside_the_pair(real, method):
    pair = {**GOOD, "attention": [[0.75, 0, 0.25], [0.25, 0.5, 0.25], [0, 0.25, 0.5]]}
    answer = await align(real, {"pairs": [pair], "method": method, "include": ["similarity"]})
    (alignment,) = answer.alignments
    assert list(alignment.links) == sorted(alignment.links)
    assert all(0 <= i < 3 and 0 <= j < 3 and 0 < weight <= 1 for i, j, weight in alignment.links)
    assert [len(row) for row in alignment.similarity] == [3, 3, 3]
    assert all(-1 <= each <= 1 for row in alignment.similarity for each in row)


async def test_a_batch_equals_single_calls(real):
    pairs = [{"source_tokens": [f"word{n}"] * (n + 1), "target_tokens": ["neno", f"word{n}"]} for n in range(20)]
    together = await align(real, {"pairs": pairs, "include": ["similarity"]})
    async with served("stub" if together.model_version == "stub-1" else "ctranslate2") as fresh:
        alone = [await align(fresh, {"pairs": [pair], "include": ["similarity"]}) for pair in pairs]
    assert [each.model_dump_json() for each in together.alignments] == [
        each.alignments[0].model_dump_json() for each in alone
    ]


BAD_PAIRS = {
    "no tokens": ({**GOOD, "source_tokens": []}, "EmptyText"),
    "an empty token": ({**GOOD, "target_tokens": ["a", ""]}, "InvalidTokens"),
    "a blank token": ({**GOOD, "target_tokens": [" "]}, "InvalidTokens"),
    "a token with a space": ({**GOOD, "source_tokens": ["New York"]}, "InvalidTokens"),
    "a token with a line break": ({**GOOD, "source_tokens": ["a\nb"]}, "InvalidTokens"),
    "a lone surrogate": ({**GOOD, "target_tokens": ["a\ud800"]}, "InvalidText"),
    "a NUL": ({**GOOD, "target_tokens": ["a\0"]}, "InvalidText"),
    "100,000 characters": ({**GOOD, "target_tokens": ["a" * 100_000]}, "TextTooLong"),
    "100,000 characters in words": ({**GOOD, "source_tokens": ["abcd"] * 20_000}, "TextTooLong"),
    "5,001 tokens": ({**GOOD, "source_tokens": ["a"] * 5_001}, "TextTooLong"),
    "an attention matrix of another shape": ({**GOOD, "attention": [[1.0]]}, "InvalidAttention"),
    "attention below zero": ({**GOOD, "attention": [[0, -1, 0]] * 3}, "InvalidAttention"),
    "5,000 by 5,000 tokens": ({"source_tokens": ["a"] * 5_000, "target_tokens": ["b"] * 5_000}, "TextTooLong"),
}


@pytest.mark.parametrize("name", BAD_PAIRS)
async def test_a_bad_pair_fails_alone(http, name):
    bad, error = BAD_PAIRS[name]
    answer = await align(http, {"pairs": [GOOD, bad, GOOD], "method": "fused"})
    assert [each.error and each.error.error for each in answer.alignments] == [None, error, None]
    assert answer.alignments[1].links == []
    assert answer.alignments[1].error.request_id
    assert answer.alignments[0].links == answer.alignments[2].links != []
    only = await align(http, {"pairs": [bad], "method": "fused"})
    assert only.alignments[0].error.error == error


BAD_BODIES = {
    "no pairs": ({"pairs": []}, 422, "InvalidRequest"),
    "nothing": ({}, 422, "InvalidRequest"),
    "a list": ([], 422, "InvalidRequest"),
    "half a pair": ({"source_tokens": ["a"]}, 422, "InvalidRequest"),
    "text for tokens": ({"source_tokens": "a b", "target_tokens": ["a"]}, 422, "InvalidRequest"),
    "numbers for tokens": ({"source_tokens": [1], "target_tokens": ["a"]}, 422, "InvalidRequest"),
    "text for attention": ({**GOOD, "attention": "much"}, 422, "InvalidRequest"),
    "a flat attention": ({**GOOD, "attention": [1, 2, 3]}, 422, "InvalidRequest"),
    "a temperature of 0": ({"pairs": [GOOD], "options": {"fused_temperature": 0}}, 422, "InvalidRequest"),
    "an unknown field": ({**GOOD, "layer": 3}, 422, "InvalidRequest"),
    "an unknown method": ({"pairs": [GOOD], "method": "magic"}, 422, "InvalidRequest"),
    "an unknown option": ({"pairs": [GOOD], "options": {"alpha": 1}}, 422, "InvalidRequest"),
    "a weight above 1": ({"pairs": [GOOD], "options": {"one_sided_weight": 2}}, 422, "InvalidRequest"),
    "an unknown include": ({"pairs": [GOOD], "include": ["vectors"]}, 422, "InvalidRequest"),
    "an unknown language": ({"pairs": [GOOD], "target_lang": "xx_Xxxx"}, 422, "UnknownLanguage"),
    "a language of surrogates": ({"pairs": [GOOD], "target_lang": "\ud800"}, 422, "InvalidRequest"),
    "1,001 pairs": ({"pairs": [GOOD] * 1_001}, 413, "PayloadTooLarge"),
    "no JSON": (b"{", 400, "MalformedBody"),
    "no UTF-8": (b'{"source_tokens":["\xff"]}', 400, "MalformedBody"),
    "NaN": (b'{"source_tokens":["a"],"target_tokens":["a"],"options":{"one_sided_weight":NaN}}', 422, "InvalidRequest"),
    "64 MB": (b" " * 64_000_001, 413, "PayloadTooLarge"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_bad_envelope_is_refused(http, name):
    body, status, error = BAD_BODIES[name]
    response = await http.post("/v1/align", content=_content(body), headers=JSON)
    assert response.status_code == status, response.text
    assert ErrorBody.model_validate_json(response.content).error == error


STRANGE = {
    "right to left": ["ראש", "הממשלה", "ביקר", "בניירובי", "."],
    "arabic": ["زار", "الرئيس", "نيروبي"],
    "emoji": ["🙂", "👩‍👩‍👧", "🇰🇪", "Nairobi"],
    "combining marks": ["e\u0323\u0301", "n\u0303a", "\u0301", "a" + "\u0300" * 500],
    "zero width": ["\u200b", "\u200d", "\ufeff", "\u00ad", "a"],
    "control characters": ["\x01", "\x7f", "a"],
    "special tokens": ["</s>", "<s>", "<pad>", "<unk>", "<mask>", "[CLS]", "[SEP]"],
    "private use and unassigned": ["\ue000", "\U000e0001", "\uffff", "\U0010ffff"],
    "one very long token": ["x" * 6_000],
    "many words": ["neno"] * 1_500,
    "ethiopic and cjk": ["አዲስ", "አበባ", "中文", "ไทย"],
}


@pytest.mark.parametrize("name", STRANGE)
async def test_strange_text_aligns_with_itself(real, name):
    tokens = STRANGE[name]
    answer = await align(real, {"source_tokens": tokens, "target_tokens": tokens})
    (alignment,) = answer.alignments
    assert alignment.error is None
    assert alignment.links
    assert all(i < len(tokens) and j < len(tokens) for i, j, _ in alignment.links)
    for method in ("itermax", "match", "softmax", "fused"):
        other = await align(real, {"source_tokens": tokens, "target_tokens": ["a", "b", "c"], "method": method})
        assert other.alignments[0].error is None


async def test_1000_pairs_are_one_call(http):
    pairs = [{"source_tokens": ["a"], "target_tokens": [f"b{n}"]} for n in range(1_000)]
    answer = await align(http, {"pairs": pairs})
    assert len(answer.alignments) == 1_000
    assert all(each.links == [(0, 0, 1.0)] for each in answer.alignments)


async def test_info(real):
    info = AlignmentInfo.model_validate_json((await real.get("/v1/info")).content)
    assert info.service == "alignment"
    assert [str(each) for each in info.methods] == list(AlignMethod)
    assert info.model_version == (await align(real, GOOD)).model_version


async def test_the_typed_client_speaks_to_it(http):
    client = AlignmentClient("alignment", http)
    answer = await client.align(AlignRequest(pairs=[TokenPair(**GOOD)]))
    assert answer.alignments[0].links
    with pytest.raises(InvalidRequest):
        await client.align(AlignRequest.model_construct(pairs=[]))


async def test_operations_and_docs(http):
    for path in ("/healthz", "/readyz", "/metrics", "/docs"):
        assert (await http.get(path)).status_code == 200
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert {"/v1/align", "/v1/info"} <= set(paths)
    assert (await http.get("/v1/align")).status_code == 405
    assert (await http.get("/nowhere")).status_code == 404


async def test_it_is_not_ready_before_it_has_started():
    app = create_app(AlignmentSettings(backend="stub"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://alignment") as client:
        assert (await client.get("/readyz")).status_code == 503
        response = await client.post("/v1/align", json=GOOD)
    assert response.status_code == 503
    assert response.json()["error"] == "NotReady"
