"""Several teachers at once: a request chooses one by its key; without a key nothing is as it wasn't before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from spanbridge_ner_teacher.app import create_app
from spanbridge_ner_teacher.settings import NerTeacherSettings
from spanbridge_shared.clients.services import NerTeacherClient
from spanbridge_shared.contracts.ner import NerInfo, NerItem, NerRequest, ProbabilitiesRequest
from spanbridge_shared.errors import ConfigurationError, MissingTeacher

SEVERAL = {
    "english": "stub:eng_Latn", "multilingual": "stub:swh_Latn", "student": "stub:hau_Latn,swh_Latn",
    "teachers": {"wide": "stub", "spacy": "spacy:en_core_web_sm"}, "log_level": "CRITICAL",
}  # fmt: skip


@asynccontextmanager
async def service(**given: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(NerTeacherSettings(**(SEVERAL | given)))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://ner") as client:
            yield client


async def test_info_lists_every_teacher_by_key_and_role() -> None:
    async with service() as client:
        info = NerInfo.model_validate_json((await client.get("/v1/info")).content)
    assert [(each.key, each.role, each.languages) for each in info.teachers] == [
        ("english", "english", ["eng_Latn"]),
        ("multilingual", "multilingual", ["swh_Latn"]),
        ("student", "student", ["hau_Latn", "swh_Latn"]),
        ("wide", "named", ["*"]),
        ("spacy", "named", ["eng_Latn"]),
    ]
    assert [each.usage for each in info.teachers] == [None] * 5
    assert info.model_version == f"stub-ner-1:{info.teachers[-1].model_version}"


async def test_the_key_chooses_the_teacher() -> None:
    async with service() as http:
        client = NerTeacherClient("ner_teacher", http)
        items = [NerItem(text="Barack Obama met Kathy in Nairobi.")]
        by_stub = await client.ner(NerRequest(sentences=items, teacher="wide"))
        by_spacy = await client.ner(NerRequest(sentences=items, teacher="spacy"))
        hausa = await client.probabilities(ProbabilitiesRequest(sentences=items, lang="ha", teacher="student"))
    assert by_stub.model_version == "stub-ner-1"
    assert by_spacy.model_version.startswith("en_core_web_sm")
    assert [(each.text, each.label) for each in by_spacy.results[0].entities][-1] == ("Nairobi", "LOC")
    assert by_stub.results != by_spacy.results
    assert hausa.results[0].error is None


@pytest.mark.parametrize("path", ["/v1/ner", "/v1/probabilities"])
async def test_only_those_asked_for_answer_beyond_the_two_roles(path: str) -> None:
    body = {"tokens": ["Samia"], "lang": "hau_Latn"}
    async with service() as client:
        unset = await client.post(path, json=body)
        named = await client.post(path, json=body | {"teacher": "student"})
        nothing = await client.post(path, json=body | {"teacher": None, "lang": "swh_Latn"})
    assert (unset.status_code, unset.json()["error"]) == (422, "MissingTeacher")
    assert named.status_code == nothing.status_code == 200


@pytest.mark.parametrize("path", ["/v1/ner", "/v1/probabilities"])
@pytest.mark.parametrize(
    ("teacher", "lang", "told"),
    [
        ("llm", "eng_Latn", "no teacher is called 'llm'; there are english, multilingual, spacy, student, wide"),
        ("student", "yor_Latn", "'student' serves hau_Latn, swh_Latn, not yor_Latn"),
        ("english", "swh_Latn", "'english' serves eng_Latn, not swh_Latn"),
    ],
)
async def test_a_teacher_that_cannot_answer_is_told(path: str, teacher: str, lang: str, told: str) -> None:
    async with service() as http:
        answer = await http.post(path, json={"tokens": ["a"], "lang": lang, "teacher": teacher})
        client = NerTeacherClient("ner_teacher", http)
        with pytest.raises(MissingTeacher):
            await client.ner(NerRequest(sentences=[NerItem(text="a")], lang=lang, teacher=teacher))
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


async def test_a_teacher_without_probabilities_says_what_to_ask_instead() -> None:
    async with service() as client:
        answer = await client.post("/v1/probabilities", json={"text": "a", "lang": "en", "teacher": "spacy"})
    assert answer.status_code == 422
    assert "/v1/ner" in answer.json()["detail"]


@pytest.mark.parametrize("teacher", ["", "x" * 41, 5])
async def test_what_is_no_key_is_refused(teacher: object) -> None:
    async with service() as client:
        assert (await client.post("/v1/ner", json={"text": "a", "teacher": teacher})).status_code == 422


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('{"english": "stub:"}', "can't name a teacher"),
        ('{"Capital": "stub:"}', "can't name a teacher"),
        ('{"": "stub:"}', "can't name a teacher"),
        ('{"a": "nltk:x"}', "backends are"),
        ('{"a": " "}', "names no teacher"),
        ("stub:", "TEACHERS|teachers"),
    ],
)
def test_wrong_named_teachers_are_told(monkeypatch: pytest.MonkeyPatch, value: str, told: str) -> None:
    monkeypatch.setenv("SPANBRIDGE_NER_TEACHER_TEACHERS", value)
    with pytest.raises(ConfigurationError, match=told):
        create_app()


def test_the_embedded_student_serves_where_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANBRIDGE_MODELS_DIR", str(tmp_path))
    monkeypatch.delenv("SPANBRIDGE_NER_TEACHER_STUDENT", raising=False)
    assert NerTeacherSettings().student == ""
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "spanbridge.json").write_text("{}", encoding="utf-8")
    assert NerTeacherSettings().student == "ctranslate2:student"
    monkeypatch.setenv("SPANBRIDGE_NER_TEACHER_STUDENT", "")
    assert NerTeacherSettings().student == ""
