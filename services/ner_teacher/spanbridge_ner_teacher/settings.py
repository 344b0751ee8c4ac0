"""The NER teacher's settings, `SPANBRIDGE_NER_TEACHER_*`."""

from enum import StrEnum
from typing import NamedTuple, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from spanbridge_ner_teacher.core.labels import TagScheme
from spanbridge_shared.contracts.manifest import MANIFEST_FILE
from spanbridge_shared.serving.config import ServiceSettings, models_dir

EMBEDDED = "teacher"
SPACY = "spacy:en_core_web_sm"


class Backend(StrEnum):
    """What runs a teacher."""

    SPACY = "spacy"
    TRANSFORMERS = "transformers"
    CTRANSLATE2 = "ctranslate2"
    STUB = "stub"


class TeacherSpec(NamedTuple):
    """A backend and its model, written `backend:model`; the stub's model is a list of languages, or nothing."""

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
    if not model and backend != Backend.STUB:
        raise ValueError(f"{written[:80]!r} names no model; write {backend}:MODEL")
    return TeacherSpec(Backend(backend), model)


def _embedded_teacher() -> str:
    """Return the embedded token classifier as a spec, nothing where these models don't hold it."""
    return f"{Backend.CTRANSLATE2}:{EMBEDDED}" if (models_dir() / EMBEDDED / MANIFEST_FILE).is_file() else ""


def _is_embedded(written: str) -> bool:
    return bool(written) and written == _embedded_teacher()


class NerTeacherSettings(ServiceSettings):
    """Which teachers serve, and how; a teacher is written `backend:model`."""

    model_config = SettingsConfigDict(env_prefix="SPANBRIDGE_NER_TEACHER_")

    port: int = Field(8004, ge=0, le=65535)
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
    tag_scheme: TagScheme = Field(
        TagScheme.AUTO,
        description="Tags of the token classifiers. auto takes them for IOB1 where a label has no B- tag, else for "
        "IOB2; set iob1 for checkpoints that list every B- tag but use it only between neighbours.",
    )

    @field_validator("english", "english_more", "multilingual")
    @classmethod
    def _check_spec(cls, written: str) -> str:
        read_spec(written)
        return written

    @model_validator(mode="after")
    def _check_teachers(self) -> Self:
        if not self.english.strip() and not self.multilingual.strip():
            raise ValueError("english and multilingual are both empty; name at least one teacher")
        if self.english_more.strip() and not self.english.strip():
            raise ValueError("english_more adds to the English teacher, and english names none")
        return self
