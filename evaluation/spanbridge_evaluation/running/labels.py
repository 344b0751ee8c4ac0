"""Which labels are counted, and which ones a request may name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanbridge_evaluation.data.layouts import NerSet
from spanbridge_evaluation.running.comparisons import DIRECT
from spanbridge_evaluation.running.settings import Setting
from spanbridge_shared.contracts.gateway import Sentence
from spanbridge_shared.errors import UnknownLabel

if TYPE_CHECKING:
    from spanbridge import Spanbridge


@dataclass(frozen=True, slots=True)
class TaughtLabels:
    """The labels that a server's teachers give: all together, and for each method, None where that isn't known."""

    together: Sequence[str]
    by_method: Mapping[str, Sequence[str] | None]

    def of(self, setting: Setting) -> Sequence[str]:
        """Return what a setting can find; a teacher that is named has labels of its own, which no list tells."""
        found = None if setting.options.get("teacher") else self.by_method.get(setting.method)
        return self.together if found is None else found


def taught_labels(client: "Spanbridge") -> TaughtLabels:
    """Ask a server for the labels that its teachers give."""
    return TaughtLabels(client.labels(), {method.name: method.labels for method in client.methods()})


def counted_labels(data: NerSet, setting: Setting, asked: Sequence[str], taught: Sequence[str]) -> list[str]:
    """Return the labels asked for that can be found; raises `UnknownLabel` where that is none.

    With gold English entities every label can be; else those that a teacher gives.
    """
    if data.sources is not None and setting.method not in DIRECT:
        return list(asked)
    found = [label for label in asked if label in taught]
    if not found:
        raise UnknownLabel(f"no teacher gives any of {', '.join(asked)}; there are {', '.join(sorted(taught))}")
    return found


def request_labels(part: Sequence[Sentence], labels: Sequence[str], taught: Sequence[str]) -> list[str]:
    """Return the labels that a request may name: those that a teacher or one of its sentences gives."""
    given = {each.label for sentence in part if sentence.source for each in sentence.source.entities or []}
    # A request must name one; what it finds beyond the labels counted is left out again.
    return [label for label in labels if label in given or label in taught] or sorted(taught)[:1]
