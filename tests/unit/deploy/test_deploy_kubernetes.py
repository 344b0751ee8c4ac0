"""The manifests fit Kubernetes, each other, and the settings of the code that they run."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from spanbridge_alignment.settings import AlignmentSettings
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_ner_teacher.settings import NerTeacherSettings
from spanbridge_projection.settings import ProjectionSettings
from spanbridge_shared.serving import tracing
from spanbridge_shared.serving.config import ServiceSettings
from spanbridge_shared.serving.server import DRAIN_S
from spanbridge_translation.settings import TranslationSettings
from tests.support.manifests import FOLDER, Manifest, documents, kubectl, kustomization, named, rendered
from tests.support.promql import faults

SETTINGS: dict[str, type[ServiceSettings]] = {
    "gateway": GatewaySettings,
    "translation": TranslationSettings,
    "alignment": AlignmentSettings,
    "projection": ProjectionSettings,
    "ner-teacher": NerTeacherSettings,
}
BASE = documents("base")
DEPLOYMENTS = named(BASE, "Deployment")
MEMBERS = {name: DEPLOYMENTS[name] for name in SETTINGS}
COMPONENTS = sorted(path.name for path in (FOLDER / "components").iterdir())
OVERLAYS = sorted(path.name for path in (FOLDER / "overlays").iterdir())
WRITTEN = BASE + [each for name in COMPONENTS for each in documents(f"components/{name}")]
NATIVE = [each for each in WRITTEN if "keda" not in each["apiVersion"]]
SCALED = named(WRITTEN, "ScaledObject")
OLDEST, NEWEST = "1.28", kubernetes_validate.latest_version()
ELSEWHERE = {"OMP_NUM_THREADS", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
"""Variables of libraries, not of Spanbridge."""


def server(deployment: Manifest) -> dict[str, Any]:
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(only)


def pod(deployment: Manifest) -> dict[str, Any]:
    return dict(deployment["spec"]["template"]["spec"])


def environment(deployment: Manifest) -> dict[str, str]:
    return {each["name"]: each["value"] for each in server(deployment)["env"]}


def port(name: str) -> int:
    return int(server(DEPLOYMENTS[name])["ports"][0]["containerPort"])


def check_schema(manifest: Manifest, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def title(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("manifest", NATIVE, ids=title)
def test_documents_fit_the_schema(manifest: Manifest, version: str) -> None:
    check_schema(manifest, version)


def test_the_schema_is_strict() -> None:
    wrong = copy.deepcopy(MEMBERS["gateway"])
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        check_schema(wrong, NEWEST)


def test_every_file_is_named_by_a_kustomization() -> None:
    for path in FOLDER.rglob("kustomization.yaml"):
        about = kustomization(path.parent)
        assert {each.name for each in path.parent.glob("*.yaml")} - {path.name} == {
            each for each in about.get("resources", []) if each.endswith(".yaml")
        }


def test_there_is_a_workload_a_service_and_a_budget_for_each_member() -> None:
    assert set(DEPLOYMENTS) == set(named(BASE, "Service")) == {*SETTINGS, "redis"}
    assert set(named(BASE, "PodDisruptionBudget")) == set(SETTINGS)


@pytest.mark.parametrize("kind", ["Deployment", "PodDisruptionBudget", "Service"])
def test_selectors_match_the_pods_of_their_own_workload_alone(kind: str) -> None:
    for name, manifest in named(BASE, kind).items():
        selector = manifest["spec"]["selector"]
        wanted = selector if kind == "Service" else selector["matchLabels"]
        matching = [
            other
            for other, workload in DEPLOYMENTS.items()
            if wanted.items() <= workload["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert matching == [name]
    for workload in MEMBERS.values():
        labels = workload["spec"]["template"]["metadata"]["labels"]
        spread = pod(workload)["topologySpreadConstraints"]
        assert {each["topologyKey"] for each in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
        assert all(each["labelSelector"]["matchLabels"] == labels for each in spread)


def test_ports_are_those_that_the_settings_have() -> None:
    services = named(BASE, "Service")
    for name, settings in SETTINGS.items():
        default = settings.model_fields["port"].default
        assert port(name) == default
        assert services[name]["spec"]["ports"] == [{"name": "http", "port": default, "targetPort": "http"}]
        annotations = MEMBERS[name]["spec"]["template"]["metadata"]["annotations"]
        assert annotations["prometheus.io/port"] == str(default)


def test_addresses_lead_to_services_of_these_manifests() -> None:
    services = named(BASE, "Service")
    found = set()
    for workload in MEMBERS.values():
        for value in environment(workload).values():
            for scheme, host, number in re.findall(r"(\w+)://([\w-]+):(\d+)", value):
                assert services[host]["spec"]["ports"][0]["port"] == int(number)
                assert (scheme == "redis") is (host == "redis")
                found.add(host)
    assert found == {*SETTINGS, "redis"} - {"gateway"}


def variables() -> list[tuple[str, str]]:
    """Every variable that a manifest names, with its value."""
    found = [pair for workload in MEMBERS.values() for pair in environment(workload).items()]
    for path in FOLDER.rglob("kustomization.yaml"):
        for generator in kustomization(path.parent).get("configMapGenerator", []):
            found += [tuple(each.split("=", 1)) for each in generator["literals"]]
        for patch in kustomization(path.parent).get("patches", []):
            operations = yaml.safe_load(patch["patch"])
            entries = [each["value"] for each in operations if "/env/" in each["path"]]
            found += [(each["name"], each["value"]) for each in entries]
    return found


@pytest.mark.parametrize(("name", "value"), sorted(set(variables())))
def test_variables_are_settings_and_their_values_fit(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owners = [each for each in SETTINGS.values() if name.startswith(str(each.model_config["env_prefix"]))]
    if name in ELSEWHERE:
        assert owners == []
        return
    (settings,) = owners
    field = name.removeprefix(str(settings.model_config["env_prefix"])).lower()
    assert field in settings.model_fields
    monkeypatch.setenv(name, value)
    assert str(getattr(settings(), field)) == value


def test_a_member_has_its_own_variables_only() -> None:
    for name, workload in MEMBERS.items():
        prefix = SETTINGS[name].model_config["env_prefix"]
        assert all(each.startswith(str(prefix)) for each in environment(workload))


def test_threads_are_the_cores_that_a_member_may_use() -> None:
    for name in {*SETTINGS} - {"gateway"}:
        (threads,) = (value for key, value in environment(MEMBERS[name]).items() if key.endswith("_THREADS"))
        assert threads == server(MEMBERS[name])["resources"]["limits"]["cpu"]


def test_what_caches_does_so_in_redis_which_forgets_the_least_used() -> None:
    caching = {name for name, each in MEMBERS.items() if any(key.endswith("_CACHE_URL") for key in environment(each))}
    assert caching == {"gateway", "translation", "alignment", "ner-teacher"}
    arguments = server(DEPLOYMENTS["redis"])["args"]
    settings = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert settings["--maxmemory-policy"] == "allkeys-lru"
    assert settings["--save"] == ""
    memory = int(settings["--maxmemory"].removesuffix("mb"))
    resources = server(DEPLOYMENTS["redis"])["resources"]
    assert memory < int(resources["requests"]["memory"].removesuffix("Mi"))


def test_pods_are_locked_down() -> None:
    for workload in DEPLOYMENTS.values():
        inside, container = pod(workload), server(workload)
        assert inside["securityContext"]["runAsNonRoot"] is True
        assert inside["securityContext"]["runAsUser"] > 0
        assert inside["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert inside["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert all("sizeLimit" in each["emptyDir"] for each in inside["volumes"])
        assert {*container["resources"]["requests"]} == {*container["resources"]["limits"]} == {"cpu", "memory"}
    (namespace,) = named(BASE, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_pods_run_as_the_user_of_the_image() -> None:
    dockerfile = (FOLDER.parents[1] / "Dockerfile").read_text()
    (user,) = re.findall(r"^USER (\d+):\d+$", dockerfile, re.MULTILINE)
    assert {pod(each)["securityContext"]["runAsUser"] for each in MEMBERS.values()} == {int(user)}


def test_probes_ask_what_the_services_answer() -> None:
    for workload in MEMBERS.values():
        container = server(workload)
        paths = {each: container[f"{each}Probe"]["httpGet"]["path"] for each in ("startup", "readiness", "liveness")}
        # The gateway's /readyz asks its services: it must not be killed because one of them is down.
        assert paths == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
        startup = container["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 120


def test_there_is_time_to_drain() -> None:
    for workload in MEMBERS.values():
        stop = server(workload)["lifecycle"]["preStop"]["exec"]["command"]
        assert stop[0] == "sleep"
        needed = int(stop[1]) + DRAIN_S + tracing._FLUSH_S
        assert pod(workload)["terminationGracePeriodSeconds"] > needed


def test_members_differ_only_in_what_is_theirs() -> None:
    """A change to one of the five files belongs into all of them."""

    def plain(name: str) -> str:
        manifest = copy.deepcopy(MEMBERS[name])
        container = manifest["spec"]["template"]["spec"]["containers"][0]
        del container["env"], container["resources"]
        return re.sub(rf"\b{name}\b", "NAME", json.dumps(manifest)).replace(str(port(name)), "PORT")

    assert len({plain(name) for name in MEMBERS}) == 1


def reached(policies: list[Manifest], direction: str) -> set[tuple[str, str, int | None]]:
    """The edges within Spanbridge that policies allow in one direction: (from, to, port)."""
    edges = set()
    for policy in policies:
        chosen = policy["spec"]["podSelector"]["matchLabels"]
        own = [name for name, each in DEPLOYMENTS.items() if chosen.items() <= labels_of(each).items()]
        for rule in policy["spec"].get(direction, []):
            peers = rule.get("to" if direction == "egress" else "from", [{}])
            for peer in (each for each in peers if "namespaceSelector" not in each):
                wanted = peer.get("podSelector", {}).get("matchLabels", {})
                others = [name for name, each in DEPLOYMENTS.items() if wanted.items() <= labels_of(each).items()]
                for number in rule["ports"]:
                    edges |= {edge(one, other, direction, number["port"]) for one in own for other in others}
    return edges


def labels_of(deployment: Manifest) -> dict[str, str]:
    labels: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    return labels


def edge(own: str, other: str, direction: str, number: int | str) -> tuple[str, str, int | None]:
    start, end = (own, other) if direction == "egress" else (other, own)
    names = {each["name"]: each["containerPort"] for each in server(DEPLOYMENTS[end])["ports"]}
    return start, end, names.get(number) if isinstance(number, str) else number


NEEDED = {("gateway", name, port(name)) for name in SETTINGS if name != "gateway"} | {
    (name, "redis", 6379) for name in ("gateway", "translation", "alignment", "ner-teacher")
}


def test_network_policies_allow_what_is_needed_and_nothing_else() -> None:
    policies = named(BASE, "NetworkPolicy")
    nothing = policies.pop("nothing-else")["spec"]
    assert nothing["policyTypes"] == ["Ingress", "Egress"]
    assert all(
        nothing["podSelector"]["matchLabels"].items() <= labels_of(each).items() for each in DEPLOYMENTS.values()
    )
    assert not {"ingress", "egress"} & {*nothing}
    assert set(policies) == set(DEPLOYMENTS)
    assert reached(list(policies.values()), "egress") == NEEDED
    inward = reached(list(policies.values()), "ingress")
    # The gateway's door is open to all, in and out of the namespace; so every pod of ours may knock.
    assert {each for each in inward if each[1] != "gateway"} == NEEDED


def test_what_the_environment_names_is_what_the_policies_allow() -> None:
    named_in_environment = {
        (name, host, int(number))
        for name, each in MEMBERS.items()
        for value in environment(each).values()
        for host, number in re.findall(r"://([\w-]+):(\d+)", value)
    }
    assert named_in_environment == NEEDED


def test_outside_its_pods_only_names_and_prometheus_are_reached() -> None:
    for name, policy in named(BASE, "NetworkPolicy").items():
        for rule in policy["spec"].get("egress", []):
            for peer in rule["to"]:
                if "namespaceSelector" in peer:
                    assert peer["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}
                    assert {each["port"] for each in rule["ports"]} == {53}
        spaces = [
            peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
            for rule in policy["spec"].get("ingress", [])
            for peer in rule.get("from", [])
            if "namespaceSelector" in peer
        ]
        assert spaces == (["monitoring"] if name in SETTINGS and name != "gateway" else [])


def test_spans_reach_the_collector_that_the_component_names() -> None:
    (generator,) = kustomization(FOLDER / "components" / "tracing")["configMapGenerator"]
    (address,) = (each.split("=", 1)[1] for each in generator["literals"] if "ENDPOINT" in each)
    (namespace, number) = re.findall(r"//[\w-]+\.([\w-]+)\.svc:(\d+)", address)[0]
    (policy,) = documents("components/tracing")
    rules = [each for each in policy["spec"]["egress"] if each["ports"][0]["port"] != 53]
    space = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    assert rules == [{"to": [space], "ports": [{"protocol": "TCP", "port": int(number)}]}]


def test_both_ways_of_scaling_cover_every_member_alike() -> None:
    by_cpu = named(WRITTEN, "HorizontalPodAutoscaler")
    assert set(by_cpu) == set(SCALED) == set(SETTINGS)
    for name, scaler in by_cpu.items():
        assert scaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        keda = SCALED[name]["spec"]
        bounds = scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]
        assert bounds == (keda["minReplicaCount"], keda["maxReplicaCount"])
        assert 2 <= bounds[0] < bounds[1]
        assert "replicas" not in MEMBERS[name]["spec"], "each apply would undo the scaling"


@pytest.mark.parametrize("name", SETTINGS)
def test_keda_scales_by_a_metric_of_the_service(name: str) -> None:
    manifest = SCALED[name]
    assert set(manifest) == {"apiVersion", "kind", "metadata", "spec"}
    assert manifest["apiVersion"] == "keda.sh/v1alpha1"
    spec = manifest["spec"]
    assert set(spec) == {
        "scaleTargetRef", "minReplicaCount", "maxReplicaCount", "pollingInterval", "fallback", "advanced", "triggers",
    }  # fmt: skip
    assert spec["scaleTargetRef"] == {"name": name}
    assert spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]
    (trigger,) = spec["triggers"]
    # KEDA's fallback works with averages alone.
    assert (trigger["type"], trigger["metricType"]) == ("prometheus", "AverageValue")
    about = trigger["metadata"]
    assert set(about) == {"serverAddress", "query", "threshold", "ignoreNullValues"}
    assert all(isinstance(each, str) for each in about.values())
    assert faults(about["query"]) == []
    assert f'service="{name.replace("-", "_")}"' in about["query"]
    assert f'namespace="{kustomization(FOLDER / "base")["namespace"]}"' in about["query"]
    # A service gives more sentences than this 429 long after others have been started to help.
    assert float(about["threshold"]) < SETTINGS[name].model_fields["max_queue"].default / 4


def test_overlays_name_every_image_and_none_else() -> None:
    images = {server(each)["image"] for each in MEMBERS.values()}
    assert images == {f"spanbridge/{name}" for name in SETTINGS}
    for name in OVERLAYS:
        about = kustomization(FOLDER / "overlays" / name)
        assert {each["name"] for each in about["images"]} == images
        assert all(each["newTag"] for each in about["images"])


# What follows needs kubectl, which applies the patches; it asks no cluster.


needs_kubectl = pytest.mark.skipif(kubectl() is None, reason="kubectl isn't installed")


@needs_kubectl
@pytest.mark.parametrize("name", OVERLAYS)
def test_a_rendered_overlay_fits_the_schema(name: str) -> None:
    manifests = rendered(FOLDER / "overlays" / name)
    for each in manifests:
        if "keda" not in each["apiVersion"]:
            check_schema(each, NEWEST)
        assert each["kind"] == "Namespace" or each["metadata"]["namespace"] == "spanbridge"
    assert set(named(manifests, "Deployment")) == set(DEPLOYMENTS)


@needs_kubectl
@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_fits_on_the_base(name: str, tmp_path: Path) -> None:
    over = tmp_path / "overlay"
    over.mkdir()
    base, component = (Path("..", "kubernetes", each) for each in ("base", f"components/{name}"))
    (tmp_path / "kubernetes").symlink_to(FOLDER)
    (over / "kustomization.yaml").write_text(yaml.safe_dump({"resources": [str(base)], "components": [str(component)]}))
    manifests = rendered(over)
    for each in manifests:
        if "keda" not in each["apiVersion"]:
            check_schema(each, NEWEST)
    assert len(manifests) >= len(BASE)


@needs_kubectl
def test_production_starts_only_with_its_secrets() -> None:
    deployments = named(rendered(FOLDER / "overlays" / "production"), "Deployment")
    for name in SETTINGS:
        config, secret = server(deployments[name])["envFrom"]
        assert re.fullmatch(r"spanbridge-[a-z0-9]{10}", config["configMapRef"]["name"])
        assert secret == {"secretRef": {"name": "spanbridge", "optional": False}}
        assert server(deployments[name])["image"].endswith(f"/spanbridge/{name}:0.1.0")
    (keys,) = (each for each in pod(deployments["gateway"])["volumes"] if each["name"] == "keys")
    assert keys["secret"]["secretName"] == "spanbridge-keys"
    assert environment(deployments["gateway"])["SPANBRIDGE_GATEWAY_KEYS"] == "/etc/spanbridge/keys"


@needs_kubectl
def test_the_small_overlay_fits_a_small_node() -> None:
    deployments = named(rendered(FOLDER / "overlays" / "small"), "Deployment")
    requests = [server(each)["resources"]["requests"] for each in deployments.values()]
    assert sum(int(each["cpu"].removesuffix("m")) for each in requests) <= 500
    assert sum(int(each["memory"].removesuffix("Mi")) for each in requests) <= 1024
