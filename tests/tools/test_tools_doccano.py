"""Spanbridge behind a real doccano's auto-labelling."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.processes import free_port
from tests.tools.doccano import PASSWORD, USER, Doccano, started
from tests.tools.sentences import fifty
from tests.tools.servers import Server, cli, native, spanbridge

pytestmark = pytest.mark.tools

SAMPLE = "👩🏽‍🏫 Rais Samia alitembelea Nairobi jana."
SPANS = [(10, 15, "PER"), (28, 35, "LOC")]


@pytest.fixture(scope="module")
def doccano(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doccano]:
    with started(tmp_path_factory.mktemp("doccano")) as found:
        yield found


@pytest.fixture
def connect(doccano: Doccano, gateway: Server) -> Callable[..., str]:
    """Run `spanbridge doccano connect`; it fails the test unless it is said to fail."""

    def run(project: int, *more: str, fails: bool = False, password: str = PASSWORD, backend: str = gateway.url) -> str:
        options = ["--url", doccano.server.url, "--username", USER, "--project", str(project)]
        done = cli("doccano", "connect", *options, "--backend-url", backend, *more, DOCCANO_PASSWORD=password)
        told = done.stdout + done.stderr
        assert done.returncode == (1 if fails else 0), told
        assert "Traceback" not in told
        assert password not in told
        return told

    return run


def test_fifty_texts_get_the_native_answers(
    doccano: Doccano, gateway: Server, connect: Callable[..., str], record_property: Callable[[str, object], None]
) -> None:
    given = fifty()
    equal = 0
    for lang in ("swh_Latn", "yor_Latn"):
        tasks = [task for task in given if task["lang"] == lang]
        project = doccano.project(lang, [task["text"] for task in tasks])
        assert "Connected" in connect(project, "--lang", lang, "--create-labels")
        assert set(doccano.label_names(project).values()) == {"PER", "ORG", "LOC"}
        examples = doccano.examples(project)
        assert [each["text"] for each in examples] == [task["text"] for task in tasks]
        assert {doccano.auto_label(project, each) for each in examples} == {201}
        found = [doccano.spans(project, each) for each in examples]
        expected = native(gateway, tasks)
        assert found == expected
        assert sum(map(len, expected)) > 20
        equal += len(found)
    record_property("equal in doccano", equal)


def test_connecting_again_renews_and_labels_keep_their_names(doccano: Doccano, connect: Callable[..., str]) -> None:
    project = doccano.project("names", [SAMPLE])
    for name in ("Person", "loc"):
        doccano.ask("POST", f"/v1/projects/{project}/span-types", {"text": name, "background_color": "#d33115"})
    told = connect(project, "--lang", "sw", "--name", "PER=Person")
    assert "PER as Person, LOC as loc" in told
    assert "no ORG" in told
    assert "Renewed" in connect(project, "--lang", "sw", "--name", "PER=Person", "--method", "student")
    (config,) = doccano.ask("GET", f"/v1/projects/{project}/auto-labeling/configs")
    assert config["model_attrs"]["body"]["method"] == "student"
    (example,) = doccano.examples(project)
    assert doccano.auto_label(project, example) == 201
    assert doccano.spans(project, example) == [(10, 15, "Person"), (28, 35, "loc")]


def test_an_error_is_a_failure_and_not_a_text_without_entities(doccano: Doccano, connect: Callable[..., str]) -> None:
    project = doccano.project("errors", [SAMPLE, "a" * 20_001])
    connect(project, "--lang", "sw", "--create-labels")
    good, bad = doccano.examples(project)
    assert doccano.auto_label(project, bad) == 500
    assert doccano.spans(project, bad) == []
    assert doccano.auto_label(project, good) == 201
    assert doccano.spans(project, good) == SPANS


def test_a_server_that_is_gone_is_a_failure(doccano: Doccano, connect: Callable[..., str], tmp_path: Path) -> None:
    project = doccano.project("gone", [SAMPLE])
    with spanbridge(tmp_path) as server:
        connect(project, "--lang", "sw", "--create-labels", backend=server.url)
    (example,) = doccano.examples(project)
    assert doccano.auto_label(project, example) == 500


def test_a_gateway_that_asks_for_api_keys(doccano: Doccano, connect: Callable[..., str], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    key = cli("keys", "new", "doccano", "--file", str(keys)).stdout.strip()
    project = doccano.project("keys", [SAMPLE])
    asked = ["--lang", "sw", "--create-labels"]
    with spanbridge(tmp_path, SPANBRIDGE_GATEWAY_KEYS=str(keys)) as closed:
        assert "asks for an API key" in connect(project, *asked, backend=closed.url, fails=True)
        assert key not in connect(project, *asked, "--api-key", key, backend=closed.url)
        (example,) = doccano.examples(project)
        assert doccano.auto_label(project, example) == 201
    assert doccano.spans(project, example) == SPANS


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--lang", "klingon", "--create-labels"], "nearest"),
        (["--lang", "sw", "--method", "magic", "--create-labels"], "no method is called"),
        (["--lang", "sw", "--option", "beem=1", "--create-labels"], "beem"),
        (["--lang", "sw", "--labels", "PER,ANIMAL", "--create-labels"], "ANIMAL"),
        (["--lang", "sw"], "--create-labels"),
    ],
)
def test_wishes_that_cannot_be_are_explained_and_change_nothing(
    doccano: Doccano, connect: Callable[..., str], options: list[str], told: str
) -> None:
    project = doccano.project("wishes", [SAMPLE])
    assert told in connect(project, *options, fails=True)
    assert doccano.ask("GET", f"/v1/projects/{project}/auto-labeling/configs") == []
    assert doccano.label_names(project) == {}


def test_wrong_places_are_explained(doccano: Doccano, gateway: Server, connect: Callable[..., str]) -> None:
    project = doccano.project("places", [SAMPLE])
    asked = ["--lang", "sw", "--create-labels"]
    assert "no doccano project 99999 for you" in connect(99_999, *asked, fails=True)
    assert "doesn't let" in connect(project, *asked, password="wrong-password", fails=True)
    assert "can't reach" in connect(project, *asked, backend=f"http://127.0.0.1:{free_port()}", fails=True)
    assert "is it a Spanbridge server" in connect(project, *asked, backend=doccano.server.url, fails=True)
    other = doccano.project("documents", [], kind="DocumentClassification")
    assert "SequenceLabeling" in connect(other, *asked, fails=True)
    done = cli("doccano", "connect", "--url", gateway.url, "--project", "1", "--lang", "sw", DOCCANO_PASSWORD=PASSWORD)
    assert "it is no doccano" in done.stderr
