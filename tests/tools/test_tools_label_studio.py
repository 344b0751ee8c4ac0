"""Spanbridge as the ML backend of a real Label Studio."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes import free_port
from tests.tools.label_studio import CONFIG, NAMES, TOKEN, LabelStudio, spans, started
from tests.tools.sentences import fifty
from tests.tools.servers import Server, cli, native, spanbridge

pytestmark = pytest.mark.tools

SAMPLE = {"text": "👩🏽‍🏫 Rais Samia alitembelea Nairobi jana.", "lang": "swh_Latn"}

REGION = {
    "id": "a", "from_name": "label", "to_name": "text", "type": "labels",
    "value": {"start": 10, "end": 15, "text": "Samia", "labels": ["PER"]},
}  # fmt: skip


@pytest.fixture
def connect(studio: LabelStudio, gateway: Server) -> Callable[..., str]:
    """Run `spanbridge label-studio connect`; it fails the test unless it is said to fail."""

    def run(project: int, *more: str, fails: bool = False, token: str = TOKEN, backend: str = gateway.url) -> str:
        options = ["--url", studio.server.url, "--project", str(project), "--backend-url", backend, *more]
        done = cli("label-studio", "connect", *options, LABEL_STUDIO_API_KEY=token)
        told = done.stdout + done.stderr
        assert done.returncode == (1 if fails else 0), told
        assert "Traceback" not in told
        assert token not in told
        return told

    return run


def backend_of(studio: LabelStudio, project: int) -> dict[str, Any]:
    (found,) = studio.ask("GET", f"/api/ml?project={project}")
    assert found["state"] == "CO", found
    return dict(found)


def test_fifty_tasks_get_the_native_answers(
    studio: LabelStudio, gateway: Server, connect: Callable[..., str], record_property: Callable[[str, object], None]
) -> None:
    given = fifty()
    project = studio.project("fifty", given)
    connect(project)
    studio.retrieve(project)
    version = backend_of(studio, project)["model_version"]
    tasks = studio.tasks(project)
    assert [task["data"] for task in tasks] == given  # Nothing was normalised on the way.
    expected = [[(start, end, NAMES[label]) for start, end, label in found] for found in native(gateway, given)]
    assert [spans(task, version) for task in tasks] == expected
    assert sum(map(len, expected)) > 50
    assert any(not found for found in expected)
    record_property("equal in Label Studio", len(tasks))

    # What has a prediction of this version is not asked for again.
    studio.retrieve(project)
    assert [len(task["predictions"]) for task in studio.tasks(project)] == [1] * 50

    # Another method is another version, so that all are asked for.
    assert "Renewed" in connect(project, "--method", "student")
    studio.retrieve(project)
    other = backend_of(studio, project)["model_version"]
    assert other != version
    tasks = studio.tasks(project)
    expected = [
        [(start, end, NAMES[label]) for start, end, label in found]
        for found in native(gateway, given, method="student")
    ]
    assert [spans(task, other) for task in tasks] == expected
    record_property("equal in Label Studio (student)", len(tasks))


def test_a_personal_access_token_connects(studio: LabelStudio, connect: Callable[..., str]) -> None:
    studio.ask("POST", "/api/jwt/settings", {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True})
    token = studio.ask("POST", "/api/token/")["token"]
    assert token.count(".") == 2
    assert "Connected" in connect(studio.project("personal", [SAMPLE]), "--lang", "sw", token=token)
    assert "personal access token" in connect(1, token=token[:-4] + "AAAA", fails=True)


def test_an_annotator_who_waits_gets_the_prediction(studio: LabelStudio, connect: Callable[..., str]) -> None:
    project = studio.project("interactive", [SAMPLE])
    connect(project, "--lang", "sw")
    backend = backend_of(studio, project)
    studio.ask("PATCH", f"/api/ml/{backend['id']}", {**_settings(backend), "is_interactive": True})
    (task,) = studio.tasks(project)
    body = {"task": task["id"], "context": {"result": []}}
    answer = studio.ask("POST", f"/api/ml/{backend['id']}/interactive-annotating", body)
    assert [each["value"]["text"] for each in answer["data"]["result"]] == ["Samia", "Nairobi"]


def _settings(backend: dict[str, Any]) -> dict[str, Any]:
    return {key: backend[key] for key in ("url", "project", "title", "extra_params")}


def test_opening_a_task_asks_for_its_prediction(studio: LabelStudio, connect: Callable[..., str]) -> None:
    project = studio.project("opened", [SAMPLE])
    connect(project, "--lang", "sw")
    (task,) = studio.tasks(project)
    opened = studio.ask("GET", f"/api/tasks/{task['id']}")
    assert spans(opened, backend_of(studio, project)["model_version"]) == [(10, 15, "PER"), (28, 35, "loc")]


def test_an_annotation_reaches_the_webhook(studio: LabelStudio, gateway: Server, connect: Callable[..., str]) -> None:
    project = studio.project("webhook", [SAMPLE])
    connect(project, "--lang", "sw")
    (task,) = studio.tasks(project)
    before = _acknowledged(gateway)
    studio.ask("POST", f"/api/tasks/{task['id']}/annotations", {"result": [REGION]})
    assert _acknowledged(gateway) == before + 1
    backend = backend_of(studio, project)
    studio.ask("POST", f"/api/ml/{backend['id']}/train", {})
    assert _acknowledged(gateway) >= before + 2


def test_a_gateway_that_asks_for_api_keys(studio: LabelStudio, connect: Callable[..., str], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    key = cli("keys", "new", "studio", "--file", str(keys)).stdout.strip()
    project = studio.project("keys", [SAMPLE])
    with spanbridge(tmp_path, SPANBRIDGE_GATEWAY_KEYS=str(keys)) as closed:
        assert "asks for an API key" in connect(project, "--lang", "sw", backend=closed.url, fails=True)
        assert key not in connect(project, "--lang", "sw", "--api-key", key, backend=closed.url)
        studio.retrieve(project)
        (task,) = studio.tasks(project)
        assert len(task["predictions"]) == 1
        before = _acknowledged(closed)
        studio.ask("POST", f"/api/tasks/{task['id']}/annotations", {"result": [REGION]})
        assert _acknowledged(closed) == before + 1
        assert key not in closed.logged()


def _acknowledged(gateway: Server) -> float:
    shown = httpx.get(f"{gateway.url}/metrics", trust_env=False).text.splitlines()
    lines = [line for line in shown if 'route="/integrations/label-studio/webhook"' in line and 'status="20' in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#") and "_total" in line)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (CONFIG.replace("Labels", "Choices").replace("<Label ", "<Choice "), "no <Labels"),
        (
            CONFIG.replace('"PER"', '"Animal"').replace('"ORG"', '"tool"').replace('"loc"', '"plant"'),
            "predicted_values",
        ),
    ],
)
def test_a_configuration_that_cannot_be_used_is_explained(
    studio: LabelStudio, connect: Callable[..., str], config: str, told: str
) -> None:
    project = studio.project("no labels", [SAMPLE], config)
    assert told in connect(project, "--lang", "sw", fails=True)
    assert studio.ask("GET", f"/api/ml?project={project}") == []


def test_a_task_without_its_text_costs_its_neighbours_nothing(studio: LabelStudio, connect: Callable[..., str]) -> None:
    project = studio.project("missing key", [SAMPLE, SAMPLE, SAMPLE])
    connect(project, "--lang", "sw")
    second = studio.tasks(project)[1]
    studio.ask("PATCH", f"/api/tasks/{second['id']}", {"data": {"body": "Samia"}})
    studio.retrieve(project)
    assert [len(task["predictions"]) for task in studio.tasks(project)] == [1, 0, 1]
    studio.ask("PATCH", f"/api/tasks/{second['id']}", {"data": SAMPLE})
    studio.retrieve(project)
    assert [len(task["predictions"]) for task in studio.tasks(project)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--lang", "klingon"], "nearest"),
        (["--lang", "sw", "--method", "magic"], "no method is called"),
        (["--lang", "sw", "--option", "beem=1"], "beem"),
        (["--lang", "fra_Latn", "--method", "student"], "doesn't serve"),
    ],
)
def test_wishes_that_cannot_be_are_explained(
    studio: LabelStudio, connect: Callable[..., str], options: list[str], told: str
) -> None:
    assert told in connect(studio.project("wishes", [SAMPLE]), *options, fails=True)


def test_wrong_places_are_explained(studio: LabelStudio, connect: Callable[..., str]) -> None:
    project = studio.project("places", [SAMPLE])
    assert "no project 99999; it has" in connect(99_999, fails=True)
    assert "takes no such token" in connect(project, token="f" * 40, fails=True)
    nobody = f"http://127.0.0.1:{free_port()}"
    assert "can't reach" in connect(project, backend=nobody, fails=True)
    assert "is it a Spanbridge server" in connect(project, backend=studio.server.url, fails=True)


def test_a_label_studio_that_may_not_call_its_own_machine_is_explained(studio: LabelStudio, gateway: Server) -> None:
    project = studio.project("blocked", [SAMPLE])
    with started(studio.server.log.parent, may_call_here=False) as strict:
        options = ["--url", strict.server.url, "--project", str(project), "--backend-url", gateway.url, "--lang", "sw"]
        done = cli("label-studio", "connect", *options, LABEL_STUDIO_API_KEY=TOKEN)
    assert done.returncode == 1
    assert "ML_BLOCK_LOCAL_IP=false and USE_DEFAULT_BANNED_SUBNETS=false" in done.stderr


def test_five_thousand_tasks_all_get_predictions(studio: LabelStudio, connect: Callable[..., str]) -> None:
    given = [
        {"text": f"{'😀' * (number % 3)} Samia alifika Nairobi saa {number}.", "lang": "sw"} for number in range(5_000)
    ]
    project = studio.project("many", given)
    connect(project, "--method", "student")
    counts = []
    for _ in range(5):
        studio.retrieve(project)
        counts.append(sum(len(task["predictions"]) for task in studio.tasks(project)))
        if counts[-1] == len(given):
            break
    assert counts[-1] == len(given), counts
    version = backend_of(studio, project)["model_version"]
    found = [spans(task, version) for task in studio.tasks(project)]
    assert sum(map(len, found)) > 5_000


def test_neither_tokens_nor_texts_are_logged(gateway: Server, studio: LabelStudio) -> None:
    logged = gateway.logged().partition("Ctrl-C stops it.")[2]  # Before that, the server shows a sentence to try.
    assert "/integrations/label-studio/setup" in logged
    assert TOKEN not in logged
    assert not [task["text"] for task in fifty() if task["text"] in logged]
    assert "alifika" not in logged
