"""Run all scenarios, print their figures, and exit with 1 where one misses its target."""

import asyncio
import resource
import sys

import aiohttp

from bench.load.clients import Clients
from bench.load.scenarios import Figure, cached, concurrency, fresh, overload
from bench.load.server import running

_CONNECTIONS = 20_000
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)


async def _measure() -> list[Figure]:
    texts = fresh()
    with running({}) as server:
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
        async with aiohttp.ClientSession(connector=connector, timeout=_NO_TIMEOUT) as http:
            clients = Clients(http, server.url)
            print("64 clients of one sentence, against one client with batches of 64 …", flush=True)
            figures, peak = await concurrency(clients, texts)
            print(f"  {peak:.1f} single sentences/s at best\nsentences that were answered before …", flush=True)
            figures += await cached(clients, texts)
            print(f"ten times as many as can be labelled, {10 * peak:.0f} a second …", flush=True)
            return figures + await overload(clients, texts, server, peak)


def main() -> None:
    """Measure, print, and exit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    figures = asyncio.run(_measure())
    for figure in figures:
        print(" ", figure.told)
    missed = sum(not figure.met for figure in figures)
    print(f"load: {len(figures) - missed} met, {missed} missed: {'; '.join(figure.told for figure in figures)}")
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
