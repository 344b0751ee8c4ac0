"""`method: "ensemble"`: stub services project names, a made-up teacher and a made-up student agree in part."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from spanbridge_gateway.app import create_app
from spanbridge_gateway.calibration import SHIPPED
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_projection.core.merging import logit, sigmoid
from spanbridge_shared.errors import UpstreamFailed
from tests.support.gateway import STUBS, Gateway, without_language
from tests.support.teachers import MadeUpTeachers

SENTENCE = {"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}
GIVEN = {
    "tokens": ["Samia", "aliona", "Rom"],
    "source": {"tokens": ["Samia", "saw", "Rom"], "entities": [{"start": 2, "end": 3, "label": "LOC"}]},
}

VOICE = {"weight": 1.0, "present": 0.0, "absent": 0.0}
PARAMETERS = {"bias": 0.0, "members": {"candidates": VOICE, "transfer": VOICE | {"absent": -5.0}}, "threshold": 0.5}


def names(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["text"], each["label"]) for each in result["entities"]]


async def test_members_are_merged_by_the_calibrated_formula(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    (result,) = await gateway.results(
        [SENTENCE], method="ensemble", include=["tokens", "scores", "translation", "alignment"]
    )
    assert names(result) == [("Samia", "PER"), ("Nairobi", "LOC")]
    samia, nairobi = result["entities"]
    assert set(samia["scores"]) == {"candidates", "student"}
    assert set(nairobi["scores"]) == {"candidates", "student", "transfer"}
    assert (nairobi["scores"]["student"], nairobi["scores"]["transfer"]) == (0.95, 0.9)
    fitted = json.loads(SHIPPED.read_text())["candidates+student+transfer"]
    for entity in (samia, nairobi):
        x = fitted["bias"]
        for member, each in fitted["members"].items():
            score = entity["scores"].get(member)
            x += each["absent"] if score is None else each["weight"] * logit(score) + each["present"]
        assert entity["score"] == pytest.approx(sigmoid(x), abs=1e-5)
        assert result["translation"]["text"][entity["source"]["start"] : entity["source"]["end"]] == entity["text"]
    assert result["tags"] == ["O", "B-PER", "O", "B-LOC", "O", "O"]
    assert result["alignment"]["links"]
    assert {"translate", "project", "student", "transfer", "merge"} <= set(result["timings_ms"])
    assert "member_errors" not in result
    assert sorted(each for each in teachers.asked if each[0]) == [("student", 1)]


async def test_a_batch_makes_one_call_for_each_member_and_one_to_merge(
    gateway: Gateway, teachers: MadeUpTeachers
) -> None:
    gateway.count_calls()
    await gateway.results([{"text": f"Rais Samia alitembelea Nairobi mara {n}."} for n in range(64)], method="ensemble")
    assert gateway.calls["translation"] == 1
    assert gateway.calls["projection"] == 2  # To project, and to merge.
    assert sorted(teachers.asked) == [("", 64), ("", 64), ("student", 64)]  # English side, transfer, student.


async def test_a_batch_equals_single_sentences(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    assert teachers.asked == []
    texts = ["Rais Samia alifika Nairobi.", "Hakuna jina hapa.", "Nairobi ni mji. Kampala pia.", "🙂 Samia !", ""]
    include = ["scores", "tokens", "translation", "alignment"]
    batch = await gateway.results([{"id": t, "text": t} for t in texts], method="ensemble", include=include)
    for text, together in zip(texts, batch, strict=True):
        (alone,) = await gateway.results([{"id": text, "text": text}], method="ensemble", include=include)
        for result in (alone, together):
            del result["timings_ms"], result["cached"]
            if result["error"] is not None:
                del result["error"]["request_id"]
        assert alone == together


@pytest.mark.parametrize(
    ("members", "found"),
    [
        (["transfer"], [("Nairobi", "LOC"), ("jana", "PER")]),
        (["student"], [("Samia", "PER"), ("Nairobi", "LOC")]),
        (["student", "transfer"], [("Samia", "PER"), ("Nairobi", "LOC")]),
    ],
)
async def test_members_may_be_chosen_and_one_alone_is_its_own_answer(
    gateway: Gateway, teachers: MadeUpTeachers, members: list[str], found: list[tuple[str, str]]
) -> None:
    gateway.count_calls()
    options = {"members": members, "threshold": 0.5}
    (result,) = await gateway.results([SENTENCE], method="ensemble", options=options, include=["scores"])
    assert names(result) == found
    assert "translation" not in gateway.calls
    assert all(set(each["scores"]) <= set(members) for each in result["entities"])
    if len(members) == 1:
        assert all(each["scores"] == {members[0]: each["score"]} for each in result["entities"])
        assert "projection" not in gateway.calls
    assert {key for key, _ in teachers.asked} == {"student" if each == "student" else "" for each in members}


async def test_the_threshold_decides(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    assert teachers.asked == []
    (usual,) = await gateway.results([SENTENCE], method="ensemble", options={"threshold": 0.5})
    samia, nairobi = (each["score"] for each in usual["entities"])
    between = (samia + nairobi) / 2  # Whatever the calibration is, three voices say more than two.
    (strict,) = await gateway.results([SENTENCE], method="ensemble", options={"threshold": between})
    (lenient,) = await gateway.results([SENTENCE], method="ensemble", options={"threshold": 0.001})
    assert names(strict) == [("Nairobi", "LOC")]
    assert names(lenient) == [("Samia", "PER"), ("Nairobi", "LOC"), ("jana", "PER")]


async def test_options_of_candidates_reach_that_member(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    options = {"members": ["candidates"], "candidates": {"beam": 1, "score": "nmt"}}
    (result,) = await gateway.results([SENTENCE], method="ensemble", options=options)
    assert "score" in result["timings_ms"]
    assert {key for key, _ in teachers.asked} == {""}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"members": ["magic"]}, "members"),
        ({"members": []}, "members"),
        ({"members": ["heuristic"]}, "members"),
        ({"threshold": 1.0}, "threshold"),
        ({"candidates": {"beem": 1}}, "beem"),
        ({"candidates": {"back_translation": True, "align_method": "attention"}}, "back_translation"),
        ({"beam": 1}, "beam"),
        ({"parameters": {"bias": 0.0, "members": {"magic": VOICE}}}, "'magic' is no member"),
        ({"parameters": PARAMETERS, "members": ["student"]}, "candidates, transfer"),
        ({"parameters": {"bias": 0.0}}, "parameters"),
    ],
)
async def test_wrong_options_are_refused(gateway: Gateway, options: dict[str, Any], told: str) -> None:
    response = await gateway.project([SENTENCE], method="ensemble", options=options)
    assert (response.status_code, response.json()["error"]) == (422, "UnknownOption")
    assert told in response.json()["detail"]


async def test_with_nothing_but_projection_it_is_the_answer_of_candidates(gateway: Gateway) -> None:
    (alone,) = await gateway.results([SENTENCE])
    (ensemble,) = await gateway.results([SENTENCE], method="ensemble")
    assert ensemble["entities"] == alone["entities"]


async def test_a_member_that_is_wanted_but_not_there_is_an_error(gateway: Gateway) -> None:
    response = await gateway.project([SENTENCE], method="ensemble", options={"members": ["candidates", "student"]})
    assert (response.status_code, response.json()["error"]) == (422, "MissingTeacher")
    assert "SPANBRIDGE_NER_TEACHER_STUDENT" in response.json()["detail"]


async def test_a_language_that_cannot_be_translated_is_left_to_the_others(
    gateway: Gateway, teachers: MadeUpTeachers
) -> None:
    await without_language(gateway, "isl_Latn")
    gateway.count_calls()
    plain = {"text": "Samia Nairobi"}
    sourced = plain | {"source": {"tokens": ["Samia", "Nairobi"]}}
    (alone,) = await gateway.results([plain], lang="isl_Latn", method="ensemble", include=["scores"])
    assert names(alone) == [("Nairobi", "LOC")]
    assert "translation" not in gateway.calls
    beside, other = await gateway.results([plain, sourced], lang="isl_Latn", method="ensemble", include=["scores"])
    assert beside["entities"] == alone["entities"]
    assert set(other["entities"][-1]["scores"]) == {"candidates", "transfer"}
    assert all(key != "student" for key, _ in teachers.asked)
    response = await gateway.project([plain], lang="isl_Latn", method="ensemble", options={"members": ["candidates"]})
    assert response.json()["error"] == "UnsupportedLanguage"


async def test_given_entities_are_trusted(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    given, plain = await gateway.results([GIVEN, SENTENCE], method="ensemble", include=["scores"])
    assert names(given) == [("Rom", "LOC")]
    assert set(given["entities"][0]["scores"]) == {"candidates"}
    assert names(plain) == [("Samia", "PER"), ("Nairobi", "LOC")]
    assert ("student", 1) in teachers.asked


async def test_english_is_labelled_by_the_english_teacher(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    gateway.count_calls()
    (result,) = await gateway.results([{"text": "President Samia visited Nairobi."}], lang="en", method="ensemble")
    assert names(result) == [("Samia", "PER"), ("Nairobi", "LOC")]
    assert teachers.asked == [("", 1)]
    assert set(gateway.calls) == {"ner_teacher"}


async def test_a_member_that_fails_a_sentence_leaves_it_to_the_others(
    gateway: Gateway, teachers: MadeUpTeachers
) -> None:
    teachers.unreadable = {"mara"}
    sentences = [{"text": "Samia mara Nairobi."}, SENTENCE]
    bad, good = await gateway.results(sentences, method="ensemble", include=["scores"])
    assert bad["error"] is None
    assert names(bad) == [("Samia", "PER"), ("Nairobi", "LOC")]
    assert all(set(each["scores"]) == {"candidates"} for each in bad["entities"])
    assert {name: each["error"] for name, each in bad["member_errors"].items()} == {
        "student": "TextTooLong", "transfer": "TextTooLong",
    }  # fmt: skip
    assert "member_errors" not in good
    assert names(good) == [("Samia", "PER"), ("Nairobi", "LOC")]


async def test_a_translation_that_fails_leaves_the_sentence_to_the_others(
    gateway: Gateway, teachers: MadeUpTeachers, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse_to_translate(gateway, monkeypatch)
    assert teachers.asked == []
    (result,) = await gateway.results(
        [SENTENCE], method="ensemble", options={"threshold": 0.5}, include=["scores", "translation", "alignment"]
    )
    assert result["error"] is None
    assert names(result) == [("Samia", "PER"), ("Nairobi", "LOC")]
    assert set(result["entities"][1]["scores"]) == {"student", "transfer"}
    assert set(result["member_errors"]) == {"candidates"}
    assert result["translation"] is None


async def test_a_service_that_is_down_costs_the_members_that_need_it_alone(
    gateway: Gateway, teachers: MadeUpTeachers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object) -> None:
        raise UpstreamFailed("translation can't be reached: ConnectError")

    upstreams = gateway.app.state.engine.upstreams
    monkeypatch.setattr(upstreams.translation, "translate", down)
    for result in await gateway.results([SENTENCE, {"text": "Nairobi leo"}], method="ensemble", include=["scores"]):
        assert result["error"] is None
        assert result["member_errors"]["candidates"]["error"] == "UpstreamFailed"
        assert "Nairobi" in [text for text, _ in names(result)]
        assert all(set(each["scores"]) <= {"student", "transfer"} for each in result["entities"])
    alone = await gateway.project([SENTENCE], method="ensemble", options={"members": ["candidates"]})
    assert (alone.status_code, alone.json()["error"]) == (424, "UpstreamFailed")


async def test_a_sentence_that_all_members_fail_has_an_error(
    gateway: Gateway, teachers: MadeUpTeachers, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse_to_translate(gateway, monkeypatch)
    teachers.unreadable = {"Samia"}
    bad, good = await gateway.results([SENTENCE, {"text": "Nairobi leo"}], method="ensemble")
    assert (bad["entities"], bad["error"]["error"]) == ([], "InvalidText")
    assert "member_errors" not in bad
    assert names(good) == [("Nairobi", "LOC")]


def _refuse_to_translate(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    client = gateway.app.state.engine.upstreams.translation
    original = client.translate

    async def translate(request: Any) -> Any:
        answer = await original(request)
        error = {"error": "InvalidText", "detail": "can't be read"}
        shown = answer.model_dump()
        for each in shown["translations"]:
            each |= {"hypotheses": [], "error": error}
        return type(answer).model_validate(shown)

    monkeypatch.setattr(client, "translate", translate)


async def test_the_version_of_the_calibration_is_told_and_ones_own_counts(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = (await gateway.project([SENTENCE])).json()["model_version"]
    shipped = (await gateway.project([SENTENCE], method="ensemble")).json()["model_version"]
    assert shipped.startswith(f"{plain}:calibration-")
    own = json.loads(SHIPPED.read_text())
    own["student+transfer"]["bias"] += 20.0
    path = tmp_path / "own.json"
    path.write_text(json.dumps(own))
    for name, value in STUBS.items():
        monkeypatch.setenv(name, value)
    app = create_app(GatewaySettings(log_level="ERROR", calibration=str(path)))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=None) as http,
    ):
        other = Gateway(app, http)
        MadeUpTeachers(other, {"multilingual": {"jana": ("PER", 0.3)}, "student": {}}, {})
        options = {"members": ["student", "transfer"]}
        response = await other.project([SENTENCE], method="ensemble", options=options)
    assert response.json()["model_version"] != shipped
    assert names(response.json()["results"][0]) == [("jana", "PER")]


async def test_parameters_of_the_requests_own_choose_the_members_and_merge_them(
    gateway: Gateway, teachers: MadeUpTeachers
) -> None:
    options = {"parameters": PARAMETERS}
    response = await gateway.project([SENTENCE], method="ensemble", options=options, include=["scores"])
    (result,) = response.json()["results"]
    assert names(result) == [("Nairobi", "LOC")]  # What transfer doesn't see is lost here.
    scores = result["entities"][0]["scores"]
    assert set(scores) == {"candidates", "transfer"}
    assert result["entities"][0]["score"] == pytest.approx(sigmoid(sum(map(logit, scores.values()))), abs=1e-5)
    assert {key for key, _ in teachers.asked} == {""}
    shipped = (await gateway.project([SENTENCE], method="ensemble")).json()["model_version"]
    assert response.json()["model_version"] != shipped


async def test_where_a_member_fails_the_rest_of_ones_own_parameters_counts(
    gateway: Gateway, teachers: MadeUpTeachers, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse_to_translate(gateway, monkeypatch)
    assert teachers.asked == []
    members = PARAMETERS["members"] | {"student": VOICE | {"weight": 2.0}}  # type: ignore[operator]
    options = {"parameters": PARAMETERS | {"members": members}}
    (result,) = await gateway.results([SENTENCE], method="ensemble", options=options)
    assert names(result) == [("Nairobi", "LOC")]
    assert result["entities"][0]["score"] == pytest.approx(sigmoid(2 * logit(0.95) + logit(0.9)), abs=1e-5)
