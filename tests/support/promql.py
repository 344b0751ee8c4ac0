"""Which metrics and labels a PromQL expression names, and which there are."""

import importlib
import re
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import REGISTRY

_ROOT = Path(__file__).resolve().parents[2]
_MEMBERS = (_ROOT / "shared", _ROOT / "gateway", *(_ROOT / "services").iterdir())
_MAKES_METRICS = re.compile(r"^from prometheus_client import .*\b(Counter|Gauge|Histogram)\b", re.MULTILINE)
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"\b(spanbridge_\w+|up)\b\s*(\{[^}]*\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
_WORDS = re.compile(r"[a-z_]\w*")
_TARGET = {"job", "instance", "app", "namespace", "pod"}
"""Labels that Prometheus gives by deploy/prometheus."""
_FUNCTIONS = {
    "absent", "by", "count", "histogram_quantile", "increase", "or", "rate", "sum",
    "le", "m", "s", "h", "__rate_interval",
}  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """A metric by the name under which it is documented, and the labels that it has."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...]

    @property
    def series(self) -> dict[str, set[str]]:
        """Return the labels of each of its series."""
        if self.kind != "histogram":
            return {self.name: {*self.labels}}
        labels = {*self.labels}
        return {f"{self.name}_bucket": {*labels, "le"}, f"{self.name}_sum": labels, f"{self.name}_count": labels}


def product_metrics() -> list[Metric]:
    """Return every metric that Spanbridge makes."""
    for member in _MEMBERS:
        for source in member.glob("spanbridge_*/**/*.py"):
            if _MAKES_METRICS.search(source.read_text()):
                importlib.import_module(".".join(source.relative_to(member).with_suffix("").parts))
    found = []
    for collector in REGISTRY._collector_to_names:
        for family in collector.describe() if hasattr(collector, "describe") else []:
            if family.name.startswith("spanbridge_"):
                name = f"{family.name}_total" if family.type == "counter" else family.name
                found.append(Metric(name, family.type, family.documentation, tuple(collector._labelnames)))
    return sorted(found, key=lambda each: each.name)


def faults(expression: str) -> list[str]:
    """Return what an expression names that doesn't exist."""
    series = {name: labels for each in product_metrics() for name, labels in each.series.items()}
    series["up"] = set()
    plain = _TEXT.sub('""', expression)
    known: set[str] = set()
    told = []
    for name, selector in _SELECTOR.findall(plain):
        if name not in series:
            told.append(f"no metric {name}")
            continue
        known |= series[name] | _TARGET
        told += [f"{name} has no label {label}" for label in _LABEL.findall(selector) if label not in known]
    for group in _GROUPING.findall(plain):
        told += [f"nothing has a label {label}" for label in _WORDS.findall(group) if label not in known]
    rest = _GROUPING.sub("", _SELECTOR.sub("", plain))
    told += [f"unknown word {word}" for word in _WORDS.findall(rest) if word not in _FUNCTIONS]
    return told if known else [*told, "no metric at all"]
