"""What can be had for a language: which methods serve it, and how the list of languages says so."""

from spanbridge_gateway.core.methods import Method
from spanbridge_gateway.infos import STUDENT, Infos
from spanbridge_shared.contracts.gateway import LanguageInfo
from spanbridge_shared.text.languages import ENGLISH, languages

_MIN_MEMBERS = 2


def methods_for(lang: str, infos: Infos, *, sourced: bool = False) -> list[Method]:
    """Return the methods that label text of a language; `sourced` sentences bring their own English side.

    The ensemble is among them where it has two members or more: with one it is that one.
    """
    bridged = sourced or lang in (ENGLISH, *infos.translation.routes)
    transferred, studied = infos.labels_itself(lang), infos.labels_itself(lang, STUDENT)
    served = {
        Method.CANDIDATES: bridged,
        Method.HEURISTIC: bridged,
        Method.TRANSFER: transferred,
        Method.STUDENT: studied,
        Method.ENSEMBLE: bridged + transferred + studied >= _MIN_MEMBERS,
    }
    return [method for method, is_served in served.items() if is_served]


def served_languages(infos: Infos) -> list[LanguageInfo]:
    """Return the languages that can be labelled from text alone, by code, and how."""
    routes: dict[str, list[str]] = {ENGLISH: []} | {
        code: route[:-1] for code, route in infos.translation.routes.items()
    }
    taught = {code for teacher in infos.ner_teacher.teachers for code in teacher.languages}
    return [
        LanguageInfo(
            code=code,
            name=languages()[code].name,
            aliases=[*languages()[code].aliases, languages()[code].iso639_3],
            via=routes.get(code, []),
            methods=[method.value for method in methods_for(code, infos)],
        )
        for code in sorted({*routes, *(taught & languages().keys())})
    ]
