"""`make bench`: every ratio of the README and of docs/results.md, from one run."""

import asyncio
import logging
import os
import sys

from rich.console import Console

from bench import alignment, pipeline, projection, translation
from bench.report import Row, print_rows

_UNCACHED = {f"SPANBRIDGE_{name}_CACHE_URL": "none://" for name in ("TRANSLATION", "ALIGNMENT", "NER_TEACHER")}


def main() -> None:
    """Run the benchmarks, or those named on the command line, and print their rows."""
    logging.disable(logging.INFO)
    rows: list[Row] = []
    console = Console(stderr=True)
    benchmarks = {
        "cached": lambda: [asyncio.run(pipeline.cached())],
        "batched": lambda: [_without_cache(pipeline.batched)],
        "overhead": lambda: [_without_cache(pipeline.overhead)],
        "translation": translation.compare,
        "alignment": alignment.compare,
        "projection": projection.compare,
    }
    unknown = set(sys.argv[1:]) - benchmarks.keys()
    if unknown:
        sys.exit(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(benchmarks)}")
    for name in sys.argv[1:] or benchmarks:
        console.print(f"measuring {name} …")
        rows += benchmarks[name]()
    print_rows(rows)


def _without_cache(benchmark: object) -> Row:
    os.environ.update(_UNCACHED)
    try:
        row: Row = asyncio.run(benchmark())  # type: ignore[operator]
        return row
    finally:
        for name in _UNCACHED:
            del os.environ[name]


if __name__ == "__main__":
    main()
