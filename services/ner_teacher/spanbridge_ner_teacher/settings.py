"""The NER teacher's settings, `SPANBRIDGE_NER_TEACHER_*`."""

import re
from enum import StrEnum
from typing import NamedTuple, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from spanbridge_ner_teacher.core.labels import TagScheme
from spanbridge_ner_teacher.llm_settings import LlmSettings
from spanbridge_shared.contracts.manifest import MANIFEST_FILE
from spanbridge_shared.contracts.ner import TeacherRole
from spanbridge_shared.serving.config import PORT, models_dir

EMBEDDED = "teacher"
STUDENT = "student"
SPACY = "spacy:en_core_web_sm"
LLM = "llm"
_RESERVED = (*TeacherRole, LLM)
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")


class Backend(StrEnum):
    """What runs a teacher."""

    SPACY = "spacy"
    TRANSFORMERS = "transformers"
    CTRANSLATE2 = "ctranslate2"
    LLM = "llm"
    STUB = "stub"


class Device(StrEnum):
    """Where CTranslate2 runs the token classifiers; `auto` takes a GPU where there is one."""

    CPU = "cpu"
    CUDA = "cuda"
    AUTO = "auto"


class TeacherSpec(NamedTuple):
    """A backend and its model, written `backend:model`.

    The stub's model is a list of languages, or nothing; `llm:` without a model stands for the one of `llm_model`.
    """

    backend: Backend
    model: str


def read_spec(written: str) -> TeacherSpec | None:
    """Return what `backend:model` says, None for nothing.

    >>> read_spec("spacy:en_core_web_sm")
    TeacherSpec(backend=<Backend.SPACY: 'spacy'>, model='en_core_web_sm')

    Raises `ValueError` for another backend and for a missing model.
    """
    if not written.strip():
        return None
    backend, _, model = (part.strip() for part in written.partition(":"))
    if backend not in list(Backend):
        raise ValueError(f"{written[:80]!r} is not backend:model; backends are {', '.join(Backend)}")
    if not model and backend not in (Backend.STUB, Backend.LLM):
        raise ValueError(f"{written[:80]!r} names no model; write {backend}:MODEL")
    return TeacherSpec(Backend(backend), model)


def _embedded(name: str) -> str:
    """Return an embedded token classifier as a spec, nothing where these models don't hold it."""
    return f"{Backend.CTRANSLATE2}:{name}" if (models_dir() / name / MANIFEST_FILE).is_file() else ""


def _embedded_teacher() -> str:
    return _embedded(EMBEDDED)


def _is_embedded(written: str) -> bool:
    return bool(written) and written == _embedded_teacher()


class NerTeacherSettings(LlmSettings):
    """Which teachers serve, and how; a teacher is written `backend:model`."""

    model_config = SettingsConfigDict(env_prefix="SPANBRIDGE_NER_TEACHER_")

    port: int = Field(8004, ge=0, le=65535, description=PORT)
    # Half as much again per second as with 2,048: larger calls leave the cores' caches.
    max_batch_tokens: int = Field(512, ge=1, description="Padded tokens that one model call may hold.")
    device: Device = Field(Device.CPU, description="cpu, cuda, or auto: a GPU where there is one.")
    english: str = Field(
        default_factory=lambda: _embedded_teacher() or SPACY,
        description="Labels eng_Latn; empty: the multilingual one does. Default: models/teacher where it is there.",
    )
    english_more: str = Field(
        default_factory=lambda given: SPACY if _is_embedded(given.get("english", "")) else "",
        description="Adds to the English teacher's entities those of labels that it doesn't give (DATE, MISC), where "
        "they don't overlap. Empty: none. Default: spacy:en_core_web_sm beside models/teacher.",
    )
    multilingual: str = Field(
        default_factory=_embedded_teacher,
        description="Labels every other language, and gives probabilities; for example ctranslate2:PATH or "
        "transformers:HUB_ID_OR_PATH. Empty: none. Default: models/teacher where it is there.",
    )
    student: str = Field(
        default_factory=lambda: _embedded(STUDENT),
        description="Answers requests that name the teacher `student`, for any language it serves. Empty: none. "
        "Default: models/student where it is there.",
    )
    teachers: dict[str, str] = Field(
        default_factory=dict,
        description="More teachers, as JSON: a name that requests choose by, and backend:model, for example "
        '{"xlmr": "ctranslate2:models/xlmr-ner"}.',
    )
    tag_scheme: TagScheme = Field(
        TagScheme.AUTO,
        description="Tags of the token classifiers. auto takes them for IOB1 where a label has no B- tag, else for "
        "IOB2; set iob1 for checkpoints that list every B- tag but use it only between neighbours.",
    )

    @field_validator("english", "english_more", "multilingual", "student")
    @classmethod
    def _check_spec(cls, written: str) -> str:
        read_spec(written)
        return written

    @field_validator("teachers")
    @classmethod
    def _check_named(cls, teachers: dict[str, str]) -> dict[str, str]:
        for name, written in teachers.items():
            if not _NAME.fullmatch(name) or name in _RESERVED:
                raise ValueError(
                    f"{name[:40]!r} can't name a teacher: write small letters, digits, '_', '.' and '-', at most 40, "
                    f"and none of {', '.join(_RESERVED)}"
                )
            if read_spec(written) is None:
                raise ValueError(f"{name}: names no teacher; write backend:model")
        return teachers

    @model_validator(mode="after")
    def _check_teachers(self) -> Self:
        if not self.english.strip() and not self.multilingual.strip():
            raise ValueError("english and multilingual are both empty; name at least one teacher")
        if self.english_more.strip() and not self.english.strip():
            raise ValueError("english_more adds to the English teacher, and english names none")
        return self

    @model_validator(mode="after")
    def _check_llm(self) -> Self:
        specs = [read_spec(each) for each in (self.english, self.english_more, self.multilingual, self.student)]
        models = [
            spec.model for spec in (*specs, *self.named_teachers.values()) if spec and spec.backend is Backend.LLM
        ]
        if (models or self.llm_model) and not self.llm_url:
            raise ValueError("a teacher is a language model, so llm_url must say where it is")
        if not all(models) and not self.llm_model:
            raise ValueError("a teacher is `llm:`, so llm_model must say which model; or write llm:MODEL")
        if self.llm_url and not models:
            raise ValueError("llm_url is set, so llm_model must say which model")
        return self

    @property
    def named_teachers(self) -> dict[str, TeacherSpec]:
        """The teachers that requests choose by name, `llm` among them where an address and a model are set."""
        specs = {name: read_spec(written) for name, written in self.teachers.items()}
        if self.llm_url and self.llm_model:
            specs[LLM] = TeacherSpec(Backend.LLM, self.llm_model)
        return {name: spec for name, spec in specs.items() if spec is not None}
