"""What a benchmark returns, and how it is printed."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: two measurements in one unit from one run, and their ratio, with the target if there is one."""

    name: str
    measured: str
    baseline: str
    ratio: str
    target: str = ""
    met: bool | None = None


async def median_seconds(call: Callable[[], Awaitable[object]], rounds: int) -> float:
    """Return the median time of awaiting `call`, after one round that doesn't count."""
    await call()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        await call()
        times.append(time.perf_counter() - started)
    return median(times)


def seconds_of(call: Callable[[], object], rounds: int) -> float:
    """Return the median time of `call`, after one round that doesn't count."""
    call()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return median(times)


def print_rows(rows: list[Row]) -> None:
    """Print the comparisons as a table."""
    table = Table(title="Ratios from one run, on this machine")
    for column in ("comparison", "measured", "against", "ratio", "target", "met"):
        table.add_column(column, overflow="fold")
    for row in rows:
        met = "" if row.met is None else "yes" if row.met else "no"
        table.add_row(row.name, row.measured, row.baseline, row.ratio, row.target, met)
    Console(width=140).print(table)
