"""`spanbridge label-studio connect` and `spanbridge doccano connect`, against made-up tools."""

import doctest
import json
from functools import partial
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from spanbridge.annotation_tools import calls, doccano
from spanbridge.annotation_tools.backend import basic
from spanbridge.annotation_tools.calls import read_address
from spanbridge.cli import main
from spanbridge_shared.errors import ConfigurationError

TOOL, BRIDGE = "http://tool.test", "http://bridge.test"
LEGACY, PERSONAL = "f" * 40, "aaaa.bbbb.cccc"
SETUP = f"{BRIDGE}/integrations/label-studio/setup"
FLAT = f"{BRIDGE}/integrations/doccano"
ADD = f"POST {TOOL}/api/ml"
TRY = f"POST {TOOL}/v1/projects/1/auto-labeling/request-testing"
Answer = Any
Answers = dict[str, Answer]

LABEL_STUDIO: Answers = {
    f"GET {TOOL}/api/version": {"release": "1.23.2"},
    f"POST {TOOL}/api/token/refresh/": {"access": "short-lived"},
    f"GET {TOOL}/api/projects/1": {"title": "News", "label_config": "<View/>"},
    f"GET {TOOL}/api/projects/2": (404, {"detail": "Not found."}),
    f"GET {TOOL}/api/projects?page_size=20": {"results": [{"id": 1, "title": "News"}]},
    f"GET {TOOL}/api/ml?project=1": [],
    f"GET {TOOL}/api/webhooks/?project=1": [
        {"id": 1, "url": f"{BRIDGE}/integrations/label-studio/webhook"},
        {"id": 2, "url": "http://other.test"},
    ],
    f"PATCH {TOOL}/api/webhooks/1/": {"id": 1},
    ADD: {"id": 5, "model_version": "spanbridge-student-1"},
    f"POST {SETUP}": {"model_version": "spanbridge-student-1"},
}
DOCCANO: Answers = {
    f"POST {TOOL}/v1/auth/login/": {"key": "k3y"},
    f"GET {TOOL}/v1/projects/1": {"name": "News", "project_type": "SequenceLabeling"},
    f"GET {TOOL}/v1/projects/1/span-types": [{"text": "Person"}, {"text": "loc"}],
    f"POST {TOOL}/v1/projects/1/span-types": {"id": 9},
    TRY: {"entities": []},
    f"GET {TOOL}/v1/projects/1/auto-labeling/configs": [],
    f"POST {TOOL}/v1/projects/1/auto-labeling/configs": {"id": 3},
    f"POST {FLAT}": {"entities": []},
}


class Net:
    """Answers by `METHOD address`; a pair is a status and a body, an exception is raised. `seen` has all requests."""

    def __init__(self) -> None:
        self.answers: Answers = {}
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        found = self.answers.get(f"{request.method} {request.url}", (404, "<html>no such page</html>"))
        if isinstance(found, Exception):
            raise found
        status, body = found if isinstance(found, tuple) else (200, found)
        return httpx.Response(status, **({"text": body} if isinstance(body, str) else {"json": body}))

    def sent(self, way: str) -> httpx.Request:
        (found,) = [each for each in self.seen if f"{each.method} {each.url}" == way]
        return found

    def body(self, way: str) -> Any:
        return json.loads(self.sent(way).content)


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Net:
    found = Net()
    monkeypatch.setattr(calls.httpx, "Client", partial(httpx.Client, transport=httpx.MockTransport(found)))
    return found


def run(tool: str, *arguments: str, **env: str) -> Result:
    options = ["--url", TOOL, "--backend-url", BRIDGE, "--project", "1"]
    return CliRunner().invoke(main, [tool, "connect", *options, *arguments], env=env)


def studio(net: Net, *arguments: str, token: str = LEGACY, **changes: Answer) -> Result:
    net.answers = {**LABEL_STUDIO, **changes}
    ended = run("label-studio", *arguments, LABEL_STUDIO_API_KEY=token)
    assert token not in ended.output
    return ended


def flat(net: Net, *arguments: str, **changes: Answer) -> Result:
    net.answers = {**DOCCANO, **changes}
    ended = run("doccano", "--lang", "sw", *arguments, DOCCANO_PASSWORD="s3cret")
    assert "s3cret" not in ended.output
    assert "k3y" not in ended.output
    return ended


def test_label_studio_is_connected(net: Net) -> None:
    ended = studio(net, "--lang", "sw", "--method", "student", "--option", "min_score=.5")
    assert ended.exit_code == 0, ended.output
    assert "Connected: spanbridge-student-1 in project “News” of Label Studio 1.23.2" in ended.output
    params = {"lang": "sw", "method": "student", "options": {"min_score": 0.5}}
    body = net.body(ADD)
    assert (body["url"], body["project"], body["extra_params"]) == (f"{BRIDGE}/integrations/label-studio", 1, params)
    assert body["auth_method"] == "NONE"
    assert net.sent(ADD).headers["authorization"] == f"Token {LEGACY}"
    # The trial of the backend has no project, so that nothing is remembered there, and no token.
    assert net.body(f"POST {SETUP}") == {"schema": "<View/>", "extra_params": params}
    assert "authorization" not in net.sent(f"POST {SETUP}").headers


def test_a_personal_access_token_is_exchanged(net: Net) -> None:
    assert studio(net, token=PERSONAL).exit_code == 0
    assert net.body(f"POST {TOOL}/api/token/refresh/") == {"refresh": PERSONAL}
    assert net.sent(ADD).headers["authorization"] == "Bearer short-lived"


def test_an_api_key_is_shown_and_handed_on(net: Net) -> None:
    ended = studio(net, "--api-key", "sb_key")
    assert "sb_key" not in ended.output
    assert net.sent(f"POST {SETUP}").headers["authorization"] == basic("sb_key")
    body = net.body(ADD)
    assert (body["auth_method"], body["basic_auth_pass"]) == ("BASIC_AUTH", "sb_key")
    assert net.body(f"PATCH {TOOL}/api/webhooks/1/") == {"headers": {"Authorization": basic("sb_key")}}


def test_a_backend_that_is_there_is_renewed(net: Net) -> None:
    there = [{"id": 7, "url": f"{BRIDGE}/integrations/label-studio/", "model_version": "v2"}]
    changes = {f"GET {TOOL}/api/ml?project=1": there, f"PATCH {TOOL}/api/ml/7": {"id": 7}}
    ended = studio(net, **changes)
    assert "Renewed: v2" in ended.output
    assert ADD not in [f"{each.method} {each.url}" for each in net.seen]


def test_a_backend_that_is_out_of_reach_from_here_is_left_to_label_studio(net: Net) -> None:
    ended = studio(net, **{f"POST {SETUP}": httpx.ConnectError("refused")})
    assert ended.exit_code == 0
    assert "not checked from here" in ended.output


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {f"POST {SETUP}": (422, {"error": "InvalidRequest", "detail": "no <Labels>", "request_id": None})},
            "no <Labels>",
        ),
        ({f"POST {SETUP}": (404, {"error": "NotFound", "detail": "no such path"})}, "not too old"),
        ({f"POST {SETUP}": (502, "<html>Bad gateway</html>")}, "is it a Spanbridge server"),
        ({f"POST {SETUP}": (200, "<html>Welcome</html>")}, "it is no Spanbridge"),
        ({f"GET {TOOL}/api/version": (200, "<html>Welcome</html>")}, "it is no Label Studio"),
        ({f"GET {TOOL}/api/version": ["other"]}, "it is no Label Studio"),
        ({f"GET {TOOL}/api/version": httpx.ConnectError("refused")}, "can't be reached"),
        ({f"GET {TOOL}/api/version": httpx.ReadTimeout("slow")}, "gives no answer"),
        ({f"GET {TOOL}/api/projects/1": (401, {"detail": "Invalid token."})}, "takes no such token: Invalid token."),
        ({f"GET {TOOL}/api/projects/1": (404, {"detail": "Not found."})}, "no project 1; it has 1 (News)"),
        (
            {ADD: (400, {"url": ["URL resolves to a reserved network address (block: 127.0.0.0/8)"]})},
            "ML_BLOCK_LOCAL_IP=false",
        ),
        (
            {ADD: (400, {"validation_errors": {"non_field_errors": ["x, health check failed. y"]}})},
            "as it is seen from there",
        ),
        ({ADD: (400, {"detail": "Validation error", "validation_errors": {"title": ["too long"]}})}, "too long"),
        (
            {f"GET {TOOL}/api/ml?project=1": [{"id": 5, "url": "x", "error_message": "401 Client Error"}]},
            "401 Client Error",
        ),
    ],
)
def test_what_hinders_label_studio_is_told_in_one_line(net: Net, change: Answers, told: str) -> None:
    ended = studio(net, **change)
    assert ended.exit_code == 1
    assert told in ended.output
    assert ended.output.count("\n") == 1


def test_a_token_that_cannot_be_one_is_not_sent(net: Net) -> None:
    for token in ("wörd", "a\tb"):
        ended = studio(net, token=token)
        assert ended.exit_code == 1
        assert "no token has" in ended.output
    assert not net.seen


def test_doccano_is_connected(net: Net) -> None:
    ended = flat(net, "--name", "PER=Person", "--method", "student")
    assert ended.exit_code == 0, ended.output
    assert "the project has no ORG" in ended.output
    body = net.body(f"POST {TOOL}/v1/projects/1/auto-labeling/configs")
    assert body["label_mapping"] == {"PER": "Person", "LOC": "loc"}
    attributes = body["model_attrs"]
    assert attributes["url"] == FLAT
    assert attributes["body"] == {"text": "{{ text }}", "lang": "sw", "labels": ["PER", "LOC"], "method": "student"}
    assert set(attributes) == {"url", "method", "params", "headers", "body"}  # All of them are mandatory.
    assert net.sent(f"POST {TOOL}/v1/projects/1/auto-labeling/configs").headers["authorization"] == "Token k3y"


def test_missing_labels_are_made(net: Net) -> None:
    assert flat(net, "--create-labels", "--labels", "LOC,ORG", "--name", "ORG=Firm").exit_code == 0
    assert net.body(f"POST {TOOL}/v1/projects/1/span-types")["text"] == "Firm"
    body = net.body(f"POST {TOOL}/v1/projects/1/auto-labeling/configs")
    assert body["label_mapping"] == {"LOC": "loc", "ORG": "Firm"}


def test_doccano_hands_an_api_key_on(net: Net) -> None:
    ended = flat(net, "--name", "PER=Person", "--api-key", "sb_key")
    assert "sb_key" not in ended.output
    body = net.body(f"POST {TOOL}/v1/projects/1/auto-labeling/configs")
    assert body["model_attrs"]["headers"] == {"Authorization": basic("sb_key")}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({f"POST {FLAT}": (422, {"error": "UnknownLanguage", "detail": "nearest: swh_Latn"})}, "nearest: swh_Latn"),
        ({f"POST {TOOL}/v1/auth/login/": (400, {"non_field_errors": ["Unable to log in."]})}, "Unable to log in."),
        ({f"POST {TOOL}/v1/auth/login/": (404, "<html/>")}, "it is no doccano"),
        ({f"GET {TOOL}/v1/projects/1": {"name": "News", "project_type": "ImageClassification"}}, "SequenceLabeling"),
        ({f"GET {TOOL}/v1/projects/1/span-types": [{"text": "Tool"}]}, "--create-labels"),
        ({TRY: (400, ["Failed to establish a connection."])}, "as it is seen from there"),
        ({TRY: {"error": "Unauthorized", "detail": "send a key"}}, "send a key"),
    ],
)
def test_what_hinders_doccano_is_told_and_nothing_is_changed(net: Net, change: Answers, told: str) -> None:
    ended = flat(net, **change)
    assert ended.exit_code == 1
    assert told in ended.output
    ways = {f"{each.method} {each.url}" for each in net.seen}
    assert not ways & {f"POST {TOOL}/v1/projects/1/auto-labeling/configs", f"POST {TOOL}/v1/projects/1/span-types"}


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "http://user:password@host", "http://[", "http://a b"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ConfigurationError):
        read_address(url)


def test_addresses() -> None:
    assert read_address("localhost:8080/") == "http://localhost:8080"
    assert read_address("https://label.example.org/studio/") == "https://label.example.org/studio"


def test_the_examples_hold() -> None:
    found = doctest.testmod(doccano)
    assert found.attempted
    assert not found.failed
