"""`POST /v1/compare`."""

from typing import Any

import pytest

from tests.support.gateway import Gateway, without_language
from tests.support.teachers import MadeUpTeachers

SENTENCE = {"id": "1", "text": "Rais Samia alitembelea Nairobi jana."}


async def compare(gateway: Gateway, sentences: list[Any], **fields: Any) -> dict[str, Any]:
    response = await gateway.http.post("/v1/compare", json={"sentences": sentences, "lang": "swh_Latn", **fields})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_every_method_that_serves_answers_and_shared_parts_are_shown_once(
    gateway: Gateway, teachers: MadeUpTeachers
) -> None:
    found = await compare(gateway, [SENTENCE, {"tokens": ["Kampala", "leo"]}])
    assert found["methods"] == ["transfer", "heuristic", "candidates", "student", "ensemble"]
    assert ":calibration-" in found["model_version"]
    first, second = found["results"]
    assert (first["id"], second["id"]) == ("1", "1")
    assert (first["text"], second["text"]) == (SENTENCE["text"], "Kampala leo")
    assert first["tokens"] == ["Rais", "Samia", "alitembelea", "Nairobi", "jana", "."]
    assert first["translation"]["text"] == SENTENCE["text"]
    assert first["alignment"]["links"]
    tags = {name: answer["tags"] for name, answer in first["answers"].items()}
    assert tags["transfer"] == ["O", "O", "O", "B-LOC", "B-PER", "O"]
    assert tags["student"] == tags["candidates"] == tags["ensemble"] == ["O", "B-PER", "O", "B-LOC", "O", "O"]
    assert all(answer["error"] is None and answer["timings_ms"] for answer in first["answers"].values())
    assert [each["label"] for each in second["answers"]["student"]["entities"]] == ["ORG"]
    assert ("student", 2) in teachers.asked


async def test_each_answer_is_that_of_project(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    assert teachers.asked == []
    options = {"candidates": {"beam": 1}, "ensemble": {"threshold": 0.9}}
    found = await compare(gateway, [SENTENCE], options=options, labels=["LOC"])
    for name, answer in found["results"][0]["answers"].items():
        (alone,) = await gateway.results(
            [SENTENCE], method=name, options=options.get(name, {}), labels=["LOC"], include=["tokens", "scores"]
        )
        assert answer["tags"] == alone["tags"], name
        assert answer["entities"] == alone["entities"], name
        assert all(each["label"] == "LOC" for each in answer["entities"])


async def test_a_language_model_takes_part_where_it_is_configured(gateway: Gateway) -> None:
    teachers = MadeUpTeachers(gateway, {"llm": {"Samia": ("PER", 0.6)}}, {})
    found = await compare(gateway, [SENTENCE], options={"llm": {"min_score": 0.5}})
    assert found["methods"] == ["heuristic", "candidates", "llm"]
    assert "calibration" not in found["model_version"]
    assert [each["text"] for each in found["results"][0]["answers"]["llm"]["entities"]] == ["Samia"]
    assert ("llm", 1) in teachers.asked


async def test_a_method_that_cannot_be_had_has_its_error_and_the_others_answer(gateway: Gateway) -> None:
    found = await compare(gateway, [SENTENCE], methods=["student", "llm", "candidates", "transfer"])
    answers = found["results"][0]["answers"]
    assert found["methods"] == ["transfer", "candidates", "student", "llm"]
    assert {name: (each["error"] or {}).get("error") for name, each in answers.items()} == {
        "transfer": "MissingTeacher", "candidates": None, "student": "MissingTeacher", "llm": "MissingTeacher",
    }  # fmt: skip
    assert answers["candidates"]["entities"]
    assert answers["student"]["entities"] == []


async def test_a_language_that_nothing_serves_says_so_in_each_answer(gateway: Gateway) -> None:
    await without_language(gateway, "isl_Latn")
    found = await compare(gateway, [SENTENCE], lang="isl_Latn")
    (result,) = found["results"]
    assert result["answers"]["candidates"]["error"]["error"] == "UnsupportedLanguage"
    assert (result["tokens"], result["translation"], result["text"]) == (None, None, SENTENCE["text"])


async def test_a_bad_sentence_fails_alone(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    bad, good = (await compare(gateway, [{"text": ""}, SENTENCE]))["results"]
    assert {each["error"]["error"] for each in bad["answers"].values()} == {"EmptyText"}
    assert all(each["error"] is None for each in good["answers"].values())
    assert teachers.asked


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"sentences": []}, 422, "InvalidRequest"),
        ({"sentences": [SENTENCE] * 17}, 413, "PayloadTooLarge"),
        ({"lang": "klingon"}, 422, "UnknownLanguage"),
        ({"methods": ["magic"]}, 422, "UnknownMethod"),
        ({"methods": []}, 422, "InvalidRequest"),
        ({"options": {"magic": {}}}, 422, "UnknownMethod"),
        ({"options": {"candidates": {"beem": 1}}}, 422, "UnknownOption"),
        ({"options": {"candidates": 1}}, 422, "InvalidRequest"),
        ({"labels": ["ANIMAL"]}, 422, "UnknownLabel"),
        ({"colour": "red"}, 422, "InvalidRequest"),
    ],
)
async def test_a_fault_of_the_envelope_is_4xx(
    gateway: Gateway, change: dict[str, Any], status: int, error: str
) -> None:
    response = await gateway.http.post("/v1/compare", json={"sentences": [SENTENCE], "lang": "sw"} | change)
    assert (response.status_code, response.json()["error"]) == (status, error), response.text
    assert set(response.json()) == {"error", "detail", "request_id"}


async def test_auto_and_english(gateway: Gateway, teachers: MadeUpTeachers) -> None:
    text = "Rais wa Tanzania alitembelea mji wa Nairobi jana na kukutana na viongozi wa serikali ya Kenya."
    assert (await compare(gateway, [{"text": text}], lang="auto"))["results"][0]["lang"] == "swh_Latn"
    (unsound,) = (await compare(gateway, [{"text": ""}], lang="auto"))["results"]
    assert {each["error"]["error"] for each in unsound["answers"].values()} == {"EmptyText"}
    english = await compare(gateway, [{"text": "President Samia left."}], lang="en")
    assert english["methods"] == ["transfer", "heuristic", "candidates", "ensemble"]
    answers = english["results"][0]["answers"].values()
    assert {tuple(each["tags"]) for each in answers} == {("O", "B-PER", "O", "O")}
    assert all(key == "" for key, _ in teachers.asked if key != "student")
