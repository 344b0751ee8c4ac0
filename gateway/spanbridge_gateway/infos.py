"""What the services behind the gateway say of themselves, and what follows from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version

from spanbridge_shared.contracts.alignment import AlignmentInfo
from spanbridge_shared.contracts.ner import ANY_LANGUAGE, UNNAMED_ROLES, NerInfo, TeacherInfo
from spanbridge_shared.contracts.projection import ProjectionInfo
from spanbridge_shared.contracts.translation import TranslationInfo
from spanbridge_shared.errors import MissingTeacher

STUDENT = "student"
LLM = "llm"
"""Keys of teachers, by which requests name them."""

_VERSION = version("spanbridge-gateway")  # Read once: it is parsed from a file.
_WAYS = {
    STUDENT: "set SPANBRIDGE_NER_TEACHER_STUDENT to ctranslate2:PATH of a student, as `spanbridge distill` makes one",
    LLM: "set SPANBRIDGE_NER_TEACHER_LLM_URL and SPANBRIDGE_NER_TEACHER_LLM_MODEL to an OpenAI-compatible endpoint",
}


@dataclass(frozen=True, slots=True)
class Infos:
    """What each service says of itself."""

    translation: TranslationInfo
    alignment: AlignmentInfo
    projection: ProjectionInfo
    ner_teacher: NerInfo

    def gives_probabilities(self, lang: str) -> bool:
        """Say whether a teacher gives label probabilities for sentences of this language."""
        return any(each.probabilities and each.role in UNNAMED_ROLES and _serves(each, lang) for each in self._teachers)

    def labels_itself(self, lang: str, key: str | None = None) -> bool:
        """Say whether a teacher labels sentences of this language: that of a key, or the one asked without a key."""
        return any(
            (each.role in UNNAMED_ROLES if key is None else each.key == key) and _serves(each, lang)
            for each in self._teachers
        )

    @property
    def _teachers(self) -> list[TeacherInfo]:
        return self.ner_teacher.teachers

    def require_teacher(self, key: str, lang: str) -> None:
        """Raise `MissingTeacher`, which says what to do, where no teacher of this key labels the language."""
        if self.labels_itself(lang, key):
            return
        teachers = {each.key: each for each in self._teachers}
        if key in teachers:
            raise MissingTeacher(
                f"the teacher {key!r} doesn't serve {lang}; it serves {', '.join(sorted(teachers[key].languages))}"
            )
        ways = f"; {_WAYS[key]}" if key in _WAYS else ""
        raise MissingTeacher(f"no teacher {key[:40]!r} is configured; there are {', '.join(teachers)}{ways}")

    @property
    def labels(self) -> frozenset[str]:
        """The labels that some teacher gives."""
        return frozenset(label for teacher in self._teachers for label in teacher.labels)

    @property
    def model_version(self) -> str:
        """One string that changes whenever a model or this code does."""
        parts = (self.translation, self.ner_teacher, self.alignment)
        return ":".join([f"spanbridge-{_VERSION}", *(part.model_version for part in parts)])

    def are_named(self, answered: Iterable[tuple[str, str]]) -> bool:
        """Say whether `model_version` names the models of answers, each given with its service."""
        infos = {"translation": self.translation, "ner_teacher": self.ner_teacher, "alignment": self.alignment}
        return all(_models(models) <= _models(infos[service].model_version) for service, models in answered)


def _models(model_version: str) -> set[str]:
    # Of several teachers, or of two that are joined by "+", an answer may be one's alone.
    return set(model_version.replace("+", ":").split(":"))


def _serves(teacher: TeacherInfo, lang: str) -> bool:
    return not {lang, ANY_LANGUAGE}.isdisjoint(teacher.languages)
