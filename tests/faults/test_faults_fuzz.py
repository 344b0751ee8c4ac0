"""A short fuzzing run; `make fuzz` makes a hundred thousand requests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from tests.faults.fuzz.apps import targets
from tests.faults.fuzz.asking import Asked
from tests.faults.fuzz.judging import Documented, Judge, Target
from tests.faults.fuzz.running import Plan, fuzz

REQUESTS = 1_500


@pytest.fixture
async def apps(tmp_path: Path) -> AsyncIterator[list[Target]]:
    async with targets(tmp_path) as found:
        yield found


async def test_no_request_meets_a_fault_of_the_server(apps: list[Target]) -> None:
    judge = await fuzz(apps, Plan(REQUESTS, seed=14))
    assert not judge.kinds, "\n".join(judge.wrong)
    assert judge.requests == REQUESTS
    # It gets far: some requests are fine, and some stumble at each step.
    assert all(judge.statuses[each] > 5 for each in ("200", "400", "401", "408", "413", "422")), judge.statuses


def app_that_answers(answer: Response | None) -> Target:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if answer is None:
            raise KeyError("a bug")
        await answer(scope, receive, send)

    shape = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    fits = {"200": {"content": {"application/json": {"schema": shape}}}}
    return Target("wrong", app, {}, {("POST", "/"): Documented(fits, {})})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (JSONResponse({"a": 1}), None),
        (JSONResponse({"a": "1"}), "schema"),
        (PlainTextResponse("a"), "content type"),
        (JSONResponse({"a": 1}, 202), "undocumented"),
        (JSONResponse({"detail": "no"}, 422), "error shape"),
        (JSONResponse({"error": "E", "detail": "no", "request_id": "r"}, 500), "server error"),
        (JSONResponse({"error": "E", "detail": "no", "request_id": "r"}, 502), "server error"),
        (None, "crash"),
    ],
)
async def test_the_judge_sees_what_is_wrong(answer: Response | None, kind: str | None) -> None:
    judge = Judge()
    await judge.put(app_that_answers(answer), Asked("POST", "/"))
    assert list(judge.kinds) == ([] if kind is None else [kind])


async def test_the_judge_sees_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()

    monkeypatch.setattr("tests.faults.fuzz.asking.LIMIT_S", 0.01)
    judge = Judge()
    await judge.put(Target("hung", hangs, {}, {}), Asked("POST", "/"))
    assert judge.kinds == {"hang": 1}


FOUND = {
    "a query that isn't ASCII, where Starlette redirects": Asked("POST", "/docs/", b"lang=\xff"),
}
"""What fuzzing has found; each was a 500 once."""


@pytest.mark.parametrize("name", FOUND)
async def test_what_fuzzing_found_stays_mended(apps: list[Target], name: str) -> None:
    judge = Judge()
    for app in apps:
        await judge.put(app, FOUND[name])
    assert not judge.kinds, judge.wrong
