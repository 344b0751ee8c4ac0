"""The use case of comparing: the same sentences by several methods, one after the other."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from spanbridge_gateway.core.methods import Method
from spanbridge_gateway.core.taking import raw_text
from spanbridge_gateway.infos import LLM, Infos
from spanbridge_gateway.offers import methods_for
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_gateway.planning import read_language
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.compare import (
    LLM_METHOD,
    ComparedSentence,
    CompareRequest,
    CompareResponse,
    MethodAnswer,
)
from spanbridge_shared.contracts.gateway import UNDETERMINED, ProjectSentencesRequest, SentenceResult
from spanbridge_shared.errors import (
    ClientLeft,
    DeadlineExceeded,
    NotReady,
    Overloaded,
    SpanbridgeError,
    UnknownLabel,
    UnknownMethod,
    UnknownOption,
)
from spanbridge_shared.serving.service_app import error_body
from spanbridge_shared.text.checks import replace_surrogates

_ORDER = (Method.TRANSFER, Method.HEURISTIC, Method.CANDIDATES, Method.STUDENT, Method.ENSEMBLE, LLM_METHOD)
_SHOWING = (Method.CANDIDATES, Method.HEURISTIC, Method.ENSEMBLE)
"""Whose translation and alignment are shown, the first of these that has one."""
_OF_THE_REQUEST = (UnknownMethod, UnknownOption, UnknownLabel, Overloaded, NotReady, DeadlineExceeded, ClientLeft)
"""Faults that aren't one method's: they fail the comparison. All others are that method's answer."""


async def compare(
    pipeline: Pipeline, request: CompareRequest, has_left: Callable[[], Awaitable[bool]]
) -> CompareResponse:
    """Label the sentences by each method; raises for faults of the request as a whole.

    One after the other, so that no method's timings tell of another's work.
    """
    infos = await pipeline.upstreams.infos()
    lang = read_language(request.lang, request.sentences, infos)
    names = _names(request, lang, infos)
    answers: dict[str, Sequence[SentenceResult] | ErrorBody] = {}
    version = infos.model_version
    for name in names:
        try:
            answer = await pipeline.project(_request(request, name, lang), has_left)
            answers[name] = answer.results
            # That of the ensemble says all that the others' does, and its calibration.
            version = max(version, answer.model_version, key=len)
        except _OF_THE_REQUEST:
            raise
        except SpanbridgeError as fault:
            answers[name] = error_body(fault)
    results = [_compared(request, place, lang, answers) for place in range(len(request.sentences))]
    return CompareResponse(model_version=version, methods=names, results=results)


def _names(request: CompareRequest, lang: str, infos: Infos) -> list[str]:
    known = ", ".join(_ORDER)
    for name in [*(request.methods or []), *request.options]:
        if name not in _ORDER:
            raise UnknownMethod(f"no method is called {name!r}; there are {known}")
    if request.methods is not None:
        return [name for name in map(str, _ORDER) if name in request.methods]
    sourced = any(sentence.source is not None for sentence in request.sentences)
    served: list[str] = [method.value for method in methods_for(lang, infos, sourced=sourced)]
    if infos.labels_itself(lang, LLM):
        served.append(LLM_METHOD)
    # Where nothing serves the language, the method that most languages have says so.
    return [name for name in map(str, _ORDER) if name in served] or [Method.CANDIDATES.value]


def _request(request: CompareRequest, name: str, lang: str) -> ProjectSentencesRequest:
    options = request.options.get(name, {})
    if name == LLM_METHOD:
        name, options = Method.TRANSFER.value, {**options, "teacher": LLM}
    asked = ProjectSentencesRequest(
        sentences=request.sentences,
        lang=request.lang if lang == UNDETERMINED else lang,
        method=name,
        options=options,
        include=["tokens", "translation", "alignment", "scores"],
    )
    if "labels" in request.model_fields_set:
        asked = asked.model_copy(update={"labels": request.labels})
    return asked


def _compared(
    request: CompareRequest, place: int, lang: str, answers: Mapping[str, Sequence[SentenceResult] | ErrorBody]
) -> ComparedSentence:
    found = {name: each[place] for name, each in answers.items() if not isinstance(each, ErrorBody)}
    shown = [found[name] for name in _SHOWING if name in found]
    sentence = request.sentences[place]
    some = next(iter(found.values()), None)
    return ComparedSentence(
        id=str(place) if sentence.id is None else sentence.id,
        text=replace_surrogates(raw_text(sentence)) if some is None else some.text,
        lang=lang,
        tokens=next((each.tokens for each in found.values() if each.tokens is not None), None),
        translation=next((each.translation for each in shown if each.translation is not None), None),
        alignment=next((each.alignment for each in shown if each.alignment is not None), None),
        answers={name: _answer(each, place) for name, each in answers.items()},
    )


def _answer(given: Sequence[SentenceResult] | ErrorBody, place: int) -> MethodAnswer:
    if isinstance(given, ErrorBody):
        return MethodAnswer(error=given)
    result = given[place]
    return MethodAnswer(
        entities=result.entities,
        tags=result.tags,
        timings_ms=result.timings_ms,
        cached=result.cached,
        member_errors=result.member_errors,
        error=result.error,
    )
