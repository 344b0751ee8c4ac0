"""Faults found by attacking a running gateway: 500s, lost sentences, and answers that their company changed."""

from typing import Any

import httpx
import pytest

from spanbridge_gateway.app import create_app
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_shared.contracts.gateway import ProjectSentencesRequest
from spanbridge_shared.errors import ClientLeft
from tests.support.gateway import Gateway

GOOD = {"text": "Rais Samia alitembelea Nairobi jana."}


async def test_a_text_of_more_sentences_than_a_call_may_hold_is_labelled(gateway: Gateway) -> None:
    gateway.count_calls()
    text = "Samia yuko Nairobi!\n\n" * 900
    long, good = await gateway.results([{"text": text}, GOOD], include=["tokens", "translation", "alignment"])
    assert long["error"] is None
    assert good["error"] is None
    assert len(long["entities"]) == 1800
    assert all(text[each["start"] : each["end"]] == each["text"] for each in long["entities"])
    assert gateway.calls["translation"] == 5  # 900 segments at most 256 at a time, and the neighbour's own.


async def test_more_given_entities_than_can_be_projected_fail_their_sentence_alone(gateway: Gateway) -> None:
    words = ["neno"] * 501
    entities = [{"start": place, "end": place + 1, "label": "PER"} for place in range(501)]
    many = {"tokens": words, "source": {"tokens": words, "entities": entities}}
    fits = {"tokens": words, "source": {"tokens": words, "entities": entities[:500]}}
    bad, good, fit = await gateway.results([many, GOOD, fits])
    assert bad["error"]["error"] == "InvalidSource"
    assert "501" in bad["error"]["detail"]
    assert good["error"] is None
    assert good["entities"]
    assert fit["error"] is None


async def test_a_word_too_long_for_the_model_does_not_take_its_text_along(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse(gateway, monkeypatch, "x" * 600)
    text = f"Rais Samia alitembelea {'x' * 600} Nairobi."
    mixed, alone = await gateway.results([{"text": text}, {"text": "x" * 600}], include=["translation"])
    assert mixed["error"] is None
    assert [each["text"] for each in mixed["entities"]] == ["Samia", "Nairobi"]
    for entity in mixed["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["text"]
        source = entity["source"]
        assert mixed["translation"]["text"][source["start"] : source["end"]] == source["text"]
    assert alone["error"]["error"] == "TextTooLong"


def _refuse(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    """Have the translation client find texts with a word too long, as a sub-word model does."""
    client = gateway.app.state.engine.upstreams.translation
    original = client.translate

    async def translate(request: Any) -> Any:
        answer = await original(request)
        error = {"error": "TextTooLong", "detail": "601 sub-words"}
        shown = answer.model_dump()
        for text, each in zip(request.texts, shown["translations"], strict=True):
            if word in text:
                each |= {"hypotheses": [], "error": error}
        return type(answer).model_validate(shown)

    monkeypatch.setattr(client, "translate", translate)


async def test_english_is_labelled_directly_whatever_its_neighbours_bring(gateway: Gateway) -> None:
    english = {"id": 1, "text": "Samia visited Nairobi."}
    given = {
        "id": 2,
        "text": "Samia visited Nairobi.",
        "source": {"tokens": ["Samia", "left"], "entities": [{"start": 0, "end": 1, "label": "PER"}]},
    }
    (alone,) = await gateway.results([english], lang="en", include=["translation"])
    beside, other = await gateway.results([english, given], lang="en", include=["translation"])
    assert beside["entities"] == alone["entities"]
    assert beside["translation"] is None
    assert other["translation"]["text"] == "Samia left"
    assert [each["text"] for each in other["entities"]] == ["Samia"]


async def test_a_failed_sentence_has_no_timings_of_calls_that_it_was_not_part_of(gateway: Gateway) -> None:
    bad, good = await gateway.results([{"text": ""}, GOOD])
    assert bad["timings_ms"] == {}
    assert {"translate", "ner", "align", "project"} <= good["timings_ms"].keys()


async def test_what_a_client_left_behind_is_not_computed(gateway: Gateway) -> None:
    gateway.count_calls()
    asked: list[int] = []

    async def has_left() -> bool:
        asked.append(1)
        return len(asked) > 1

    request = ProjectSentencesRequest(sentences=[GOOD] * 1000, lang="sw")
    with pytest.raises(ClientLeft):
        await gateway.app.state.engine.project(request, has_left)
    assert gateway.calls["translation"] == 1


async def test_curl_without_a_content_type_is_told_of_it(gateway: Gateway) -> None:
    response = await gateway.http.post(
        "/v1/project",
        content=b'{"sentences":[{"text":"Samia"}],"lang":"sw"}',
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert response.status_code == 422
    assert "application/json" in response.json()["detail"]


async def test_the_documentation_needs_nothing_from_outside() -> None:
    app = create_app(GatewaySettings(log_level="ERROR"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        page = await http.get("/docs")
        assert page.status_code == 200
        assert "//cdn" not in page.text
        assert "https://" not in page.text
        for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
            assert f"/docs/assets/{asset}" in page.text
            assert (await http.get(f"/docs/assets/{asset}")).status_code == 200
        missing = await http.get("/docs/assets/nothing.js")
        assert missing.status_code == 404
        assert missing.json()["error"] == "NotFound"


async def test_every_example_of_the_documentation_fits_the_schema_and_is_served(gateway: Gateway) -> None:
    """Regression: the flat form of `/v1/align` and `/v1/ner`, which their examples have, was not in the schema."""
    document = (await gateway.http.get("/openapi.json")).json()
    seen = 0
    for path, operations in document["paths"].items():
        if path.startswith("/integrations/"):
            continue  # What a tool sends is the tool's to say; its fields have examples, and its own tests send bodies.
        content = operations.get("post", {}).get("requestBody", {}).get("content", {})
        for media in content.values():
            schema = document["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]
            for example in media["examples"].values():
                seen += 1
                forms = schema.get("anyOf", [schema])
                assert any(set(form["required"]) <= example["value"].keys() for form in forms)
                assert example["value"].keys() <= schema["properties"].keys()
                if example["value"].get("lang") != "auto":  # What pycld2 makes of it is not the stubs' to say.
                    response = await gateway.http.post(path, json=example["value"])
                    assert response.status_code == 200, response.text
                    assert '"error":{' not in response.text
    assert seen == 12


@pytest.mark.parametrize("start", [False, 0.0, "0"])
async def test_an_offset_is_an_integer(gateway: Gateway, start: object) -> None:
    source = {"tokens": ["Samia"], "entities": [{"start": start, "end": 1, "label": "PER"}]}
    response = await gateway.project([{"text": "Samia", "source": source}])
    assert response.status_code == 422
    assert response.json()["error"] == "InvalidRequest"
