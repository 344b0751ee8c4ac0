"""`POST /v1/translate-train`, with stub services: words are their own translation."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spanbridge_gateway.translate_train import translate_train
from spanbridge_shared.contracts.translate_train import TranslateTrainRequest
from spanbridge_shared.errors import ClientLeft, UnsupportedLanguage
from tests.support.gateway import Gateway

TEXT = "President Samia visited Nairobi."
SENTENCE = {
    "id": "1", "text": TEXT,
    "entities": [{"start": 10, "end": 15, "label": "PER"}, {"start": 24, "end": 31, "label": "LOC"}],
}  # fmt: skip
METHODS = ["marker", "align"]


async def post(gateway: Gateway, sentences: Any, **fields: Any) -> httpx.Response:
    body = {"sentences": sentences, "lang": "sw", **fields}
    # json.dumps escapes lone surrogates, which httpx's own encoding refuses.
    return await gateway.http.post(
        "/v1/translate-train", content=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )


async def results(gateway: Gateway, sentences: Any, **fields: Any) -> list[dict[str, Any]]:
    response = await post(gateway, sentences, **fields)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def break_markers(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    client = gateway.app.state.engine.upstreams.translation
    original = client.translate

    async def translate(request: Any) -> Any:
        answer = await original(request)
        shown = answer.model_dump()
        for each in shown["translations"]:
            for hypothesis in each["hypotheses"]:
                hypothesis["text"] = hypothesis["text"].replace(old, new)
        return type(answer).model_validate(shown)

    monkeypatch.setattr(client, "translate", translate)


@pytest.mark.parametrize("method", METHODS)
async def test_a_sentence_comes_back_labelled(gateway: Gateway, method: str) -> None:
    (result,) = await results(gateway, [SENTENCE], method=method)
    assert (result["id"], result["lang"], result["text"], result["error"]) == ("1", "swh_Latn", TEXT, None)
    assert result["tokens"] == ["President", "Samia", "visited", "Nairobi", "."]
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O"]
    assert result["entities"] == [
        {"start": 10, "end": 15, "text": "Samia", "label": "PER", "score": 1.0, "source": 0},
        {"start": 24, "end": 31, "text": "Nairobi", "label": "LOC", "score": 1.0, "source": 1},
    ]
    assert (result["lost"], result["source_text"], result["via"]) == ([], TEXT, [])
    assert result["translation_score"] == -0.1


@pytest.mark.parametrize("style", ["brackets", "parentheses", "quotes"])
async def test_every_marker_style(gateway: Gateway, style: str) -> None:
    (result,) = await results(gateway, [SENTENCE], options={"marker_style": style, "beam": 1})
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O"]


@pytest.mark.parametrize("method", METHODS)
async def test_tokens_and_their_entities(gateway: Gateway, method: str) -> None:
    tokens = ["Samia", "(", "of", "East", "Africa", ")", "left", "."]
    entities = [{"start": 3, "end": 5, "label": "LOC"}, {"start": 0, "end": 1, "label": "PER"}]
    (result,) = await results(gateway, [{"tokens": tokens, "entities": entities}], method=method)
    assert (result["id"], result["text"]) == ("0", "Samia (of East Africa) left.")
    assert [(each["text"], each["label"], each["source"]) for each in result["entities"]] == [
        ("Samia", "PER", 1), ("East Africa", "LOC", 0),
    ]  # fmt: skip


async def test_lost_markers_are_lost_entities(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    break_markers(gateway, monkeypatch, '"Nairobi".', "Nairobi.")
    (result,) = await results(gateway, [SENTENCE])
    assert result["text"] == TEXT
    assert [each["text"] for each in result["entities"]] == ["Samia"]
    assert result["lost"] == [{"source": 1, "text": "Nairobi", "label": "LOC"}]
    assert result["error"] is None


async def test_order_tells_what_names_do_not(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    break_markers(gateway, monkeypatch, '"Nairobi"', '"Xyz"')
    (ordered,) = await results(gateway, [SENTENCE])
    (unordered,) = await results(gateway, [SENTENCE], options={"match_by_order": False})
    assert [(each["text"], each["label"], each["score"]) for each in ordered["entities"]] == [
        ("Samia", "PER", 1.0), ("Xyz", "LOC", 0.0),
    ]  # fmt: skip
    assert [each["text"] for each in unordered["entities"]] == ["Samia"]
    assert [each["source"] for each in unordered["lost"]] == [1]


async def test_unaligned_entities_are_lost(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    break_markers(gateway, monkeypatch, " visited Nairobi", "")
    (result,) = await results(gateway, [SENTENCE], method="align")
    assert [each["text"] for each in result["entities"]] == ["Samia"]
    assert [each["text"] for each in result["lost"]] == ["Nairobi"]


async def test_a_text_of_several_sentences(gateway: Gateway) -> None:
    text = "Samia [left] Nairobi!  Then she came to Kampala."
    entities = [{"start": text.index(name), "end": text.index(name) + len(name), "label": "X"}
                for name in ("Samia", "Nairobi", "Kampala")]  # fmt: skip
    for style, wanted in (("brackets", "Samia (left) Nairobi!"), ("quotes", "Samia [left] Nairobi!")):
        (result,) = await results(gateway, [{"text": text, "entities": entities}], options={"marker_style": style})
        assert result["text"] == f"{wanted} Then she came to Kampala."
        assert [result["text"][e["start"] : e["end"]] for e in result["entities"]] == ["Samia", "Nairobi", "Kampala"]


BAD = [
    ({"text": ""}, "EmptyText"),
    ({"tokens": []}, "EmptyText"),
    ({}, "AmbiguousInput"),
    ({"text": "a", "tokens": ["a"]}, "AmbiguousInput"),
    ({"text": "a" * 20_001}, "TextTooLong"),
    ({"tokens": ["a b"]}, "InvalidTokens"),
    ({"text": "a\ud800"}, "InvalidText"),
    ({"tokens": ["a\0"]}, "InvalidText"),
    ({"text": "x" + "-x" * 900}, None),
    ({"text": "Samia", "entities": [{"start": 0, "end": 9, "label": "PER"}]}, "InvalidSource"),
    ({"text": "Samia", "entities": [{"start": 3, "end": 3, "label": "PER"}]}, "InvalidSource"),
    ({"text": "Samia", "entities": [{"start": -1, "end": 3, "label": "PER"}]}, "InvalidSource"),
    (
        {"text": "Samia", "entities": [{"start": 0, "end": 3, "label": "A"}, {"start": 2, "end": 5, "label": "B"}]},
        "InvalidSource",
    ),
]


@pytest.mark.parametrize(("sentence", "error"), BAD)
@pytest.mark.parametrize("method", METHODS)
async def test_a_bad_sentence_fails_alone(
    gateway: Gateway, sentence: dict[str, Any], error: str | None, method: str
) -> None:
    before, bad, after = await results(gateway, [SENTENCE, sentence, SENTENCE], method=method)
    assert (bad["error"] and bad["error"]["error"]) == error
    assert bad["entities"] == []
    assert bad["id"] == "1"
    for neighbour in (before, after):
        assert neighbour["error"] is None
        assert len(neighbour["entities"]) == 2


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"sentences": []}, 422, "InvalidRequest"),
        ({"sentences": [SENTENCE] * 10_001}, 413, "PayloadTooLarge"),
        ({"sentences": [{"text": 5}]}, 422, "InvalidRequest"),
        ({"sentences": [{"text": "a", "entities": [{"start": 0, "end": 1}]}]}, 422, "InvalidRequest"),
        ({"sentences": [{"text": "a", "entities": [{"start": "0", "end": 1, "label": "X"}]}]}, 422, "InvalidRequest"),
        ({"lang": "klingon"}, 422, "UnknownLanguage"),
        ({"lang": "auto"}, 422, "UnknownLanguage"),
        ({"lang": None}, 422, "InvalidRequest"),
        ({"method": "magic"}, 422, "InvalidRequest"),
        ({"options": {"beam": 0}}, 422, "InvalidRequest"),
        ({"options": {"marker_style": "xml"}}, 422, "InvalidRequest"),
        ({"options": {"beem": 1}}, 422, "InvalidRequest"),
        ({"labels": ["PER"]}, 422, "InvalidRequest"),
    ],
)
async def test_a_fault_of_the_envelope_is_4xx(
    gateway: Gateway, change: dict[str, Any], status: int, error: str
) -> None:
    response = await post(gateway, **{"sentences": [SENTENCE], **change})
    assert response.status_code == status, response.text
    assert response.json()["error"] == error
    assert response.json()["detail"]


async def test_a_language_that_cannot_be_reached_says_so(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    async def translate(_: Any) -> Any:
        raise UnsupportedLanguage("no way leads from eng_Latn to swh_Latn; from eng_Latn the model reaches none")

    monkeypatch.setattr(gateway.app.state.engine.upstreams.translation, "translate", translate)
    response = await post(gateway, [SENTENCE])
    assert (response.status_code, response.json()["error"]) == (422, "UnsupportedLanguage")
    assert "no way leads from eng_Latn" in response.json()["detail"]


@pytest.mark.parametrize("method", METHODS)
async def test_a_batch_equals_single_sentences(gateway: Gateway, method: str) -> None:
    sentences = [SENTENCE, {"id": 2, "text": "Nothing here."}, {"id": 3, "text": " "}, {**SENTENCE, "id": 4}]
    batch = await results(gateway, sentences, method=method)
    for sentence, together in zip(sentences, batch, strict=True):
        (alone,) = await results(gateway, [sentence], method=method)
        for each in (alone, together):
            if each["error"]:
                del each["error"]["request_id"]
        assert alone == together


async def test_calls_hold_whole_batches(gateway: Gateway) -> None:
    gateway.count_calls()
    await results(gateway, [SENTENCE] * 64)
    assert gateway.calls == {"translation": 1}
    gateway.calls.clear()
    await results(gateway, [SENTENCE] * 64, method="align")
    assert gateway.calls == {"translation": 1, "alignment": 1, "projection": 1}


async def test_what_a_client_left_behind_is_not_computed(gateway: Gateway) -> None:
    gateway.count_calls()
    asked: list[int] = []

    async def has_left() -> bool:
        asked.append(1)
        return len(asked) > 1

    request = TranslateTrainRequest.model_validate({"sentences": [{"text": "Samia"}] * 1000, "lang": "sw"})
    with pytest.raises(ClientLeft):
        await translate_train(gateway.app.state.engine.upstreams, request, has_left)
    assert gateway.calls == {"translation": 1}


SCRIPTS = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
        st.sampled_from("👩‍👧🏽️é́ọ̀አዲስשלוםمرحبا東京กรุง .,!?'’-[]()\"“”"),
    ),
    max_size=60,
)


@pytest.mark.parametrize("method", METHODS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(before=SCRIPTS, after=SCRIPTS, style=st.sampled_from(["brackets", "parentheses", "quotes"]))
async def test_offsets_are_right_in_every_script(
    gateway: Gateway, method: str, before: str, after: str, style: str
) -> None:
    text = f"{before} Samia {after}"
    entity = {"start": len(before) + 1, "end": len(before) + 6, "label": "PER"}
    (result,) = await results(
        gateway, [{"text": text, "entities": [entity]}], method=method, options={"marker_style": style}
    )
    assert result["error"] is None
    assert len(result["entities"]) + len(result["lost"]) == 1
    assert len(result["tags"]) == len(result["tokens"])
    for each in result["entities"]:
        assert result["text"][each["start"] : each["end"]] == each["text"]
        assert "Samia" in each["text"]
    if method == "marker":
        assert result["entities"]
