"""Between INCEpTION's messages and sentences with entities. Pure, but slow: megabytes of XML take seconds.

cassis turns UTF-16 offsets into code points as it reads, and back as it writes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cassis import Cas, load_cas_from_xmi, load_typesystem
from cassis.typesystem import TYPE_NAME_ANNOTATION, Type, TypeNotFoundError
from lxml import etree

from spanbridge_gateway.integrations.inception.messages import Metadata, PredictionRequest, Tagset
from spanbridge_gateway.integrations.inception.xml_checks import check_type_system, check_xmi
from spanbridge_shared.contracts.gateway import Entity
from spanbridge_shared.errors import InvalidRequest
from spanbridge_shared.text.offsets import char_span, token_span
from spanbridge_shared.text.sentences import trim
from spanbridge_shared.text.spans import Span

SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"
TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
PREDICTED = "inception_internal_predicted"
_STRING, _STRINGS = "uima.cas.String", "uima.cas.StringArray"
_ANCHORS = ("characters", "tokens", "singleToken")
_FAULTS = (
    ArithmeticError, AttributeError, LookupError, RuntimeError, SyntaxError, TypeError, ValueError,
    TypeNotFoundError, etree.LxmlError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A document to label: its CAS, and the code-point spans of its sentences and tokens, in order."""

    cas: Cas
    metadata: Metadata
    sentences: list[Span]
    tokens: list[Span]
    tags: dict[str, str]

    @property
    def texts(self) -> list[str]:
        """The sentences' texts."""
        text: str = self.cas.sofa_string
        return [text[span.start : span.end] for span in self.sentences]


@dataclass(frozen=True, slots=True)
class Prediction:
    """An annotation to add, in code points of the document."""

    span: Span
    label: str
    score: float
    explanation: str


def read_case(request: PredictionRequest) -> Case:
    """Read the document of a request; raises `InvalidRequest`, which says what is wrong with it."""
    cas = _load(request)
    metadata = request.metadata
    _check_layer(cas, metadata)
    text: str = cas.sofa_string or ""
    sentences = _annotated(cas, SENTENCE) or _lines(text)
    if metadata.range is not None:
        wanted = Span(_code_points(text, metadata.range.begin), _code_points(text, metadata.range.end))
        sentences = [each for each in sentences if each.overlaps(wanted)]
    trimmed = [trim(text, each) for each in sentences]
    return Case(cas, metadata, [each for each in trimmed if each], _annotated(cas, TOKEN), _tags(request))


def predictions(case: Case, results: Iterable[tuple[Span, Sequence[Entity]]], explanation: str) -> list[Prediction]:
    """Return what to add for each labelled sentence, as the layer wants its annotations anchored.

    Where two cover the same token after that, the one with the higher score stays.
    """
    found: list[Prediction] = []
    for sentence, entities in results:
        for entity in entities:
            span = Span(entity.start, entity.end).shifted(sentence.start)
            label = case.tags.get(entity.label) or case.tags.get(entity.label.lower(), entity.label)
            found += [Prediction(each, label, entity.score, explanation) for each in _anchored(case, span)]
    kept: list[Prediction] = []
    ends = -1
    for each in sorted(found, key=lambda one: (one.span, -one.score)):
        if each.span.start >= ends:
            kept.append(each)
            ends = each.span.end
        elif each.score > kept[-1].score:
            kept[-1] = each
            ends = each.span.end
    return kept


def write_case(case: Case, found: Iterable[Prediction]) -> str:
    """Return the document's XMI with the predictions added.

    Features that mark a prediction are set where the type has them, which in INCEpTION's requests it does.
    """
    metadata = case.metadata
    type_: Type = case.cas.typesystem.get_type(metadata.layer)
    feature = type_.get_feature(metadata.feature)
    strings = case.cas.typesystem.get_type(_STRINGS)
    for each in found:
        value = each.label if feature.rangeType.name == _STRING else strings(elements=[each.label])
        extra = {
            PREDICTED: True,
            f"{metadata.feature}_score": round(each.score, 6),
            f"{metadata.feature}_score_explanation": each.explanation,
        }
        fields = {key: given for key, given in extra.items() if type_.get_feature(key) is not None}
        case.cas.add(type_(begin=each.span.start, end=each.span.end, **{metadata.feature: value}, **fields))
    try:
        xmi: str = case.cas.to_xmi()
    except _FAULTS as fault:
        raise InvalidRequest(f"document.xmi can't be written again: {str(fault)[:200]}") from fault
    return xmi


def _load(request: PredictionRequest) -> Cas:
    check_type_system(request.typeSystem)
    check_xmi(request.document.xmi)
    try:
        types = load_typesystem(request.typeSystem)
    except _FAULTS as fault:
        raise InvalidRequest(f"typeSystem can't be read: {_told(fault)}") from fault
    try:
        return load_cas_from_xmi(request.document.xmi, typesystem=types)
    except _FAULTS as fault:
        raise InvalidRequest(f"document.xmi doesn't fit its typeSystem: {_told(fault)}") from fault


def _told(fault: Exception) -> str:
    return f"{type(fault).__name__}: {str(getattr(fault, 'message', fault))[:200]}"


def _check_layer(cas: Cas, metadata: Metadata) -> None:
    types = cas.typesystem
    if not types.contains_type(metadata.layer, match_exactly=True):
        raise InvalidRequest(f"typeSystem has no layer {metadata.layer[:100]!r}, which metadata.layer names")
    if not types.is_instance_of(metadata.layer, TYPE_NAME_ANNOTATION):
        raise InvalidRequest(f"layer {metadata.layer} isn't a span layer: its type is no uima.tcas.Annotation")
    feature = types.get_type(metadata.layer).get_feature(metadata.feature)
    if feature is None:
        raise InvalidRequest(f"layer {metadata.layer} has no feature {metadata.feature[:100]!r}")
    if feature.rangeType.name not in (_STRING, _STRINGS):
        raise InvalidRequest(f"feature {metadata.feature!r} holds {feature.rangeType.name}; labels need a String")
    if metadata.anchoringMode not in _ANCHORS:
        raise InvalidRequest(
            f"a layer anchored to {metadata.anchoringMode[:40]!r} can't hold names; choose one of {', '.join(_ANCHORS)}"
        )


def _annotated(cas: Cas, name: str) -> list[Span]:
    """Return the spans of a type's annotations, in order, less those that are empty or overlap an earlier one."""
    if not cas.typesystem.contains_type(name, match_exactly=True):
        return []
    spans: list[Span] = []
    anchored = [each for each in cas.select(name) if each.begin is not None and each.end is not None]
    for begin, end in sorted((each.begin, each.end) for each in anchored):
        if begin < end and (not spans or begin >= spans[-1].end):
            spans.append(Span(begin, end))
    return spans


def _lines(text: str) -> list[Span]:
    """Return the lines of a text: a document without sentences is labelled a line at a time."""
    spans, place = [], 0
    for line in text.splitlines(keepends=True):
        spans.append(Span(place, place + len(line)))
        place += len(line)
    return spans


def _code_points(text: str, utf16: int) -> int:
    """Return where a UTF-16 offset is in code points; outside the text, its nearer end."""
    return len(text.encode("utf-16-le")[: 2 * max(0, utf16)].decode("utf-16-le", "ignore"))


def _tags(request: PredictionRequest) -> dict[str, str]:
    """Return how the feature's own tags are written, by themselves and by their lower case."""
    metadata = request.metadata

    def is_for_it(tagset: Tagset) -> bool:
        return not tagset.targets or any(
            each.layer in (None, metadata.layer) and each.feature in (None, metadata.feature) for each in tagset.targets
        )

    found = [tag.tag for tagset in request.tagsets or [] if is_for_it(tagset) for tag in tagset.tags]
    return {tag.lower(): tag for tag in reversed(found)} | {tag: tag for tag in found}


def _anchored(case: Case, span: Span) -> list[Span]:
    """Return the span as the layer may hold it: as it is, widened to whole tokens, or one per token."""
    if case.metadata.anchoringMode == "characters" or not case.tokens:
        return [span]
    words = token_span(span, case.tokens)
    if words is None:
        return []
    if case.metadata.anchoringMode == "singleToken":
        return case.tokens[words.start : words.end]
    return [char_span(words, case.tokens)]
