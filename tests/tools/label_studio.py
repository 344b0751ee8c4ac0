"""A real Label Studio, and what the tests ask of it through its API."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes import free_port
from tests.tools.servers import Server, environment, program, running

EMAIL, PASSWORD = "tester@example.org", "a-password-of-tests"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
CONFIG = (
    '<View><Labels name="label" toName="text"><Label value="PER" background="#d33115"/>'
    '<Label value="Organisation" predicted_values="ORG" background="#588c00"/>'
    '<Label value="loc" background="#0062b1"/></Labels><Text name="text" value="$text"/></View>'
)
NAMES = {"PER": "PER", "ORG": "Organisation", "LOC": "loc"}


@contextmanager
def quick_folder(folder: Path) -> Iterator[Path]:
    """Give a folder whose `data` is in memory where that can be: it saves each prediction on its own."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield folder
        return
    with tempfile.TemporaryDirectory(dir=memory) as quick:
        (folder / "data").symlink_to(quick)
        yield folder


@contextmanager
def started(folder: Path, *, may_call_here: bool = True) -> Iterator["LabelStudio"]:
    """Give a Label Studio; only on request it may call addresses of its own machine."""
    port = free_port()
    data = folder / "data"
    env = environment(
        LABEL_STUDIO_BASE_DATA_DIR=str(data),
        LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN="true",
        ML_BLOCK_LOCAL_IP=str(not may_call_here),
        USE_DEFAULT_BANNED_SUBNETS=str(not may_call_here),
        COLLECT_ANALYTICS="false",
        LATEST_VERSION_CHECK="false",
        SENTRY_DSN="",
        FRONTEND_SENTRY_DSN="",
    )
    command = [program("label-studio", "label-studio"), "start", "--no-browser", "--internal-host", "127.0.0.1"]
    command += ["--port", str(port), "--username", EMAIL, "--password", PASSWORD, "--user-token", TOKEN]
    ready = f"http://127.0.0.1:{port}/health"
    with (
        running(command, env, folder / "label-studio.log", ready, folder) as server,
        httpx.Client(
            base_url=server.url, headers={"authorization": f"Token {TOKEN}"}, timeout=1_200, trust_env=False
        ) as http,
    ):
        yield LabelStudio(server, http)


@dataclass(frozen=True)
class LabelStudio:
    """Its API, as the user whose token the tests have."""

    server: Server
    http: httpx.Client

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        response = self.http.request(method, path, json=body)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text[:500]}"
        return response.json() if response.content else None

    def project(self, title: str, tasks: Sequence[Mapping[str, Any]], config: str = CONFIG) -> int:
        """Make a project with tasks, and return its number."""
        number: int = self.ask("POST", "/api/projects", {"title": title, "label_config": config})["id"]
        if tasks:
            self.ask("POST", f"/api/projects/{number}/import", list(tasks))
        return number

    def tasks(self, project: int) -> list[dict[str, Any]]:
        """Return all tasks, with their predictions, in the order of their import."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            path = f"/api/tasks?project={project}&page={page}&page_size=1000&fields=all"
            answer = self.ask("GET", path)
            found += answer["tasks"]
            if len(found) >= answer["total"]:
                return sorted(found, key=lambda task: task["id"])
            page += 1

    def retrieve(self, project: int) -> None:
        """Do what "Retrieve Predictions" does for all tasks."""
        selected = {"selectedItems": {"all": True, "excluded": []}}
        self.ask("POST", f"/api/dm/actions?id=retrieve_tasks_predictions&project={project}", selected)


def spans(task: Mapping[str, Any], version: str) -> list[tuple[int, int, str]]:
    """Return the spans of a task's one prediction of a version, each checked against the task's text."""
    (prediction,) = [each for each in task["predictions"] if each["model_version"] == version]
    values = [each["value"] for each in prediction["result"]]
    for value in values:
        assert task["data"]["text"][value["start"] : value["end"]] == value["text"]
    return [(value["start"], value["end"], value["labels"][0]) for value in values]
