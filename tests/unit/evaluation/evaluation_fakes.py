"""A client without models: every capitalised word is a person, links are diagonal, and a text is its translation."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from spanbridge.async_client import Projection
from spanbridge_shared.contracts.alignment import Alignment
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.gateway import (
    Entity,
    MethodInfo,
    OptionInfo,
    Sentence,
    SentenceResult,
    ShownAlignment,
    ShownTranslation,
)
from spanbridge_shared.contracts.ner import NerEntity, NerResult
from spanbridge_shared.contracts.translation import Hypothesis, Translation
from spanbridge_shared.errors import MissingTeacher, UnsupportedLanguage, UpstreamFailed
from spanbridge_shared.text.bio import LabelledSpan, tags_of
from spanbridge_shared.text.offsets import char_span
from spanbridge_shared.text.spans import Span
from spanbridge_shared.text.tokenization import join_tokens


class FakeClient:
    """`fail_at` is the number of the call, probes not counted, that fails; a token `BAD` fails its sentence."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.model_version = "fake-1"
        self.fail_at: int | None = None
        self.interrupt_at: int | None = None
        self.max_words = 100

    def _count(self, **call: Any) -> None:
        self.calls.append(call)
        if self.fail_at == len(self.calls):
            raise UpstreamFailed("translation can't be reached")
        if self.interrupt_at == len(self.calls):
            raise KeyboardInterrupt

    def projection(
        self,
        sentences: Sequence[Sentence],
        lang: str,
        *,
        method: str = "candidates",
        labels: Sequence[str] = ("PER",),
        options: Mapping[str, Any] | None = None,
        include: Sequence[str] = (),
    ) -> Projection:
        probe = [each.tokens for each in sentences] == [["-"]]
        if not probe:
            if lang == "fra_Latn":
                raise UnsupportedLanguage("the translation model doesn't serve fra_Latn")
            if method == "transfer":
                raise MissingTeacher(f"no configured teacher labels {lang}")
            self._count(
                sentences=list(sentences), lang=lang, method=method, labels=list(labels), options=dict(options or {}),
                include=list(include),
            )  # fmt: skip
        return Projection([result(each, lang, labels, include) for each in sentences], self.model_version)

    def align(self, pairs: Sequence[Any], **call: Any) -> list[Alignment]:
        self._count(pairs=list(pairs), **call)
        return [Alignment(links=[(n, n, 0.4) for n in range(min(len(s), len(t)))]) for s, t in pairs]

    def translate(self, texts: Sequence[str], source_lang: str, **call: Any) -> list[Translation]:
        self._count(texts=list(texts), lang=source_lang, **call)
        long = Translation(error=ErrorBody(error="TextTooLong", detail="too long"))
        return [
            Translation(hypotheses=[Hypothesis(text=text, score=-0.1)]) if len(text.split()) <= self.max_words else long
            for text in texts
        ]

    def ner(self, sentences: Sequence[str], lang: str) -> list[NerResult]:
        return [NerResult(entities=[NerEntity(start=0, end=1, text=s[:1], label="PER", score=1)]) for s in sentences]

    def labels(self) -> list[str]:
        return ["LOC", "ORG", "PER"]

    def methods(self) -> list[MethodInfo]:
        linking = [_option("one_sided_weight", 0.4), _option("align_method", "argmax", "argmax"),
                   _option("trim_source", False), _option("punctuation_links", True)]  # fmt: skip
        spans = [_option("candidates", "ngram", "ngram"), _option("score", "align", "align"),
                 _option("solver", "exact", "greedy", "exact"), _option("min_score", 0.0),
                 _option("score_power", 1.0)]  # fmt: skip
        return [
            MethodInfo(name="candidates", description="Spans.", options=[*spans, *linking]),
            MethodInfo(
                name="heuristic",
                description="Runs.",
                options=[_option("max_gap", 1), _option("max_runs", None), _option("min_ratio", 0.8), *linking],
            ),
            MethodInfo(name="transfer", description="None.", options=[]),
        ]


def _option(name: str, default: Any, *choices: str) -> OptionInfo:
    kind = "string" if choices else "number"
    return OptionInfo(name=name, type=kind, default=default, description="How.", choices=list(choices) or None)


def result(sentence: Sentence, lang: str, labels: Sequence[str], include: Sequence[str]) -> SentenceResult:
    tokens = sentence.tokens or []
    text = " ".join(tokens)
    identifier = sentence.id if sentence.id is not None else "0"
    if "BAD" in tokens:
        error = ErrorBody(error="InvalidTokens", detail="token BAD is bad")
        return SentenceResult(id=identifier, text=text, lang=lang, entities=[], error=error)
    if sentence.source is not None:
        spans = [LabelledSpan(Span(e.start, e.end), e.label) for e in sentence.source.entities or []]
    else:
        spans = [LabelledSpan(Span(n, n + 1), "PER") for n, token in enumerate(tokens) if token[:1].isupper()]
    spans = [each for each in spans if each.label in labels and each.span.end <= len(tokens)]
    shown: dict[str, Any] = {}
    if "tokens" in include:
        shown = {"tokens": tokens, "tags": tags_of(spans, len(tokens))}
    if "alignment" in include:
        links = [(n, n, 1.0) for n in range(len(tokens))]
        shown["alignment"] = ShownAlignment(source_tokens=tokens, target_tokens=tokens, links=links)
        shown["translation"] = ShownTranslation(text=text, lang="eng_Latn", score=-0.5)
    entities = [entity(each, tokens) for each in spans]
    return SentenceResult(id=identifier, text=text, lang=lang, entities=entities, **shown, error=None)


def entity(found: LabelledSpan, tokens: Sequence[str], score: float = 0.9) -> Entity:
    text, offsets = join_tokens(tokens)
    place = char_span(found.span, offsets)
    return Entity(start=place.start, end=place.end, text=text[slice(*place)], label=found.label, score=score)


@contextmanager
def opened(client: FakeClient) -> Iterator[FakeClient]:
    yield client
