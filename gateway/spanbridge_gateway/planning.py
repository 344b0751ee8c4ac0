"""What a request as a whole asks for, checked: its language, its method's options, its labels."""

from collections.abc import Sequence
from dataclasses import dataclass

from spanbridge_gateway.core.methods import (
    AnyOptions,
    SingleOptions,
    find_method,
    read_options,
    without_probabilities,
)
from spanbridge_gateway.core.taking import is_sound, raw_text
from spanbridge_gateway.detection import detect_language
from spanbridge_gateway.infos import Infos
from spanbridge_shared.contracts.gateway import UNDETERMINED, ProjectSentencesRequest, Sentence
from spanbridge_shared.errors import UnknownLabel
from spanbridge_shared.text.languages import ENGLISH, resolve_language

AUTO = "auto"
_OUTSIDE = "O"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every method is told of a request: `lang` is a FLORES code."""

    lang: str
    labels: frozenset[str]
    include: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A request for one method that labels by itself."""

    envelope: Envelope
    options: SingleOptions

    @property
    def lang(self) -> str:
        """The sentences' language."""
        return self.envelope.lang


def read_envelope(request: ProjectSentencesRequest, infos: Infos) -> Envelope:
    """Return what a request asks for beside its method; raises `RequestError` where it can't be had."""
    return Envelope(
        lang=read_language(request.lang, request.sentences, infos),
        labels=_labels(request, infos),
        include=frozenset(request.include),
    )


def options_of(request: ProjectSentencesRequest) -> AnyOptions:
    """Return the options of a request's method; raises `UnknownMethod` and `UnknownOption`."""
    return read_options(find_method(request.method), request.options)


def make_plan(envelope: Envelope, options: SingleOptions, infos: Infos) -> Plan:
    """Return the plan of a method, without what no teacher can give for the language."""
    given = infos.gives_probabilities(envelope.lang)
    return Plan(envelope, options if given else without_probabilities(options))


def read_language(lang: str, sentences: Sequence[Sentence], infos: Infos) -> str:
    """Return the FLORES code of a request's language, detected in its sentences where it is `auto`.

    Raises `UnknownLanguage` and `LanguageUndetermined`.
    """
    if lang.lower() != AUTO:
        return resolve_language(lang)
    texts = [raw_text(sentence) for sentence in sentences if is_sound(sentence)]
    # With nothing sound to detect a language in, each sentence's own error says more than a refused request.
    return detect_language(texts, sorted({*infos.translation.routes, ENGLISH})) if texts else UNDETERMINED


def _labels(request: ProjectSentencesRequest, infos: Infos) -> frozenset[str]:
    if "labels" not in request.model_fields_set:
        return frozenset(request.labels)  # What nobody asked for need not be given.
    known = infos.labels
    given = {each.label for s in request.sentences if s.source is not None for each in s.source.entities or []}
    for label in request.labels:
        if label not in known | given or label == _OUTSIDE:
            raise UnknownLabel(f"no teacher gives the label {label[:40]!r}; there are {', '.join(sorted(known))}")
    return frozenset(request.labels)
