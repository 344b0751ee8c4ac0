"""`back_translation: true`, with stub services: words are their own translation, and brackets survive unless broken."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.gateway import Gateway

SENTENCE = {"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}
EVERYTHING = ["translation", "alignment", "tokens", "scores"]
ON = {"back_translation": True}


def change_answers(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]) -> list[Any]:
    """Change what the translation service makes of marked English; return the list that its requests go to."""
    client = gateway.app.state.engine.upstreams.translation
    original = client.translate
    requests: list[Any] = []

    async def translate(request: Any) -> Any:
        requests.append(request)
        answer = await original(request)
        if request.source_lang != "eng_Latn":
            return answer
        shown = answer.model_dump()
        for each in shown["translations"]:
            for hypothesis in each["hypotheses"]:
                hypothesis["text"] = change(hypothesis["text"])
        return type(answer).model_validate(shown)

    monkeypatch.setattr(client, "translate", translate)
    return requests


async def test_it_is_off_by_default_and_documented(gateway: Gateway) -> None:
    methods = (await gateway.http.get("/v1/methods")).json()["methods"]
    for method in methods[:2]:
        options = {option["name"]: option for option in method["options"]}
        assert (options["back_translation"]["type"], options["back_translation"]["default"]) == ("boolean", False)
        assert options["marker_style"]["choices"] == ["brackets", "parentheses", "quotes"]
        assert options["marker_style"]["default"] == "brackets"
    assert "back_translation" not in {option["name"] for option in methods[2]["options"]}
    (result,) = await gateway.results([SENTENCE], include=EVERYTHING)
    assert "back_translation" not in result
    assert all("back_translation" not in each["scores"] for each in result["entities"])


@pytest.mark.parametrize("method", ["candidates", "heuristic"])
@pytest.mark.parametrize("style", ["brackets", "parentheses", "quotes"])
async def test_entities_come_from_what_was_marked(gateway: Gateway, method: str, style: str) -> None:
    options = {**ON, "marker_style": style}
    (result,) = await gateway.results([SENTENCE], method=method, options=options, include=EVERYTHING)
    assert result["error"] is None
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O", "O"]
    assert result["back_translation"] == {"text": "Rais Samia alitembelea Nairobi jana.", "kept": 2, "lost": 0}
    for entity in result["entities"]:
        assert entity["scores"]["back_translation"] == 1.0
        source = entity["source"]
        assert result["translation"]["text"][source["start"] : source["end"]] == source["text"] == entity["text"]
    assert result["alignment"]["source_tokens"] == ["Rais", "Samia", "alitembelea", "Nairobi", "jana", "."]
    assert "back_translate" in result["timings_ms"]


async def test_without_it_the_same_but_for_what_is_shown(gateway: Gateway) -> None:
    (plain,) = await gateway.results([SENTENCE], include=EVERYTHING)
    (refined,) = await gateway.results([SENTENCE], options=ON, include=EVERYTHING)
    del refined["back_translation"]
    for result in (plain, refined):
        del result["timings_ms"], result["cached"]
        for entity in result["entities"]:
            entity["scores"].pop("back_translation", None)
    assert plain == refined


async def test_projection_starts_from_the_back_translation(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    # The English word looks like another one of the original; only the back-translation leads to the right one.
    change_answers(gateway, monkeypatch, lambda text: text.replace("Kenya", "Xnairobi"))
    sentence = {
        "tokens": ["Mkenya", "yuko", "Xnairobi"],
        "source": {"tokens": ["Samia", "in", "Kenya"], "entities": [{"start": 2, "end": 3, "label": "LOC"}]},
    }
    (plain,) = await gateway.results([sentence], include=["tokens"])
    (refined,) = await gateway.results([sentence], options=ON, include=["tokens", "translation"])
    assert plain["tags"] == ["B-LOC", "O", "O"]
    assert refined["tags"] == ["O", "O", "B-LOC"]
    assert refined["entities"][0]["source"]["text"] == "Kenya"
    assert refined["back_translation"] == {"text": "Samia in Xnairobi", "kept": 1, "lost": 0}


async def test_lost_markers_fall_back_and_are_counted(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    change_answers(gateway, monkeypatch, lambda text: text.replace("[Nairobi]", "Nairobi]"))
    (result,) = await gateway.results([SENTENCE], options=ON, include=EVERYTHING)
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O", "O"]
    assert result["back_translation"] == {"text": "Rais Samia alitembelea Nairobi jana.", "kept": 1, "lost": 1}
    scores = {each["text"]: each["scores"]["back_translation"] for each in result["entities"]}
    assert scores == {"Samia": 1.0, "Nairobi": 0.0}


async def test_all_markers_lost_is_plain_projection(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    (plain,) = await gateway.results([SENTENCE])
    change_answers(gateway, monkeypatch, lambda text: text.replace("[", "").replace("]", ""))
    gateway.count_calls()
    (result,) = await gateway.results([SENTENCE], options=ON, include=["translation"])
    assert result["entities"] == plain["entities"]
    assert result["back_translation"]["lost"] == 2
    assert gateway.calls["alignment"] == 1  # The English side alone: nothing else has an entity.


async def test_what_is_too_long_with_markers_falls_back(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    client = gateway.app.state.engine.upstreams.translation
    original = client.translate

    async def translate(request: Any) -> Any:
        answer = await original(request)
        shown = answer.model_dump()
        for text, each in zip(request.texts, shown["translations"], strict=True):
            if "[" in text:
                each |= {"hypotheses": [], "error": {"error": "TextTooLong", "detail": "601 sub-words"}}
        return type(answer).model_validate(shown)

    monkeypatch.setattr(client, "translate", translate)
    (result,) = await gateway.results([SENTENCE], options=ON, include=["tokens", "translation"])
    assert result["error"] is None
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O", "O"]
    assert result["back_translation"] == {"text": "", "kept": 0, "lost": 2}


async def test_brackets_of_the_text_are_never_read_as_markers(gateway: Gateway) -> None:
    text = "Rais [wa Kenya] Samia alifika Nairobi [jana."
    (result,) = await gateway.results([{"text": text}], options=ON, include=["tokens", "translation"])
    assert [text[each["start"] : each["end"]] for each in result["entities"]] == ["Kenya", "Samia", "Nairobi"]
    assert result["translation"]["text"] == text
    assert result["back_translation"] == {"text": text.replace("[", "(").replace("]", ")"), "kept": 3, "lost": 0}


async def test_overlapping_given_entities_are_all_projected(gateway: Gateway) -> None:
    words = ["Samia", "Suluhu", "alifika", "Nairobi"]
    entities = [(0, 2, "PER"), (1, 2, "PER"), (3, 4, "LOC")]
    source = {"tokens": words, "entities": [{"start": a, "end": b, "label": label} for a, b, label in entities]}
    (result,) = await gateway.results(
        [{"tokens": words, "source": source}], options=ON, include=["tokens", "translation"]
    )
    assert result["error"] is None
    assert (result["back_translation"]["kept"], result["back_translation"]["lost"]) == (2, 1)
    assert result["tags"][3] == "B-LOC"


async def test_one_call_translates_marked_texts_and_names_of_a_batch(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = change_answers(gateway, monkeypatch, lambda text: text)
    gateway.count_calls()
    await gateway.results([{"text": f"Rais Samia alitembelea Nairobi mara {n}."} for n in range(64)], options=ON)
    assert gateway.calls == {"translation": 2, "ner_teacher": 1, "alignment": 1, "projection": 1}
    back = requests[1]
    assert (back.source_lang, back.target_lang) == ("eng_Latn", "swh_Latn")
    assert len(back.texts) == 64 + 2  # Samia and Nairobi, once each.
    assert back.texts[0] == "Rais [Samia] alitembelea [Nairobi] mara 0."


async def test_a_batch_equals_single_sentences(gateway: Gateway) -> None:
    texts = ["Rais Samia alifika.", "Hakuna jina hapa.", "Nairobi ni mji. Kampala pia.", ""]
    batch = await gateway.results([{"id": text, "text": text} for text in texts], options=ON, include=EVERYTHING)
    for text, together in zip(texts, batch, strict=True):
        (alone,) = await gateway.results([{"id": text, "text": text}], options=ON, include=EVERYTHING)
        for result in (alone, together):
            del result["timings_ms"], result["cached"]
            if result["error"]:
                del result["error"]["request_id"]
        assert alone == together
    assert "back_translation" not in batch[1]  # There was nothing to mark.


async def test_all_of_it_comes_from_the_cache_the_second_time(gateway: Gateway) -> None:
    (plain,) = await gateway.results([SENTENCE])
    (first,) = await gateway.results([SENTENCE], options=ON, include=["alignment"])
    (again,) = await gateway.results([SENTENCE], options=ON, include=["alignment"])
    assert first["cached"]["translation"] is False  # The plain half of it was there already.
    assert again["cached"] == {"translation": True, "alignment": True}
    assert plain["entities"] == first["entities"] == again["entities"]


@pytest.mark.parametrize(
    "options",
    [
        {"back_translation": 1},
        {"back_translation": "yes"},
        {"marker_style": "xml"},
        {"back_translation": True, "align_method": "attention"},
    ],
)
async def test_wrong_values_are_refused(gateway: Gateway, options: dict[str, Any]) -> None:
    response = await gateway.project([SENTENCE], options=options)
    assert response.status_code == 422
    assert response.json()["error"] == "UnknownOption"
    assert next(iter(options)) in response.json()["detail"]


@pytest.mark.parametrize(
    "options",
    [
        {"score": "nmt"},
        {"score": "fused", "weight_nmt": 1.0, "weight_ner": 0.0},
        {"align_method": "fused"},
        {"n_proj": 2},
    ],
)
async def test_it_goes_together_with_other_options(gateway: Gateway, options: dict[str, Any]) -> None:
    (result,) = await gateway.results([SENTENCE], options={**ON, **options}, include=EVERYTHING)
    assert result["error"] is None
    assert {each["text"] for each in result["entities"]} >= {"Samia", "Nairobi"}
    assert result["back_translation"] == {"text": "Rais Samia alitembelea Nairobi jana.", "kept": 2, "lost": 0}
