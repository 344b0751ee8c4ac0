"""A real doccano, and what the tests ask of it through its API."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes import free_port
from tests.tools.servers import Server, environment, program, running

USER, PASSWORD = "tester", "a-password-of-tests"


@contextmanager
def started(folder: Path) -> Iterator["Doccano"]:
    """Give a fresh doccano. Its own `webserver` would listen everywhere; gunicorn is started as it does."""
    home = folder / "home"
    env = environment(DOCCANO_HOME=str(home), DATABASE_URL=f"sqlite:///{home}/db.sqlite3", STANDALONE="True")
    command = program("doccano", "doccano")
    for arguments in (["init"], ["createuser", "--username", USER, "--password", PASSWORD]):
        done = subprocess.run([command, *arguments], env=env, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
    port = free_port()
    python = program("doccano", "python")
    found = subprocess.run([python, "-c", "import backend; print(backend.__path__[0])"], **_TEXT, env=env)
    served = [program("doccano", "gunicorn"), "--bind", f"127.0.0.1:{port}", "--workers", "2", "--timeout", "120"]
    served += ["--chdir", found.stdout.strip(), "config.wsgi"]
    env |= {"DJANGO_SETTINGS_MODULE": "config.settings.production", "MEDIA_ROOT": str(home / "media")}
    ready = f"http://127.0.0.1:{port}/v1/social/links/"
    with running(served, env, folder / "doccano.log", ready, folder) as server:
        answer = httpx.post(
            f"{server.url}/v1/auth/login/", json={"username": USER, "password": PASSWORD}, trust_env=False
        )
        headers = {"authorization": f"Token {answer.json()['key']}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=120, trust_env=False) as http:
            yield Doccano(server, http)


_TEXT: dict[str, Any] = {"capture_output": True, "text": True, "check": True}


@dataclass(frozen=True)
class Doccano:
    """Its API, as a project's admin."""

    server: Server
    http: httpx.Client

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        response = self.http.request(method, path, json=body)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text[:500]}"
        return response.json() if response.content else None

    def project(self, name: str, texts: Sequence[str], kind: str = "SequenceLabeling") -> int:
        """Make a project with texts, and return its number."""
        body = {"name": name, "description": "tests", "project_type": kind, "guideline": "", "tags": []}
        classes = {"SequenceLabeling": "SequenceLabelingProject", "DocumentClassification": "TextClassificationProject"}
        number: int = self.ask("POST", "/v1/projects", {**body, "resourcetype": classes[kind]})["id"]
        for text in texts:
            self.ask("POST", f"/v1/projects/{number}/examples", {"text": text, "meta": {}})
        return number

    def examples(self, project: int) -> list[dict[str, Any]]:
        """Return all examples in the order of their making."""
        found = self.ask("GET", f"/v1/projects/{project}/examples?limit=1000")["results"]
        return sorted(found, key=lambda each: int(each["id"]))

    def label_names(self, project: int) -> dict[int, str]:
        return {each["id"]: each["text"] for each in self.ask("GET", f"/v1/projects/{project}/span-types")}

    def auto_label(self, project: int, example: Mapping[str, Any]) -> int:
        """Do what opening an example does while auto-labelling is on, and return the status."""
        return self.http.post(f"/v1/projects/{project}/auto-labeling?example={example['id']}").status_code

    def spans(self, project: int, example: Mapping[str, Any]) -> list[tuple[int, int, str]]:
        names = self.label_names(project)
        found = self.ask("GET", f"/v1/projects/{project}/examples/{example['id']}/spans")
        return sorted((each["start_offset"], each["end_offset"], names[each["label"]]) for each in found)
