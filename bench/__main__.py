"""`make bench`: every ratio of the README and of docs/results.md, from one run."""

import argparse
import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from rich.console import Console

from bench import alignment, pipeline, projection, translation
from bench.report import Row, print_rows

_CACHING = ("GATEWAY", "TRANSLATION", "ALIGNMENT", "NER_TEACHER")
_UNCACHED = {f"SPANBRIDGE_{name}_CACHE_URL": "none://" for name in _CACHING}


def main() -> None:
    """Run the benchmarks, or those named on the command line, and print their rows."""
    logging.disable(logging.INFO)
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help="benchmarks to run; without, all")
    parser.add_argument(
        "--before",
        type=lambda given: Path(given).resolve(),
        help="a models folder of before: is the pipeline slower than with it?",
    )
    arguments = parser.parse_args()
    benchmarks: dict[str, Callable[[], list[Row]]] = {
        "cached": lambda: [asyncio.run(pipeline.cached())],
        "batched": lambda: _without_cache(_single(pipeline.batched)),
        "overhead": lambda: _without_cache(_single(pipeline.overhead)),
        "methods": lambda: _without_cache(pipeline.methods),
        "translation": translation.compare,
        "alignment": alignment.compare,
        "projection": projection.compare,
    }
    if before := arguments.before:
        benchmarks = {"replaced": lambda: _without_cache(_single(partial(pipeline.replaced, before))), **benchmarks}
    if unknown := set(arguments.names) - benchmarks.keys():
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(benchmarks)}")
    rows: list[Row] = []
    console = Console(stderr=True)
    for name in arguments.names or benchmarks:
        console.print(f"measuring {name} …")
        rows += benchmarks[name]()
    print_rows(rows)


def _single(benchmark: Callable[[], Awaitable[Row]]) -> Callable[[], Awaitable[list[Row]]]:
    async def run() -> list[Row]:
        return [await benchmark()]

    return run


def _without_cache(benchmark: Callable[[], Awaitable[list[Row]]]) -> list[Row]:
    os.environ.update(_UNCACHED)

    async def run() -> list[Row]:
        return await benchmark()

    try:
        return asyncio.run(run())
    finally:
        for name in _UNCACHED:
            del os.environ[name]


if __name__ == "__main__":
    main()
