"""The language-model teacher over HTTP, against a server that speaks the chat API and fails as real ones do."""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest

from spanbridge_ner_teacher.app import create_app
from spanbridge_ner_teacher.settings import NerTeacherSettings
from spanbridge_shared.contracts.ner import NerInfo, NerResponse, NerResult, TeacherInfo
from spanbridge_shared.errors import ConfigurationError
from tests.support.chat_server import ChatServer, Reply, Request, chat_server, completion, entities, failure, labelling
from tests.support.processes import free_port

SENTENCE = "Rais Samia alitembelea Nairobi jana."
FOUND = [("Samia", "PER"), ("Nairobi", "LOC")]
KEY = "sk-very-secret-0123456789"


@pytest.fixture(scope="module")
def one_server() -> Iterator[ChatServer]:
    with chat_server() as server:
        yield server


@pytest.fixture
def chat(one_server: ChatServer) -> ChatServer:
    one_server.forget()
    return one_server


@asynccontextmanager
async def service(chat: ChatServer | str, **given: Any) -> AsyncIterator[httpx.AsyncClient]:
    settings = {
        "english": "stub:eng_Latn", "multilingual": "stub:swh_Latn", "student": "", "log_level": "CRITICAL",
        "llm_url": chat if isinstance(chat, str) else chat.url, "llm_model": "tiny", "llm_backoff_s": 0.001,
    }  # fmt: skip
    app = create_app(NerTeacherSettings(**(settings | given)))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://ner", timeout=60) as client:
            yield client


async def label(client: httpx.AsyncClient, *sentences: str, lang: str = "swh_Latn", **fields: Any) -> list[NerResult]:
    items = [{"text": each} for each in sentences or (SENTENCE,)]
    answer = await client.post("/v1/ner", json={"sentences": items, "lang": lang, "teacher": "llm", **fields})
    assert answer.status_code == 200, answer.text
    return NerResponse.model_validate_json(answer.content).results


def names(result: NerResult) -> list[tuple[str, str]]:
    return [(each.text, each.label) for each in result.entities]


async def llm_info(client: httpx.AsyncClient) -> TeacherInfo:
    info = NerInfo.model_validate_json((await client.get("/v1/info")).content)
    return next(each for each in info.teachers if each.key == "llm")


async def test_text_and_tokens_are_labelled_and_cached(chat: ChatServer) -> None:
    items = [{"text": SENTENCE}, {"tokens": ["Rais", "Samia", "na", "Ruto"]}]
    async with service(chat) as client:
        body = {"sentences": items, "lang": "swh_Latn", "teacher": "llm"}
        first, again = [
            NerResponse.model_validate_json((await client.post("/v1/ner", json=body)).content) for _ in "12"
        ]
        assert [names(each) for each in first.results] == [FOUND, [("Samia", "PER"), ("Ruto", "PER")]]
        assert [(each.start, each.end) for each in first.results[0].entities] == [(5, 10), (23, 30)]
        assert [(each.start, each.end) for each in first.results[1].entities] == [(1, 2), (3, 4)]
        assert [each.unit for each in first.results] == ["characters", "tokens"]
        assert [each.cached for each in first.results + again.results] == [False, False, True, True]
        assert len(chat.requests) == 2
        info = await llm_info(client)
    assert (info.role, info.name, info.languages, info.labels) == ("named", "llm:tiny", ["*"], ["PER", "ORG", "LOC"])
    assert not info.probabilities
    assert first.model_version == info.model_version


async def test_the_request_holds_the_sentence_the_labels_and_a_schema(chat: ChatServer) -> None:
    async with service(
        chat, llm_labels=["PER", "CROP"], llm_key=KEY, llm_extra={"max_tokens": None, "seed": 7}
    ) as client:
        await label(client)
    (request,) = chat.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body["model"] == "tiny"
    assert request.body["temperature"] == 0
    assert request.body["seed"] == 7
    assert "max_tokens" not in request.body
    schema = request.body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["entities"]["items"]["properties"]["label"]["enum"] == ["PER", "CROP"]
    assert "CROP" in request.body["messages"][0]["content"]
    assert request.body["messages"][-1]["content"] == f"Language: Swahili (swh_Latn)\nSentence: {SENTENCE}"


GOOD = entities(*FOUND)


@pytest.mark.parametrize(
    "content",
    [
        f"```json\n{GOOD}\n```",
        f"Here you are:\n```\n{GOOD}\n```\nAnything else?",
        f"<think>Is it {entities(('Rais', 'PER'))}? No.</think>\n{GOOD}",
        f"The answer is {GOOD}. I hope this helps!",
        json.dumps([{"text": name, "label": kind} for name, kind in FOUND]),
        entities(("Samia", "PERSON"), ("Nairobi", "loc")),
        entities(*FOUND[::-1]),
    ],
)
async def test_what_can_be_read_is_labelled(chat: ChatServer, content: str) -> None:
    chat.answer = lambda _: completion(content)
    async with service(chat) as client:
        (result,) = await label(client)
    assert names(result) == FOUND


@pytest.mark.parametrize(
    ("reply", "error", "told"),
    [
        (completion('{"entities": [{"text": "Sam', finish_reason="length"), "UnusableAnswer", "LLM_MAX_TOKENS"),
        (completion(GOOD, finish_reason="length"), "UnusableAnswer", "cut off"),
        (completion('{"entities": [{"text": "Sam'), "UnusableAnswer", "no JSON"),
        (completion("Samia is a person."), "UnusableAnswer", "no JSON"),
        (completion("I'm sorry, but I can't help with that."), "UnusableAnswer", "I'm sorry"),
        (completion(None, refusal="I can't"), "UnusableAnswer", "refused"),
        (completion(None, finish_reason="content_filter"), "UnusableAnswer", "refused"),
        (completion(""), "UnusableAnswer", "empty"),
        (completion(None), "UnusableAnswer", "empty"),
        (completion('{"PER": ["Samia"]}'), "UnusableAnswer", "no JSON with entities"),
        (completion("[" * 100_000), "UnusableAnswer", "no JSON"),
        (Reply(body=b"<html>gateway</html>"), "UnusableAnswer", "isn't JSON"),
        (Reply(body=b""), "UnusableAnswer", "isn't JSON"),
        (Reply(body=b'{"choices": []}'), "UnusableAnswer", "choices"),
        (Reply(body=b'{"choices": [{"message": {"content": 5}}]}'), "UnusableAnswer", "empty"),
        (Reply(body=b'["choices"]'), "UnusableAnswer", "choices"),
        (Reply(body=b" " * 5_000_000), "UnusableAnswer", "longer than"),
        (failure(400, "context length exceeded"), "UnusableAnswer", "context length exceeded"),
        (failure(401, f"bad key {KEY}"), "TeacherUnavailable", "LLM_KEY"),
        (failure(404, "no such model"), "TeacherUnavailable", "LLM_MODEL: no such model"),
        (failure(418, f"teapot {KEY}"), "TeacherUnavailable", r"418: teapot \[key\]"),
        (failure(500), "TeacherUnavailable", "500"),
        (failure(429), "TeacherUnavailable", "REQUESTS_PER_MINUTE"),
        (failure(429, retry_after="86400"), "TeacherUnavailable", "REQUESTS_PER_MINUTE"),
        (failure(302, location="http://127.0.0.1:9/"), "TeacherUnavailable", "302"),
        (Reply(body=b"{}", headers={"content-encoding": "gzip"}), "TeacherUnavailable", "DecodingError"),
    ],
)
async def test_what_cannot_be_read_is_that_sentences_error_alone(
    chat: ChatServer, reply: Reply, error: str, told: str
) -> None:
    chat.answer = lambda request: reply if "Samia" in request.sentence else labelling(request)
    async with service(chat, llm_key=KEY) as client:
        before, broken, after = await label(client, "Ruto yuko Lagos.", SENTENCE, "UNESCO iko Nairobi.")
        info = await llm_info(client)
    assert names(before) == [("Ruto", "PER"), ("Lagos", "LOC")]
    assert names(after) == [("UNESCO", "ORG"), ("Nairobi", "LOC")]
    assert broken.entities == []
    assert broken.error is not None
    assert broken.error.error == error
    assert re.search(told, broken.error.detail), broken.error.detail
    assert KEY not in broken.error.detail
    assert info.usage is not None
    assert info.usage.failed_answers == 1


async def test_an_error_is_not_kept_in_the_cache(chat: ChatServer) -> None:
    chat.queue = [completion("no")]
    async with service(chat) as client:
        assert [(await label(client))[0].error is None for _ in "12"] == [False, True]


async def test_invented_spans_are_dropped_and_counted(chat: ChatServer) -> None:
    invented = [("Samia Suluhu", "PER"), ("samia", "PER"), ("Kenya", "LOC"), ("Ali", "PER"), ("", "PER"), (" ", "LOC")]
    wrong = [("jana", "DATE"), ("Nairobi", "LOC"), ("Nairobi", "ORG")]
    chat.answer = lambda _: completion(entities(*invented, *wrong))
    async with service(chat) as client:
        (result,) = await label(client)
        usage = (await llm_info(client)).usage
        metrics = (await client.get("/metrics")).text
    assert names(result) == [("Nairobi", "LOC")]
    assert result.error is None
    assert usage is not None
    assert usage.dropped_spans == 8
    assert 'spanbridge_llm_dropped_spans_total{model="tiny"}' in metrics


async def test_a_name_that_stands_twice_is_matched_in_order(chat: ChatServer) -> None:
    text = "Washington alikaa Washington 😀 na Washington."
    chat.answer = lambda _: completion(entities(("Washington", "PER"), ("Washington", "LOC")))
    async with service(chat) as client:
        (result,) = await label(client, text)
    assert [(each.start, each.end, each.label) for each in result.entities] == [(0, 10, "PER"), (18, 28, "LOC")]


async def test_scores_are_shares_of_samples(chat: ChatServer) -> None:
    chat.queue = [completion(entities(*each)) for each in (FOUND, FOUND[:1], FOUND, FOUND[:1])]
    chat.queue += [completion(entities(*FOUND[:1], ("Rais", "PER")))]
    async with service(chat, llm_samples=5, llm_min_share=0.4) as client:
        (result,) = await label(client)
    assert [(each.text, each.score) for each in result.entities] == [("Samia", 1.0), ("Nairobi", 0.4)]
    assert {request.body["temperature"] for request in chat.requests} == {0.7}


@pytest.mark.parametrize(("unusable", "labelled"), [(2, True), (3, False)])
async def test_half_of_the_samples_must_be_usable(chat: ChatServer, unusable: int, *, labelled: bool) -> None:
    chat.queue = [completion("no")] * unusable
    async with service(chat, llm_samples=4) as client:
        (result,) = await label(client)
    assert (result.error is None) is labelled
    assert [each.score for each in result.entities] == ([1.0, 1.0] if labelled else [])


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529, 408])
async def test_a_passing_failure_is_tried_again(chat: ChatServer, status: int) -> None:
    chat.queue = [failure(status), failure(status)]
    async with service(chat) as client:
        (result,) = await label(client)
        usage = (await llm_info(client)).usage
    assert names(result) == FOUND
    assert usage is not None
    assert (usage.requests, usage.prompt_tokens, usage.completion_tokens) == (3, 100, 20)


@pytest.mark.parametrize("as_date", [False, True])
async def test_retry_after_is_honoured_by_every_thread(chat: ChatServer, *, as_date: bool) -> None:
    chat.queue = [failure(429, retry_after=formatdate(time.time() + 2, usegmt=True) if as_date else "1")]
    async with service(chat, llm_concurrency=1) as client:
        results = await label(client, SENTENCE, "Ruto yuko Lagos.")
    assert all(each.error is None for each in results)
    # A date has whole seconds, so that of "in two seconds" at least one is left.
    assert chat.requests[1].at - chat.requests[0].at >= 0.95
    assert len(chat.requests) == 3


@pytest.mark.parametrize("slow", [Reply(delay_s=5), Reply(body=b" " * 500, trickle_s=0.01)])
async def test_a_slow_answer_is_given_up(slow: Reply) -> None:
    with chat_server() as chat:
        chat.queue = [slow]
        async with service(chat, llm_timeout_s=0.3, llm_retries=0) as client:
            (result,) = await label(client)
            (again,) = await label(client)
    assert result.error is not None
    assert (result.error.error, "ReadTimeout" in result.error.detail) == ("TeacherUnavailable", True)
    assert names(again) == FOUND


async def test_a_server_that_is_down_neither_stops_the_start_nor_other_teachers() -> None:
    async with service(f"http://127.0.0.1:{free_port()}/v1", llm_retries=1) as client:
        (result,) = await label(client)
        assert result.error is not None
        assert (result.error.error, "ConnectError" in result.error.detail) == ("TeacherUnavailable", True)
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.post("/v1/ner", json={"text": SENTENCE, "lang": "swh_Latn"})).json()["results"][0][
            "entities"
        ]


async def test_a_connection_that_breaks_off_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def break_off() -> None:
            connection, _ = listening.accept()
            connection.recv(100)
            connection.close()

        breaking = threading.Thread(target=break_off)
        breaking.start()
        async with service(f"http://127.0.0.1:{port}/v1", llm_retries=0) as client:
            (result,) = await label(client)
        breaking.join()
    assert result.error is not None
    assert result.error.error == "TeacherUnavailable"


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_server_without_response_format_is_asked_without_it_from_then_on(chat: ChatServer, status: int) -> None:
    def answer(request: Request) -> Reply:
        return failure(status, "unknown field") if "response_format" in request.body else labelling(request)

    chat.answer = answer
    async with service(chat) as client:
        assert names((await label(client))[0]) == FOUND
        assert names((await label(client, "Ruto yuko Lagos."))[0]) == [("Ruto", "PER"), ("Lagos", "LOC")]
    assert ["response_format" in request.body for request in chat.requests] == [True, False, False]


async def test_another_400_is_no_reason_to_give_up_response_format(chat: ChatServer) -> None:
    chat.queue = [failure(400, "too long"), failure(400, "too long")]
    async with service(chat) as client:
        assert (await label(client))[0].error is not None
        assert names((await label(client))[0]) == FOUND
    assert ["response_format" in request.body for request in chat.requests] == [True, False, True]


async def test_no_more_requests_are_under_way_than_allowed(chat: ChatServer) -> None:
    async with service(chat, llm_concurrency=3, llm_samples=2, max_queue=100) as client:
        results = await label(client, *(f"Samia {number}" for number in range(12)))
    assert all(names(each) == [("Samia", "PER")] for each in results)
    assert len(chat.requests) == 24
    assert chat.at_once == 3


async def test_requests_keep_the_rate(chat: ChatServer) -> None:
    async with service(chat, llm_requests_per_minute=600) as client:
        await label(client, *(f"Samia {number}" for number in range(6)))
    times = sorted(request.at for request in chat.requests)
    assert times[-1] - times[0] >= 0.45


async def test_what_waits_for_its_turn_does_not_hold_up_the_end(chat: ChatServer) -> None:
    """Regression: a stop waited for every sentence that the rate limit held back."""
    asked = threading.Event()

    def answer(request: Request) -> Reply:
        asked.set()
        return labelling(request)

    chat.answer = answer
    async with asyncio.timeout(30):
        async with service(chat, llm_requests_per_minute=1) as client:
            asking = asyncio.create_task(label(client, "Samia", "Ruto", "Lagos"))
            await asyncio.to_thread(asked.wait)
        results = await asking
    told = [each.error.error for each in results if each.error is not None]
    assert told == ["TeacherUnavailable"] * 2
    assert len(chat.requests) == 1


@pytest.mark.parametrize("header", ["nan", "inf", "soon", "-5", "Mon, 99 Foo 2026", ""])
async def test_a_retry_after_that_says_nothing_is_passed_over(chat: ChatServer, header: str) -> None:
    chat.queue = [failure(503, retry_after=header)]
    async with service(chat) as client:
        assert names((await label(client))[0]) == FOUND


async def test_tokens_and_cost_are_counted(chat: ChatServer) -> None:
    async with service(chat, llm_price_in=2.0, llm_price_out=10.0) as client:
        await label(client, "Samia", "Ruto")
        await label(client, "Samia")  # From the cache: costs nothing.
        info = await llm_info(client)
        metrics = (await client.get("/metrics")).text
    assert info.usage is not None
    assert info.usage.model_dump() == {
        "requests": 2, "prompt_tokens": 200, "completion_tokens": 40, "cost": pytest.approx(0.0008),
        "failed_answers": 0, "dropped_spans": 0,
    }  # fmt: skip
    assert 'spanbridge_llm_tokens_total{kind="prompt",model="tiny"}' in metrics
    assert 'spanbridge_llm_requests_total{model="tiny",outcome="200"}' in metrics


async def test_a_language_model_may_fill_the_roles_and_several_may_serve(chat: ChatServer) -> None:
    given = {"english": "llm:", "multilingual": "llm:other", "teachers": {"third": "llm:third:8b"}}
    async with service(chat, **given) as client:
        for body in ({"text": "Samia"}, {"text": "Samia", "lang": "sw"}, {"text": "Samia", "teacher": "third"}):
            answer = await client.post("/v1/ner", json=body)
            assert answer.json()["results"][0]["entities"], body
        assert (await client.post("/v1/probabilities", json={"text": "a", "lang": "sw"})).status_code == 422
    assert [request.body["model"] for request in chat.requests] == ["tiny", "other", "third:8b"]


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


LINE = '{"text": "Ruto yuko Lagos.", "lang": "sw", "entities": [{"text": "Ruto", "label": "PER", "start": 0}]}'


async def test_examples_are_shown_to_the_model(chat: ChatServer, tmp_path: Path) -> None:
    file = write(tmp_path / "examples.jsonl", LINE, "", '{"text": "Hello there", "entities": []}')
    async with service(chat, llm_examples=file) as client:
        await label(client)
    messages = chat.requests[0].body["messages"]
    assert [each["role"] for each in messages] == ["system", *["user", "assistant"] * 2, "user"]
    assert messages[1]["content"] == "Language: Swahili (swh_Latn)\nSentence: Ruto yuko Lagos."
    assert json.loads(messages[2]["content"]) == {"entities": [{"text": "Ruto", "label": "PER"}]}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "not a JSON object"),
        ("[1]", "an example is"),
        ('{"text": "a"}', "an example is"),
        ('{"text": " ", "entities": []}', "the text is empty"),
        ('{"text": "a", "lang": "xx-yy", "entities": []}', "no language has the code"),
        ('{"text": "Samia", "entities": [{"text": "Ruto", "label": "PER"}]}', "doesn't stand in the text"),
        ('{"text": "Samia", "entities": [{"text": "Samia", "label": "CROP"}]}', "the label is 'CROP'"),
        ('{"text": "Samia", "entities": [{"label": "PER"}]}', "an entity has no text"),
        ('{"text": "Samia", "entities": ["Samia"]}', "an entity has no text"),
    ],
)
async def test_a_bad_example_stops_the_start_and_is_named(tmp_path: Path, line: str, told: str) -> None:
    file = write(tmp_path / "examples.jsonl", LINE, line)
    with pytest.raises(ConfigurationError) as caught:
        async with service("http://127.0.0.1:9/v1", llm_examples=file):
            pass
    assert f"LLM_EXAMPLES: {file}, line 2: " in caught.value.detail
    assert told in caught.value.detail


async def test_a_missing_examples_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no\.jsonl can't be read"):
        async with service("http://127.0.0.1:9/v1", llm_examples=str(tmp_path / "no.jsonl")):
            pass


async def version_of(**given: Any) -> str:
    async with service("http://127.0.0.1:9/v1", **given) as client:
        return (await llm_info(client)).model_version


async def test_the_version_follows_what_answers_depend_on_and_not_the_key(tmp_path: Path) -> None:
    plain = await version_of()
    assert plain == await version_of(llm_key=KEY, llm_concurrency=9, llm_retries=0, llm_price_in=1.0)
    file = write(tmp_path / "examples.jsonl", LINE)
    others: list[dict[str, Any]] = [
        {"llm_model": "other"}, {"llm_labels": ["PER"]}, {"llm_samples": 3}, {"llm_temperature": 0.5},
        {"llm_max_tokens": 99}, {"llm_extra": {"seed": 1}}, {"llm_examples": file}, {"llm_min_share": 0.4},
        {"llm_labels": {"PER": "people", "ORG": "", "LOC": ""}},
    ]  # fmt: skip
    versions = [await version_of(**each) for each in others]
    assert len({plain, *versions}) == len(others) + 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"LLM_URL": "http://user:hunter2@host/v1"}, "a key goes into llm_key"),
        ({"LLM_URL": "ftp://host/v1", "LLM_MODEL": "m"}, "write an address"),
        ({"LLM_URL": "http://[::1/v1", "LLM_MODEL": "m"}, "write an address"),
        ({"LLM_KEY": "hunter2 hunter2"}, "printable ASCII"),
        ({"LLM_KEY": "hunter2\nx"}, "printable ASCII"),
        ({"LLM_MODEL": "m"}, "llm_url must say where"),
        ({"LLM_URL": "http://host/v1"}, "llm_model must say which"),
        ({"ENGLISH": "llm:"}, "llm_url must say where"),
        ({"ENGLISH": "llm:", "LLM_URL": "http://host/v1"}, "llm_model must say which"),
        ({"LLM_LABELS": '["PER", "per"]'}, "nothing but their case"),
        ({"LLM_LABELS": '["O"]'}, "is no label"),
        ({"LLM_LABELS": "[]"}, "LLM_LABELS"),
        ({"LLM_EXTRA": '{"stream": true}'}, "stream can't be changed"),
        ({"LLM_SAMPLES": "3", "LLM_TEMPERATURE": "0"}, "would be the same"),
        ({"TEACHERS": '{"llm": "stub:"}'}, "can't name a teacher"),
    ],
)
def test_wrong_settings_are_told_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], told: str
) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(f"SPANBRIDGE_NER_TEACHER_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        create_app()
    assert told in caught.value.detail
    assert "hunter2" not in caught.value.detail


def test_the_key_is_not_shown_by_the_settings() -> None:
    settings = NerTeacherSettings(english="stub:", llm_key=KEY)  # type: ignore[arg-type]
    assert KEY not in repr(settings)
    assert KEY not in str(settings.model_dump())


async def test_the_key_reaches_no_log(chat: ChatServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    chat.queue = [failure(401, KEY)]
    async with service(chat, llm_key=KEY, log_level="DEBUG") as client:
        await label(client)
        await label(client)
        metrics = (await client.get("/metrics")).text
    assert KEY not in caplog.text
    assert KEY not in metrics
