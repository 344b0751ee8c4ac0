"""What `POST /v1/project` answers, with stub services: words are their own translation, known names are entities."""

import pytest

from tests.support.gateway import Gateway

SENTENCE = {"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}
EVERYTHING = ["translation", "alignment", "tokens", "scores"]


async def test_a_sentence_gets_its_entities_with_offsets_and_source(gateway: Gateway) -> None:
    (result,) = await gateway.results([SENTENCE], include=EVERYTHING)
    assert result["id"] == "1"
    assert result["lang"] == "swh_Latn"
    assert result["error"] is None
    found = {(each["text"], each["label"], each["start"], each["end"]) for each in result["entities"]}
    assert found == {("Samia", "PER", 5, 10), ("Nairobi", "LOC", 23, 30)}
    for entity in result["entities"]:
        assert result["text"][entity["start"] : entity["end"]] == entity["text"]
        source = entity["source"]
        assert result["translation"]["text"][source["start"] : source["end"]] == source["text"]
        assert 0 < entity["score"] <= 1
        assert "align" in entity["scores"]
    assert result["tokens"] == ["Rais", "Samia", "alitembelea", "Nairobi", "jana", "."]
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O", "O"]
    assert result["translation"]["lang"] == "eng_Latn"
    assert result["alignment"]["links"]
    assert set(result["timings_ms"]) == {"translate", "ner", "align", "project"}


async def test_what_is_not_asked_for_is_not_shown(gateway: Gateway) -> None:
    (result,) = await gateway.results([SENTENCE])
    assert set(result) == {"id", "text", "lang", "entities", "cached", "timings_ms", "error"}
    assert all(set(each) == {"start", "end", "text", "label", "score", "source"} for each in result["entities"])


async def test_token_input_keeps_its_tokens(gateway: Gateway) -> None:
    tokens = ["Rais", "Samia", "alitembelea", "Nairobi", "."]
    (result,) = await gateway.results([{"tokens": tokens}], include=["tokens"])
    assert result["tokens"] == tokens
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O"]
    assert result["text"] == "Rais Samia alitembelea Nairobi ."


@pytest.mark.parametrize("lang", ["swh_Latn", "sw", "swa", "SWA", "swh"])
async def test_any_code_of_a_language_serves(gateway: Gateway, lang: str) -> None:
    (result,) = await gateway.results([SENTENCE], lang=lang)
    assert result["lang"] == "swh_Latn"
    assert len(result["entities"]) == 2


async def test_labels_filter(gateway: Gateway) -> None:
    (result,) = await gateway.results([SENTENCE], labels=["LOC"])
    assert [each["label"] for each in result["entities"]] == ["LOC"]


async def test_long_text_is_split_and_joined_with_offsets_into_the_original(gateway: Gateway) -> None:
    text = "  Rais Samia alifika.\n\nKisha akaenda Nairobi!  Mwisho 👩‍👩‍👧 wa Samia.  "
    (result,) = await gateway.results([{"text": text}], include=EVERYTHING)
    assert result["text"] == text
    assert [text[each["start"] : each["end"]] for each in result["entities"]] == ["Samia", "Nairobi", "Samia"]
    for entity in result["entities"]:
        source = entity["source"]
        assert result["translation"]["text"][source["start"] : source["end"]] == source["text"] == entity["text"]
    n_source, n_target = len(result["alignment"]["source_tokens"]), len(result["tokens"])
    assert all(s < n_source and t < n_target for s, t, _ in result["alignment"]["links"])


async def test_a_batch_makes_one_call_per_service(gateway: Gateway) -> None:
    gateway.count_calls()
    await gateway.results([{"text": f"Rais Samia alitembelea Nairobi mara {n}."} for n in range(64)])
    assert gateway.calls == {"translation": 1, "ner_teacher": 1, "alignment": 1, "projection": 1}


async def test_a_batch_equals_single_sentences(gateway: Gateway) -> None:
    texts = ["Rais Samia alifika.", "Hakuna jina hapa.", "Nairobi ni mji. Kampala pia."]
    batch = await gateway.results([{"id": text, "text": text} for text in texts], include=EVERYTHING)
    for text, together in zip(texts, batch, strict=True):
        (alone,) = await gateway.results([{"id": text, "text": text}], include=EVERYTHING)
        for result in (alone, together):
            del result["timings_ms"], result["cached"]
        assert alone == together


async def test_a_repeated_sentence_comes_from_the_cache(gateway: Gateway) -> None:
    (first,) = await gateway.results([SENTENCE])
    (again,) = await gateway.results([SENTENCE])
    assert first["cached"] == {"translation": False, "alignment": False}
    assert again["cached"] == {"translation": True, "alignment": True}
    assert again["entities"] == first["entities"]


async def test_a_given_source_with_entities_needs_no_translation_and_no_teacher(gateway: Gateway) -> None:
    gateway.count_calls()
    sentence = {
        "tokens": ["Angela", "Merkel", "besuchte", "Rom", "."],
        "source": {
            "tokens": ["Angela", "Merkel", "visited", "Rom", "."],
            "entities": [{"start": 0, "end": 2, "label": "PER"}, {"start": 3, "end": 4, "label": "MISC"}],
        },
    }
    (result,) = await gateway.results([sentence], lang="deu_Latn", labels=["PER", "MISC"], include=EVERYTHING)
    assert gateway.calls == {"alignment": 1, "projection": 1}
    assert result["tags"] == ["B-PER", "I-PER", "O", "B-MISC", "O"]
    assert result["translation"] == {
        "text": "Angela Merkel visited Rom .", "lang": "eng_Latn", "score": None, "via": [],
    }  # fmt: skip


async def test_a_given_source_without_entities_is_labelled(gateway: Gateway) -> None:
    sentence = {"text": "Samia in Nairobi", "source": {"tokens": ["Samia", "in", "Nairobi"]}}
    (result,) = await gateway.results([sentence], lang="isl_Latn")
    assert {each["text"] for each in result["entities"]} == {"Samia", "Nairobi"}


async def test_english_is_labelled_directly(gateway: Gateway) -> None:
    gateway.count_calls()
    (result,) = await gateway.results([{"text": "President Samia visited Nairobi."}], lang="en", include=EVERYTHING)
    assert {each["text"] for each in result["entities"]} == {"Samia", "Nairobi"}
    assert gateway.calls == {"ner_teacher": 1}
    assert result["translation"] is None
    assert all(each["source"] is None for each in result["entities"])


@pytest.mark.parametrize(
    ("method", "options"),
    [("heuristic", {}), ("heuristic", {"max_gap": 0, "align_method": "match"}), ("candidates", {"solver": "greedy"})],
)
async def test_methods_and_options(gateway: Gateway, method: str, options: dict[str, object]) -> None:
    (result,) = await gateway.results([SENTENCE], method=method, options=options)
    assert {each["text"] for each in result["entities"]} == {"Samia", "Nairobi"}


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("transfer", {}),
        ("candidates", {"candidates": "ner"}),
        ("candidates", {"score": "ner"}),
        ("candidates", {"score": "fused", "weight_ner_spans": 0.5}),
    ],
)
async def test_without_a_multilingual_teacher_the_setting_is_named(
    gateway: Gateway, method: str, options: dict[str, object]
) -> None:
    response = await gateway.project([SENTENCE], method=method, options=options)
    assert response.status_code == 422
    assert response.json()["error"] == "MissingTeacher"
    assert "SPANBRIDGE_NER_TEACHER_MULTILINGUAL" in response.json()["detail"]


async def test_auto_detects_and_refuses_when_unsure(gateway: Gateway) -> None:
    text = "Rais wa Tanzania alitembelea mji wa Nairobi jana na kukutana na viongozi wa serikali ya Kenya."
    (result,) = await gateway.results([{"text": text}], lang="auto")
    assert result["lang"] == "swh_Latn"
    response = await gateway.project([{"text": "Samia 2023"}], lang="auto")
    assert response.status_code == 422
    assert response.json()["error"] == "LanguageUndetermined"


async def test_what_is_offered_is_listed(gateway: Gateway) -> None:
    languages = (await gateway.http.get("/v1/languages")).json()["languages"]
    swahili = next(each for each in languages if each["code"] == "swh_Latn")
    assert {"sw", "swa"} <= set(swahili["aliases"])
    methods = (await gateway.http.get("/v1/methods")).json()
    assert [each["name"] for each in methods["methods"]] == [
        "candidates", "heuristic", "transfer", "student", "ensemble",
    ]  # fmt: skip
    assert methods["labels"] == ["LOC", "ORG", "PER"]


async def test_services_are_passed_through(gateway: Gateway) -> None:
    translated = await gateway.http.post("/v1/translate", json={"texts": ["Samia"], "source_lang": "sw"})
    assert translated.json()["translations"][0]["hypotheses"][0]["text"] == "Samia"
    aligned = await gateway.http.post("/v1/align", json={"source_tokens": ["Samia"], "target_tokens": ["Samia"]})
    assert aligned.json()["alignments"][0]["links"] == [[0, 0, 1.0]]
    labelled = await gateway.http.post("/v1/ner", json={"text": "Hon. Samia"})
    assert labelled.json()["results"][0]["entities"][0]["text"] == "Samia"


async def test_operations(gateway: Gateway) -> None:
    assert (await gateway.http.get("/")).headers["location"] == "/docs"
    for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"):
        assert (await gateway.http.get(path)).status_code == 200, path
    assert 'service="translation"' in (await gateway.http.get("/metrics")).text


async def test_the_same_request_id_reaches_every_answer(gateway: Gateway) -> None:
    response = await gateway.http.post(
        "/v1/project", json={"sentences": [{"text": ""}], "lang": "sw"}, headers={"x-request-id": "abc-1"}
    )
    assert response.headers["x-request-id"] == "abc-1"
    assert response.json()["results"][0]["error"]["request_id"] == "abc-1"
