"""What `GET /v1/methods` says of each method's labels and models."""

from typing import Any

from spanbridge_gateway.infos import Infos
from spanbridge_gateway.method_models import described_methods
from spanbridge_shared.contracts.alignment import AlignmentInfo
from spanbridge_shared.contracts.gateway import MethodInfo
from spanbridge_shared.contracts.ner import NerInfo, TeacherInfo, TeacherRole
from spanbridge_shared.contracts.projection import ProjectionInfo
from spanbridge_shared.contracts.translation import TranslationInfo


def teacher(key: str, role: TeacherRole, labels: list[str], languages: list[str], **given: Any) -> TeacherInfo:
    return TeacherInfo(
        key=key, role=role, name=key, model_version=f"{key}-1", labels=labels, languages=languages,
        **{"probabilities": True, **given},
    )  # fmt: skip


ENGLISH = teacher("english", TeacherRole.ENGLISH, ["DATE", "PER"], ["eng_Latn"], probabilities=False)
MULTILINGUAL = teacher("multilingual", TeacherRole.MULTILINGUAL, ["LOC", "PER"], ["*"])
STUDENT = teacher("student", TeacherRole.STUDENT, ["ORG", "PER"], ["swh_Latn"])
LLM = teacher("llm", TeacherRole.NAMED, ["MISC"], ["*"], probabilities=False)


def methods(*teachers: TeacherInfo) -> dict[str, MethodInfo]:
    def info(kind: type, name: str, **given: Any) -> Any:
        return kind.model_construct(service=name, version="0", model_version=f"{name}-1", **given)

    infos = Infos(
        translation=info(TranslationInfo, "nmt"),
        alignment=info(AlignmentInfo, "aligner"),
        projection=info(ProjectionInfo, "projection"),
        ner_teacher=info(NerInfo, "ner", teachers=list(teachers)),
    )
    return {each.name: each for each in described_methods(infos)}


def test_each_method_has_the_labels_of_its_own_teacher() -> None:
    found = {name: each.labels for name, each in methods(ENGLISH, MULTILINGUAL, STUDENT, LLM).items()}
    assert found == {
        "candidates": ["DATE", "PER"], "heuristic": ["DATE", "PER"], "transfer": ["LOC", "PER"],
        "student": ["ORG", "PER"], "ensemble": ["DATE", "LOC", "ORG", "PER"],
    }  # fmt: skip


def test_and_the_models_that_it_works_by() -> None:
    found = {name: each.models for name, each in methods(ENGLISH, MULTILINGUAL, STUDENT, LLM).items()}
    bridge = {"labels": "english-1", "translation": "nmt-1", "alignment": "aligner-1"}
    assert found == {
        "candidates": {**bridge, "probabilities": "multilingual-1"},
        "heuristic": bridge,
        "transfer": {"labels": "multilingual-1"},
        "student": {"labels": "student-1"},
        "ensemble": {**bridge, "probabilities": "multilingual-1", "transfer": "multilingual-1", "student": "student-1"},
    }  # fmt: skip


def test_what_is_not_configured_has_none() -> None:
    found = methods(ENGLISH)
    assert (found["student"].labels, found["transfer"].labels) == (None, None)
    assert found["candidates"].models == {"labels": "english-1", "translation": "nmt-1", "alignment": "aligner-1"}
    assert found["ensemble"].labels == ["DATE", "PER"]


def test_a_multilingual_teacher_alone_labels_english_too() -> None:
    found = methods(MULTILINGUAL)
    assert found["candidates"].labels == found["transfer"].labels == ["LOC", "PER"]
    assert (found["candidates"].models or {})["labels"] == "multilingual-1"
