"""Dashboard, alerts and scrape configuration name metrics, labels and targets that exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.manifests import documents, named
from tests.support.promql import faults

ROOT = Path(__file__).resolve().parents[3]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/spanbridge.json").read_text())
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_asks_for_what_exists(panel):
    assert panel["targets"]
    for target in panel["targets"]:
        assert faults(target["expr"]) == []
        assert target["datasource"]["uid"] == "${datasource}"
        named_labels = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
        grouped = {each for group in re.findall(r"by \(([^)]*)\)", target["expr"]) for each in group.split(", ")}
        assert named_labels <= grouped, "a legend names a label that the expression sums away"


def test_the_dashboard_can_be_imported():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert DASHBOARD["uid"] == "spanbridge"
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows[:5] == ["Traffic", "Latency", "Queue, batches and models", "Cache", "Errors and refusals"]
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        taken = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, f"{panel['title']} covers another panel"
        assert place["x"] + place["w"] <= 24
        cells |= taken
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(DASHBOARD["panels"])))
    assert used <= variables


def test_latency_is_shown_as_three_quantiles_by_service():
    (panel,) = (each for each in PANELS if each["title"] == "Time to answer")
    quantiles = [re.findall(r"histogram_quantile\(([\d.]+)", each["expr"]) for each in panel["targets"]]
    assert quantiles == [["0.5"], ["0.95"], ["0.99"]]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_about_what_exists_and_has_its_section(rule):
    assert faults(rule["expr"]) == []
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"]
    path, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / path).read_text(), re.MULTILINE)
    assert rule["alert"] in headings
    assert anchor == rule["alert"].lower()


def test_there_is_an_alert_for_each_thing_that_goes_wrong():
    assert {rule["alert"].removeprefix("Spanbridge") for rule in RULES} >= {
        "GatewayDown", "Errors", "Slow", "QueueFull", "CacheFailing"
    }  # fmt: skip


def test_prometheus_reads_the_services_where_they_listen():
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    assert config["rule_files"] == ["alerts.yml"]
    (job,) = config["scrape_configs"]
    targets = {each["labels"]["app"]: each["targets"] for each in job["static_configs"]}
    services = named(documents("base"), "Service")
    expected = {name: [f"{name}:{each['spec']['ports'][0]['port']}"] for name, each in services.items()}
    del expected["redis"]
    assert targets == expected
    assert job["job_name"] == "spanbridge"


def test_prometheus_finds_the_pods_by_what_they_carry():
    (job,) = yaml.safe_load((PROMETHEUS / "kubernetes.yml").read_text())["scrape_configs"]
    assert job["job_name"] == "spanbridge"
    assert job["honor_labels"] is True
    kept = {}
    for rule in job["relabel_configs"]:
        if rule.get("action") == "keep":
            kept[rule["source_labels"][0].removeprefix("__meta_kubernetes_pod_")] = rule["regex"]
    for name, workload in named(documents("base"), "Deployment").items():
        pod = workload["spec"]["template"]
        carried = {
            "label_app_kubernetes_io_part_of": pod["metadata"]["labels"]["app.kubernetes.io/part-of"],
            "annotation_prometheus_io_scrape": pod["metadata"].get("annotations", {}).get("prometheus.io/scrape"),
            "container_port_name": pod["spec"]["containers"][0]["ports"][0]["name"],
        }
        assert (carried == kept) is (name != "redis")
