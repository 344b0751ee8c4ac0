"""The Python client, against a gateway without models."""

import asyncio
import gc
import inspect
import logging
import warnings
import weakref

import httpx
import pytest

from spanbridge import AsyncSpanbridge, Sentence, Spanbridge, TokenPair
from spanbridge.retries import RetryingTransport
from spanbridge_shared.contracts.gateway import SentenceResult
from spanbridge_shared.errors import (
    ConfigurationError,
    InvalidRequest,
    Overloaded,
    UnknownLanguage,
    UpstreamFailed,
)
from tests.support.gateway import STUBS
from tests.unit.client.fake_gateway import FakeGateway, fake_app

SWAHILI = "Rais Samia alitembelea Nairobi jana."


def found(results: list[SentenceResult]) -> list[list[str]]:
    return [[entity.text for entity in result.entities] for result in results]


def test_texts_tokens_and_sentences_may_be_mixed(gateway: FakeGateway) -> None:
    given = [SWAHILI, ["Rais", "Samia"], Sentence(id=7, text="Nairobi"), {"id": "x", "tokens": ["jana"]}]
    with Spanbridge() as spanbridge:
        results = spanbridge.project(given, lang="sw")
    assert found(results) == [["Rais", "Samia", "Nairobi"], ["Rais", "Samia"], ["Nairobi"], []]
    assert [result.id for result in results] == ["0", "1", 7, "x"]
    assert [result.lang for result in results] == ["swh_Latn"] * 4


def test_a_bare_string_is_one_sentence(gateway: FakeGateway) -> None:
    with Spanbridge() as spanbridge:
        assert found(spanbridge.project(SWAHILI, lang="sw")) == [["Rais", "Samia", "Nairobi"]]


def test_no_sentences_no_results_no_call(gateway: FakeGateway) -> None:
    with Spanbridge() as spanbridge:
        assert spanbridge.project([], lang="sw") == []
    assert gateway.requests == []


def test_all_arguments_reach_the_gateway(gateway: FakeGateway) -> None:
    with Spanbridge() as spanbridge:
        spanbridge.project(
            ["a"], "sw", method="heuristic", labels=["PER"], options={"beam": 1}, include=["tokens", "scores"]
        )
    sent = gateway.requests[0]
    assert (sent.method, sent.labels) == ("heuristic", ["PER"])
    assert (sent.options, sent.include) == ({"beam": 1}, ["tokens", "scores"])


def test_a_bad_sentence_leaves_its_neighbours_alone(gateway: FakeGateway) -> None:
    huge = "a" * 9_000_000
    with Spanbridge() as spanbridge:
        results = spanbridge.project(["Samia", "", "a\ud800", huge, Sentence(), "Ruto"], lang="sw")
    errors = [result.error and result.error.error for result in results]
    assert errors == [None, "EmptyText", "InvalidText", "TextTooLong", "AmbiguousInput", None]
    assert found(results) == [["Samia"], [], [], [], [], ["Ruto"]]
    assert results[3].text == huge
    assert [result.id for result in results] == ["0", "1", "2", "3", "4", "5"]


def test_a_large_batch_is_cut_by_number(gateway: FakeGateway) -> None:
    texts = [f"Samia{number}" for number in range(10_500)]
    with Spanbridge() as spanbridge:
        results = spanbridge.project(texts, lang="sw")
    assert [result.text for result in results] == texts
    assert [result.id for result in results] == [str(number) for number in range(10_500)]
    assert max(len(request.sentences) for request in gateway.requests) <= 1_000


def test_a_large_batch_is_cut_by_bytes_below_the_limit(gateway: FakeGateway) -> None:
    texts = ["ሰ" * 20_000] * 200  # 12 MB together, and within 20,000 characters each
    with Spanbridge() as spanbridge:
        results = spanbridge.project([*texts, "\ud800"], lang="am")
    assert [result.error for result in results[:-1]] == [None] * 200
    assert max(map(int, gateway.others)) < 10_000_000


def test_auto_is_not_decided_by_a_part_without_a_sound_sentence(gateway: FakeGateway) -> None:
    """Regression: the next part was sent with the language "und", which the server refused."""
    with Spanbridge() as spanbridge:
        results = spanbridge.project([*[""] * 1_000, *["Samia"] * 1_001], lang="auto")
    assert [request.lang for request in gateway.requests] == ["auto", "auto", "swh_Latn"]
    assert results[-1].error is None


def test_auto_is_decided_by_the_first_part(gateway: FakeGateway) -> None:
    with Spanbridge() as spanbridge:
        spanbridge.project(["a"] * 1_001, lang="auto")
    assert [request.lang for request in gateway.requests] == ["auto", "swh_Latn"]


def test_the_other_services(gateway: FakeGateway) -> None:
    with Spanbridge() as spanbridge:
        translations = spanbridge.translate(["moja", "mbili"] * 600, "sw", beam=2)
        assert [each.hypotheses[0].text for each in translations] == ["MOJA", "MBILI"] * 600
        alignments = spanbridge.align([(["a"], ["b"]), TokenPair(source_tokens=["c"], target_tokens=["d"])])
        assert [each.links for each in alignments] == [[(0, 0, 1.0)]] * 2
        assert len(spanbridge.ner(["a text", ["two", "tokens"]])) == 2
        assert [each.code for each in spanbridge.languages()] == ["swh_Latn", "bbj_Latn"]
        assert [each.name for each in spanbridge.methods()] == ["candidates"]
        assert spanbridge.labels() == ["LOC", "ORG", "PER"]


def test_errors_of_a_request_are_raised_again(gateway: FakeGateway) -> None:
    with Spanbridge() as spanbridge:
        with pytest.raises(UnknownLanguage, match="nearest: xho_Latn"):
            spanbridge.translate(["a"], "xyz")
        with pytest.raises(InvalidRequest, match=r"sentence 1: tokens\.0"):
            spanbridge.project(["a", [1]], lang="sw")  # type: ignore[list-item]
        with pytest.raises(InvalidRequest, match="lang"):
            spanbridge.project(["a"], lang="")
        with pytest.raises(InvalidRequest, match="method"):
            spanbridge.align([(["a"], ["b"])], method="guess")


async def test_both_forms_answer_the_same(gateway: FakeGateway, server: str) -> None:
    given = [SWAHILI, ["Rais", "Samia"], "", "a\ud800"]
    async with AsyncSpanbridge() as embedded, AsyncSpanbridge(server) as remote:
        one = await embedded.project(given, lang="sw", include=["tokens"])
        other = await remote.project(given, lang="sw", include=["tokens"])
    without = {"error": {"request_id"}, "timings_ms": True}
    assert [r.model_dump(exclude=without) for r in one] == [r.model_dump(exclude=without) for r in other]


def test_sync_and_async_have_the_same_methods() -> None:
    def methods(kind: type) -> dict[str, inspect.Signature]:
        return {
            name: inspect.signature(value) for name, value in vars(kind).items()
            if inspect.isfunction(value) and (not name.startswith("_") or name == "__init__")
        }  # fmt: skip

    assert methods(Spanbridge) == methods(AsyncSpanbridge)


async def test_the_sync_form_works_inside_an_event_loop(gateway: FakeGateway) -> None:
    with Spanbridge() as spanbridge:
        assert found(spanbridge.project(["Samia"], lang="sw")) == [["Samia"]]


async def test_the_embedded_gateway_may_be_closed_by_another_task(gateway: FakeGateway) -> None:
    spanbridge = AsyncSpanbridge()
    await asyncio.create_task(spanbridge.open())
    await asyncio.gather(*(spanbridge.project(["Samia"], lang="sw") for _ in range(5)))
    await asyncio.create_task(spanbridge.close())
    assert (gateway.started, gateway.stopped) == (1, 1)


def test_open_and_close_leave_no_warnings(gateway: FakeGateway) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spanbridge = Spanbridge()
        spanbridge.project(["a"], lang="sw")
        spanbridge.close()
        spanbridge.close()
        gc.collect()
    assert (gateway.started, gateway.stopped) == (1, 1)


def test_a_closed_client_opens_anew(gateway: FakeGateway) -> None:
    spanbridge = Spanbridge()
    for _ in range(2):
        assert len(spanbridge.project(["a"], lang="sw")) == 1
        spanbridge.close()
    assert (gateway.started, gateway.stopped) == (2, 2)


def test_a_forgotten_client_is_closed_with_its_last_reference(gateway: FakeGateway) -> None:
    spanbridge = Spanbridge()
    spanbridge.open()
    gone = weakref.ref(spanbridge)
    del spanbridge
    gc.collect()
    assert gone() is None
    assert gateway.stopped == 1


def test_a_gateway_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ConfigurationError("no model at nowhere")

    monkeypatch.setattr("spanbridge.embedded.gateway_app", broken)
    spanbridge = Spanbridge()
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="no model at nowhere"):
            spanbridge.open()
    spanbridge.close()


def test_the_callers_logging_stays_as_it_was(gateway: FakeGateway) -> None:
    logger = logging.getLogger("spanbridge")
    before = (logger.handlers[:], logger.level, logger.propagate)
    with Spanbridge():
        assert (logger.handlers, logger.level, logger.propagate) == before


def test_a_server_that_is_not_there_is_named() -> None:
    with (
        Spanbridge("http://127.0.0.1:9") as spanbridge,
        pytest.raises(UpstreamFailed, match=r"127\.0\.0\.1:9 can't be"),
    ):
        spanbridge.languages()


@pytest.mark.parametrize("url", ["ftp://here", "http://", "http://host:port", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is not the address of a server"):
        Spanbridge(url)


def test_the_real_gateway_runs_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in STUBS.items():
        monkeypatch.setenv(variable, value)
    logger = logging.getLogger("spanbridge")
    before = (logger.handlers[:], logger.level, logger.propagate)
    with warnings.catch_warnings(), Spanbridge() as spanbridge:
        warnings.simplefilter("error", ResourceWarning)
        good, bad = spanbridge.project([SWAHILI, "\ud800"], lang="sw", include=["tokens"])
        assert "swh_Latn" in [each.code for each in spanbridge.languages()]
    assert (good.error, good.tokens) == (None, ["Rais", "Samia", "alitembelea", "Nairobi", "jana", "."])
    assert bad.error is not None
    assert bad.error.error == "InvalidText"
    assert (logger.handlers, logger.level, logger.propagate) == before


class TestRetries:
    @pytest.fixture
    def waits(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        waited: list[float] = []

        async def sleep(seconds: float) -> None:
            waited.append(seconds)

        monkeypatch.setattr("spanbridge.retries.asyncio.sleep", sleep)
        return waited

    async def test_a_busy_server_is_asked_again(self, gateway: FakeGateway, waits: list[float]) -> None:
        transport = RetryingTransport(httpx.ASGITransport(app=fake_app(gateway)), retries=5)
        gateway.busy = 2
        async with _client(transport) as http:
            response = await http.post("/v1/project", json={"sentences": [{"id": 1, "text": "a"}], "lang": "sw"})
        assert response.status_code == 200
        assert waits[:2] == [3, 3]

    async def test_not_for_ever(self, gateway: FakeGateway, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("spanbridge.retries.MAX_PAUSE_S", 0.0)
        gateway.busy = 100
        async with AsyncSpanbridge(server, retries=2) as spanbridge:
            with pytest.raises(Overloaded, match="the queue is full"):
                await spanbridge.project(["a"], lang="sw")
        assert gateway.busy == 97

    async def test_a_starting_server_is_waited_for(self, waits: list[float]) -> None:
        answers = [503, 503, 200]
        transport = RetryingTransport(_scripted(answers), retries=5)
        async with _client(transport) as http:
            assert (await http.get("/")).status_code == 200
        assert waits == [0.5, 1.0]

    async def test_other_failures_are_not_repeated(self, waits: list[float]) -> None:
        answers = [424, 200]
        async with _client(RetryingTransport(_scripted(answers), retries=5)) as http:
            assert (await http.get("/")).status_code == 424
        assert waits == []


def _scripted(answers: list[int]) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(answers.pop(0)))


def _client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, base_url="http://gateway")
