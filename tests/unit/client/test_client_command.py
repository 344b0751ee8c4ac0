"""The `spanbridge` command: what it reads, writes and says."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import httpx
import pytest
from click.testing import Result

from spanbridge.cli.options import read_options
from spanbridge_shared.contracts.gateway import LanguagesResponse, MethodsResponse
from spanbridge_shared.errors import ConfigurationError
from tests.unit.client.fake_gateway import FakeGateway

Run = Callable[..., Result]
SERVE_FAKE = """
from spanbridge import embedded
from spanbridge.cli import main
from tests.unit.client.fake_gateway import FakeGateway, fake_app
embedded.gateway_app = lambda: fake_app(FakeGateway())
main()
"""
ROOT = Path(__file__).resolve().parents[3]


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class TestProject:
    def test_text_to_jsonl(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        (tmp_path / "in.txt").write_text("Rais Samia.\n\njana\n", encoding="utf-8")
        ended = run("project", "in.txt", "--lang", "sw", "-o", "out.jsonl")
        assert ended.exit_code == 0, ended.output
        assert ended.stdout == ""
        assert "2 entities in 2 sentences → out.jsonl, language swh_Latn" in ended.stderr
        assert [(each["id"], each["text"]) for each in records(tmp_path / "out.jsonl")] == [
            ("1", "Rais Samia."),
            ("3", "jana"),
        ]

    def test_jsonl_keeps_unknown_keys(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        (tmp_path / "in.jsonl").write_text('{"id": 5, "text": "Samia", "split": "dev"}', encoding="utf-8")
        assert run("project", "in.jsonl", "--lang", "sw", "-o", "out.jsonl").exit_code == 0
        (found,) = records(tmp_path / "out.jsonl")
        assert (found["id"], found["meta"]) == (5, {"split": "dev"})

    def test_conll_to_conll_replaces_the_tags(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        (tmp_path / "in.conll").write_text("Rais O\nSamia B-LOC\n\njana O\n", encoding="utf-8")
        assert run("project", "in.conll", "--lang", "sw", "-o", "out.conll").exit_code == 0
        assert (tmp_path / "out.conll").read_text(encoding="utf-8") == "Rais B-PER\nSamia B-PER\n\njana O\n\n"

    def test_a_pipe(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        ended = run("project", "-", "--lang", "sw", "-o", "-", "--format", "conll", input="Rais Samia\n")
        assert ended.stdout == "Rais B-PER\nSamia B-PER\n\n"
        assert list(tmp_path.iterdir()) == []

    def test_settings_reach_the_gateway(self, run: Run, gateway: FakeGateway) -> None:
        ended = run(
            "project", "-", "--lang", "sw", "-o", "-", "--method", "heuristic", "--labels", "PER, LOC",
            "--option", "beam=1", "--option", "solver=exact", "--option", "n=null", "--include", "scores,translation",
            "--batch", "2", input="a\nb\nc\n",
        )  # fmt: skip
        assert ended.exit_code == 0
        sent = gateway.requests[0]
        assert (sent.method, sent.labels, sent.include) == ("heuristic", ["PER", "LOC"], ["scores", "translation"])
        assert sent.options == {"beam": 1, "solver": "exact", "n": None}
        assert [len(request.sentences) for request in gateway.requests] == [2, 1]

    def test_a_corpus_is_of_one_language(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        ended = run("project", "-", "--lang", "auto", "-o", "out.jsonl", "--batch", "1", input="a\nb\nc\n")
        assert "→ out.jsonl, language swh_Latn" in ended.stderr
        assert [request.lang for request in gateway.requests] == ["auto", "swh_Latn", "swh_Latn"]

    def test_a_first_batch_of_faults_leaves_the_language_open(
        self, run: Run, gateway: FakeGateway, tmp_path: Path
    ) -> None:
        """Regression: the second batch was sent with the language "und", which the server refused."""
        lines = '{"text": ""}\n{"text": "Samia"}\n{"text": "Ruto"}\n'
        ended = run(
            "project", "-", "--input-format", "jsonl", "--lang", "auto", "-o", "out.jsonl", "--batch", "1", input=lines
        )
        assert ended.exit_code == 0, ended.output
        assert [request.lang for request in gateway.requests] == ["auto", "auto", "swh_Latn"]

    def test_it_runs_against_a_server(self, run: Run, gateway: FakeGateway, server: str) -> None:
        ended = run("project", "-", "--lang", "sw", "-o", "-", "--url", server, input="Samia\n")
        assert json.loads(ended.stdout)["entities"][0]["text"] == "Samia"
        assert gateway.started == 1  # The server's own start, and no embedded one.

    def test_failed_sentences_are_told(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        (tmp_path / "in.jsonl").write_text('{"text": "Samia"}\n{"text": " "}\n{"id": "x"}\n', encoding="utf-8")
        ended = run("project", "in.jsonl", "--lang", "sw", "-o", "out.jsonl")
        assert ended.exit_code == 0
        assert "2 sentences failed:\n  2: EmptyText: " in ended.stderr
        assert "  x: AmbiguousInput: " in ended.stderr
        assert len(records(tmp_path / "out.jsonl")) == 3
        assert run("project", "in.jsonl", "--lang", "sw", "-o", "out.conll", "--strict").exit_code == 1
        assert (tmp_path / "out.conll").read_text(encoding="utf-8") == "Samia B-PER\n\n"

    @pytest.mark.parametrize(
        ("content", "name", "told"),
        [
            (b"", "in.txt", "in.txt has no sentences in it (read as text)"),
            (b"\n \n", "in.txt", "in.txt has no sentences in it"),
            (b"a\n\xff\n", "in.txt", "in.txt:2: not UTF-8"),
            (b'{"text": "a"}\n{"text": "b"\n', "in.jsonl", "in.jsonl:2: not valid JSON"),
        ],
    )
    def test_bad_input_is_told_before_any_work(
        self, run: Run, gateway: FakeGateway, tmp_path: Path, content: bytes, name: str, told: str
    ) -> None:
        (tmp_path / name).write_bytes(content)
        ended = run("project", name, "--lang", "sw", "-o", "out.jsonl")
        assert ended.exit_code == 1
        assert ended.stderr.startswith(f"spanbridge: {told}")
        assert gateway.started == 0
        assert not (tmp_path / "out.jsonl").exists()

    def test_bad_places_are_told(self, run: Run, gateway: FakeGateway, tmp_path: Path) -> None:
        (tmp_path / "in.txt").write_text("a\n", encoding="utf-8")
        assert "'none.txt' does not exist" in run("project", "none.txt", "--lang", "sw", "-o", "out.jsonl").stderr
        assert "its folder is missing" in run("project", "in.txt", "--lang", "sw", "-o", "no/out.jsonl").stderr
        assert "in.txt is the input" in run("project", "in.txt", "--lang", "sw", "-o", "in.txt").stderr
        assert "name a file" in run("project", "in.txt", "--lang", "sw", "-o", "-", "--format", "spacy").stderr
        assert gateway.started == 0

    def test_bad_options_are_told(self, run: Run, gateway: FakeGateway) -> None:
        assert "'beam' is not NAME=VALUE" in run("project", "-", "--lang", "a", "-o", "-", "--option", "beam").stderr
        assert "'links' is none of" in run("project", "-", "--lang", "a", "-o", "-", "--include", "links").stderr

    def test_an_unreachable_server_is_told(self, run: Run) -> None:
        ended = run("project", "-", "--lang", "sw", "-o", "-", "--url", "http://127.0.0.1:9", input="a\n")
        assert (ended.exit_code, ended.stdout) == (1, "")
        assert ended.stderr == "spanbridge: the server at http://127.0.0.1:9 can't be reached: ConnectError\n"


class TestAbout:
    def test_languages(self, run: Run, gateway: FakeGateway) -> None:
        shown = run("languages").stdout
        assert "swh_Latn" in shown
        assert "fra_Latn" in shown
        found = LanguagesResponse.model_validate_json(run("languages", "--json").stdout)
        assert [each.code for each in found.languages] == ["swh_Latn", "bbj_Latn"]

    def test_methods(self, run: Run, gateway: FakeGateway) -> None:
        shown = run("methods").stdout
        assert "integer, 1 to 16" in shown
        assert "exact, greedy" in shown
        assert "labels: LOC, ORG, PER" in shown
        assert MethodsResponse.model_validate_json(run("methods", "--json").stdout).labels == ["LOC", "ORG", "PER"]

    def test_a_gateway_that_cannot_start_says_why(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken() -> None:
            raise ConfigurationError("no model at nowhere")

        monkeypatch.setattr("spanbridge.embedded.gateway_app", broken)
        for command in (["languages"], ["serve", "--port", "0"]):
            ended = run(*command)
            assert (ended.exit_code, ended.stderr) == (1, "spanbridge: no model at nowhere\n")


class TestServe:
    def test_a_port_in_use_is_told_before_models_load(self, run: Run, gateway: FakeGateway) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            ended = run("serve", "--port", str(port))
        assert ended.exit_code == 1
        assert f"port {port} of 127.0.0.1 can't be had: Address already in use; try --port" in ended.stderr
        assert gateway.started == 0

    @pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
    def test_it_says_where_it_listens_and_ends_cleanly(self, sent: signal.Signals) -> None:
        environment = os.environ | {"PORT": "0", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            [sys.executable, "-c", SERVE_FAKE, "serve"],
            env=environment, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(4)]
            address = lines[0].split()[-1]
            command = lines[2].partition("Try it:")[2].strip()
            body = command.partition(" -d ")[2].strip("'")
            headers = {"content-type": "application/json"}
            response = httpx.post(f"{address}/v1/project", content=body, headers=headers, trust_env=False)
            process.send_signal(sent)
            stdout, stderr = process.communicate(timeout=60)
        assert lines[0].startswith("Spanbridge is ready at http://127.0.0.1:")
        assert lines[1] == f"Documentation: {address}/docs\n"
        assert f"curl -s {address}/v1/project" in command
        assert "Rais Samia alitembelea Nairobi jana." in body
        assert response.json()["results"][0]["id"] == "1"
        assert (process.returncode, stdout, stderr) == (0, "", "")


def test_help_names_every_command(run: Run) -> None:
    shown = run("--help").output
    for command in ("serve", "project", "translate-train", "languages", "methods", "models"):
        assert f"  {command} " in shown


@pytest.mark.parametrize(
    ("written", "read"),
    [("w=.5", 0.5), ("w=-.25", -0.25), ("w=0.5", 0.5), ("w=3", 3), ("w=itermax", "itermax"), ("w=.swh", ".swh")],
)
def test_an_options_value_is_a_number_where_people_write_one(written: str, read: object) -> None:
    assert read_options(click.Context(click.Command("x")), click.Option(["--option"]), [written]) == {"w": read}
