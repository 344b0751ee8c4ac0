"""One run: items in batches through a call, each finished batch kept."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from spanbridge_evaluation.running.journal import Journal, Outcome

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Run:
    """An outcome per item, and the seconds that their calls took, those of an earlier, interrupted run included."""

    outcomes: list[Outcome]
    seconds: float

    @property
    def rate(self) -> float:
        """Items per second."""
        return len(self.outcomes) / self.seconds if self.seconds > 0 else 0.0

    @property
    def faults(self) -> dict[str, int]:
        """How many items failed, by their error."""
        return dict(Counter(outcome["error"] for outcome in self.outcomes if outcome["error"] is not None))


def run_batches(
    items: Sequence[Item],
    call: Callable[[Sequence[Item]], list[Outcome]],
    journal: Journal,
    batch: int,
    seen: Callable[[int], None],
) -> Run:
    """Call for what the journal doesn't hold, `batch` items at a time; `seen` is told how many are done."""
    seen(len(journal.outcomes))
    while (done := len(journal.outcomes)) < len(items):
        started = time.perf_counter()
        outcomes = call(items[done : done + batch])
        if len(outcomes) != len(items[done : done + batch]):
            raise RuntimeError(f"{len(outcomes)} results for {len(items[done : done + batch])} items")
        journal.append(outcomes, time.perf_counter() - started)
        seen(len(journal.outcomes))
    return Run(journal.outcomes, journal.seconds)
