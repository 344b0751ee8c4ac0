"""A sentence that was answered before is answered again without a call to any service, and nothing else changes."""

import unicodedata
from dataclasses import replace
from typing import Any

import pytest

from spanbridge_shared.errors import UpstreamFailed
from tests.support.gateway import Gateway
from tests.support.teachers import MadeUpTeachers

TEXT = "Rais Samia alitembelea Nairobi jana."
EVERYTHING = ["tokens", "translation", "alignment", "scores"]


def without_timing(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name not in ("timings_ms", "cached", "id")}


@pytest.mark.parametrize("include", [[], EVERYTHING])
@pytest.mark.parametrize("method", ["candidates", "heuristic"])
async def test_the_same_sentence_again_costs_no_call(gateway: Gateway, method: str, include: list[str]) -> None:
    (first,) = await gateway.results([{"text": TEXT, "id": "a"}], method=method, include=include)
    gateway.count_calls()
    (again,) = await gateway.results([{"text": TEXT, "id": 7}], method=method, include=include)
    assert gateway.calls == {}
    assert again["id"] == 7
    assert without_timing(again) == without_timing(first)
    assert list(again) == list(first), "the same fields, those that weren't asked for left out"
    assert first["cached"] == {"translation": False, "alignment": False}
    assert again["cached"] == {"translation": True, "alignment": True}
    assert first["timings_ms"]
    assert again["timings_ms"] == {}


async def test_a_batch_computes_what_is_new_and_each_sentence_once(gateway: Gateway) -> None:
    await gateway.results([{"text": TEXT}])
    asked: list[str] = []
    translation = gateway.app.state.engine.upstreams.translation
    translate = translation.translate

    async def watched(request: Any) -> Any:
        asked.extend(request.texts)
        return await translate(request)

    translation.translate = watched
    texts = ["Kampala leo.", TEXT, "Nairobi leo.", "Kampala leo.", TEXT, "Kampala leo."]
    results = await gateway.results([{"text": text} for text in texts])
    assert asked == ["Kampala leo.", "Nairobi leo."]
    assert [each["text"] for each in results] == texts
    assert [each["id"] for each in results] == ["0", "1", "2", "3", "4", "5"]
    for text, result in zip(texts, results, strict=True):
        assert all(text[each["start"] : each["end"]] == each["text"] for each in result["entities"])


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ["LOC"]},
        {"options": {"beam": 1}},
        {"method": "heuristic"},
        {"lang": "lug_Latn"},
        {"include": ["tokens"]},
    ],
)
async def test_an_answer_to_another_question_is_not_this_one(gateway: Gateway, change: dict[str, Any]) -> None:
    await gateway.results([{"text": TEXT}])
    gateway.count_calls()
    (changed,) = await gateway.results([{"text": TEXT}], **change)
    assert gateway.calls
    (alone,) = await gateway.results([{"text": TEXT, "id": "0"}], **change)
    assert without_timing(changed) == without_timing(alone)


async def test_composed_and_decomposed_letters_keep_their_own_offsets(gateway: Gateway) -> None:
    composed = "Olóyè Nairobi àná."
    for text in (unicodedata.normalize("NFC", composed), unicodedata.normalize("NFD", composed)):
        (result,) = await gateway.results([{"text": text}])
        assert result["text"] == text
        assert [text[each["start"] : each["end"]] for each in result["entities"]] == ["Nairobi"]


async def test_a_sentence_and_its_own_english_side_have_an_answer_of_their_own(gateway: Gateway) -> None:
    source = {"tokens": ["Mr", "Obi"], "entities": [{"start": 1, "end": 2, "label": "PER"}]}
    await gateway.results([{"tokens": ["Samia", "Nairobi"]}])
    gateway.count_calls()
    await gateway.results([{"tokens": ["Samia", "Nairobi"], "source": source}])
    assert gateway.calls


async def test_a_fault_is_not_kept(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    (bad, good) = await gateway.results([{"text": "  "}, {"text": TEXT}])
    assert (bad["error"]["error"], good["error"]) == ("EmptyText", None)

    async def down(*_: object) -> None:
        raise UpstreamFailed("translation can't be reached: ConnectError")

    translation = gateway.app.state.engine.upstreams.translation
    with monkeypatch.context() as broken:
        broken.setattr(translation, "translate", down)
        assert (await gateway.project([{"text": "Kampala leo."}])).status_code == 424
        (kept,) = await gateway.results([{"text": TEXT}])
        assert without_timing(kept) == without_timing(good)
    (mended,) = await gateway.results([{"text": "Kampala leo."}])
    assert mended["error"] is None


async def test_an_ensemble_without_one_of_its_members_is_not_kept(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    teachers.unreadable = {"Samia"}
    (partial,) = await gateway.results([{"text": TEXT}], method="ensemble")
    assert partial["member_errors"]
    teachers.unreadable = set()
    (whole,) = await gateway.results([{"text": TEXT}], method="ensemble")
    assert "member_errors" not in whole


@pytest.mark.parametrize("service", ["translation", "alignment", "ner_teacher"])
async def test_answers_of_models_that_were_replaced_are_not_kept_under_their_names(
    gateway: Gateway, service: str
) -> None:
    """A service is replaced: for a while the gateway believes that the old models answer. Going back finds nothing."""
    upstreams = gateway.app.state.engine.upstreams
    infos = await upstreams.infos()
    old = getattr(infos, service).model_copy(update={"model_version": "old-1"})
    upstreams._infos = replace(infos, **{service: old})
    await gateway.results([{"text": TEXT}])
    assert (await upstreams.infos()).model_version == infos.model_version, "asked anew at once"
    upstreams._infos = replace(infos, **{service: old})
    gateway.count_calls()
    await gateway.results([{"text": TEXT}])
    assert gateway.calls


@pytest.mark.parametrize(
    ("models", "named"), [("en-1", True), ("en-1+more-2", True), ("xx-1", True), ("more-3", False), ("en", False)]
)
async def test_one_of_several_teachers_is_a_named_one(gateway: Gateway, models: str, named: bool) -> None:
    infos = await gateway.app.state.engine.upstreams.infos()
    ner_teacher = infos.ner_teacher.model_copy(update={"model_version": "en-1+more-2:xx-1"})
    assert replace(infos, ner_teacher=ner_teacher).are_named([("ner_teacher", models)]) is named


async def test_long_requests_are_cut_into_parts_without_a_trace(gateway: Gateway) -> None:
    texts = [f"Samia alitembelea Nairobi mara {number}. " * (1 + number % 7) for number in range(900)]
    results = await gateway.results([{"text": text} for text in texts])
    assert [each["text"] for each in results] == texts
    assert [each["id"] for each in results] == [str(place) for place in range(900)]
    assert all(len(each["entities"]) == 2 * (1 + place % 7) for place, each in enumerate(results))
