"""A fuzzing run: requests are drawn by hypothesis, in rounds, and asked one after the other."""

import asyncio
import random
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from tests.faults.fuzz import by_domain, by_schema
from tests.faults.fuzz.apps import targets as opened
from tests.faults.fuzz.asking import Asked
from tests.faults.fuzz.judging import Judge, Target

Drawn = tuple[Target, Asked, str | None]
_AT_ONCE = 5_000
"""Requests that one set of apps gets before it is closed, and another opened."""
_ROUND = 250
SCHEMA_SHARE = 6
"""One request in so many is schemathesis's."""


@dataclass(frozen=True)
class Plan:
    """How many requests, and the seed that makes them."""

    requests: int
    seed: int


async def fuzz(targets: list[Target], plan: Plan) -> Judge:
    """Ask, round by round."""
    judge = Judge()
    chance = random.Random(plan.seed)
    makers = [by_schema.requests(targets)] + [by_domain.requests(targets)] * (SCHEMA_SHARE - 1)
    turn = 0
    while judge.requests < plan.requests:
        number = min(_ROUND, plan.requests - judge.requests)
        for target, asked, template in drawn(makers[turn % len(makers)], number, chance.randrange(2**32)):
            await judge.put(target, asked, template)
        turn += 1
    return judge


def drawn(maker: st.SearchStrategy[Drawn], number: int, chosen: int) -> list[Drawn]:
    """Draw requests; the same number and seed give the same ones."""
    found: list[Drawn] = []

    @seed(chosen)
    @settings(
        max_examples=number,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(maker)
    def take(each: Drawn) -> None:
        found.append(each)

    # schemathesis rewrites its schemas as it goes, which hypothesis may notice; what was drawn is good all the same.
    with suppress(Flaky):
        take()
    return found[:number]


async def _ask(plan: Plan) -> Judge:
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder)) as apps:
            return await fuzz(apps, plan)


def work(plan: Plan) -> Judge:
    """Run a part, in a process of its own."""
    return asyncio.run(_ask(plan))


def parts(requests: int, seed: int) -> list[Plan]:
    """Cut a run into parts, each with a seed of its own."""
    sizes = [min(_AT_ONCE, requests - start) for start in range(0, requests, _AT_ONCE)]
    return [Plan(size, seed * 1_000 + number) for number, size in enumerate(sizes)]
