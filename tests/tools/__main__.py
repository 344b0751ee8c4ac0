"""`make test-tools`: run the tests here; anything that failed or was skipped is a failure. Counts come last.

A test tells how many tasks it found equal by `record_property("equal in TOOL", n)`.
"""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

_EQUAL = "equal in "


class Counts:
    """Counts outcomes, and the tasks that tests found equal."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.equal: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.outcome] += 1
        if report.when == "call" and report.passed:
            for name, value in report.user_properties:
                if name.startswith(_EQUAL):
                    self.equal[name.removeprefix(_EQUAL)] += int(str(value))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome != "passed":
            self.outcomes[report.outcome] += 1

    def line(self) -> str:
        told = ", ".join(f"{self.outcomes[each]} {each}" for each in ("passed", "failed", "skipped"))
        equal = ", ".join(f"{count} in {tool}" for tool, count in self.equal.items())
        return f"test-tools: {told}; tasks equal: {equal or 'none compared'}"


def main() -> int:
    os.environ["SPANBRIDGE_TEST_TOOLS"] = "1"
    counts = Counts()
    code = pytest.main([str(Path(__file__).parent), "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[counts])
    print(counts.line())
    good = code == pytest.ExitCode.OK and set(counts.outcomes) == {"passed"}
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
