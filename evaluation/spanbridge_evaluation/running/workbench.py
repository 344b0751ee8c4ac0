"""What every measurement works with: the client, the journals of its runs, and the progress that people see."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from spanbridge_evaluation.results import Caches
from spanbridge_evaluation.running.batches import Run, run_batches
from spanbridge_evaluation.running.comparisons import ENSEMBLE
from spanbridge_evaluation.running.journal import Journal, Outcome, run_key
from spanbridge_evaluation.running.settings import Setting
from spanbridge_shared.contracts.gateway import GivenSource, Sentence
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.text.languages import ENGLISH

if TYPE_CHECKING:
    from spanbridge import Spanbridge

Item = TypeVar("Item")

_NOTHING = Sentence(tokens=["-"], source=GivenSource(tokens=["-"], entities=[]))


@dataclass(slots=True)
class Workbench:
    """Runs calls in batches, resumes them, and shows how far they are; `journals` are forgotten by `finish`."""

    client: "Spanbridge"
    model_version: str
    folder: Path
    batch: int
    caches: Caches
    fresh: bool
    console: Console
    progress: Progress
    task: TaskID
    journals: list[Journal] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def run(
        self, title: str, items: Sequence[Item], call: Callable[[Sequence[Item]], list[Outcome]], **key: Any
    ) -> Run:
        """Run a call over all items; `key` names all that the outcomes depend on beside the models."""
        # Seconds with and without caches must not be added up.
        name = run_key(model_version=self.model_version, caches=self.caches, **key)
        journal = Journal(self.folder / f"{name}.jsonl", fresh=self.fresh)
        self.journals.append(journal)
        if journal.outcomes:
            self.say(f"{title}: continuing after {len(journal.outcomes):,} of {len(items):,}")
        self.progress.update(self.task, description=title, total=len(items), completed=0)
        return run_batches(
            items, call, journal, self.batch, lambda done: self.progress.update(self.task, completed=done)
        )

    def say(self, message: str) -> None:
        """Tell people something, on stderr."""
        self.console.print(message, markup=False)

    def check_models(self, found: str | None) -> None:
        """Raise `ConfigurationError` where the models are no longer those that the run began with.

        A method may add to their version what it works by beside them, such as an ensemble its calibration.
        """
        if found is not None and found != self.model_version and not found.startswith(f"{self.model_version}:"):
            raise ConfigurationError(f"the models changed during the run, from {self.model_version} to {found}")

    def version_of(self, setting: Setting) -> str:
        """Return the version of all that a setting answers by: the models', and that of an ensemble's calibration."""
        if setting.method != ENSEMBLE or "parameters" in setting.options:
            return self.model_version
        if ENSEMBLE not in self.versions:
            self.versions[ENSEMBLE] = self.client.projection([_NOTHING], ENGLISH, method=ENSEMBLE).model_version or ""
        return self.versions[ENSEMBLE]

    def finish(self) -> None:
        """Forget the finished batches, because all is done."""
        for journal in self.journals:
            journal.forget()


@contextmanager
def workbench(client: "Spanbridge", folder: Path, batch: int, caches: Caches, *, fresh: bool) -> Iterator[Workbench]:
    """Give a workbench for an open client; its progress bar lives as long."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield Workbench(client, served_models(client), folder, batch, caches, fresh, console, progress, task)


def served_models(client: "Spanbridge") -> str:
    """Return the models' version, asked with a sentence that brings all that a model would have to find."""
    return client.projection([_NOTHING], ENGLISH).model_version or ""
