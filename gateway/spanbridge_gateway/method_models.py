"""Methods as `GET /v1/methods` lists them: with the labels that each gives here, and the models that it works by."""

from collections.abc import Iterable

from spanbridge_gateway.core.methods import METHODS, Method, describe
from spanbridge_gateway.infos import STUDENT, Infos
from spanbridge_shared.contracts.gateway import MethodInfo
from spanbridge_shared.contracts.ner import ANY_LANGUAGE, UNNAMED_ROLES, TeacherInfo
from spanbridge_shared.text.languages import ENGLISH

_LABELS, _PROBABILITIES = "labels", "probabilities"


def described_methods(infos: Infos) -> list[MethodInfo]:
    """Return every method; labels and models are None where a method's teacher isn't configured."""
    return [_described(describe(spec), spec.method, infos) for spec in METHODS.values()]


def _described(info: MethodInfo, method: Method, infos: Infos) -> MethodInfo:
    teachers = _teachers(method, infos)
    if not teachers:
        return info
    labels = sorted({label for teacher in teachers.values() for label in teacher.labels})
    models = {role: teacher.model_version for role, teacher in teachers.items()}
    if method not in (Method.TRANSFER, Method.STUDENT):
        models |= {"translation": infos.translation.model_version, "alignment": infos.alignment.model_version}
        if method is not Method.HEURISTIC and (seeing := _last(_direct(infos), probabilities=True)) is not None:
            models[_PROBABILITIES] = seeing.model_version
    return info.model_copy(update={"labels": labels, "models": models})


def _teachers(method: Method, infos: Infos) -> dict[str, TeacherInfo]:
    """Return the teachers that a method's labels come from, by their role in it."""
    found = {
        Method.CANDIDATES: _first(each for each in infos.ner_teacher.teachers if each.role in UNNAMED_ROLES),
        Method.TRANSFER: _last(_direct(infos)),
        Method.STUDENT: _first(each for each in infos.ner_teacher.teachers if each.key == STUDENT),
    }
    if method is not Method.ENSEMBLE:
        teacher = found[Method.CANDIDATES if method is Method.HEURISTIC else method]
        return {} if teacher is None else {_LABELS: teacher}
    roles = {Method.CANDIDATES: _LABELS, Method.TRANSFER: "transfer", Method.STUDENT: "student"}
    return {roles[member]: teacher for member, teacher in found.items() if teacher is not None}


def _direct(infos: Infos) -> list[TeacherInfo]:
    """Return the teachers that label other languages than English without being named."""
    return [
        each
        for each in infos.ner_teacher.teachers
        if each.role in UNNAMED_ROLES and (ANY_LANGUAGE in each.languages or set(each.languages) - {ENGLISH})
    ]


def _first(teachers: Iterable[TeacherInfo]) -> TeacherInfo | None:
    return next(iter(teachers), None)


def _last(teachers: list[TeacherInfo], *, probabilities: bool = False) -> TeacherInfo | None:
    return next((each for each in reversed(teachers) if each.probabilities or not probabilities), None)
