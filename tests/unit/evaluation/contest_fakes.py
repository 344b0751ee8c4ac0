"""A client without models that has every method, and an ensemble that merges as the projection service does."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from spanbridge.async_client import Projection
from spanbridge_projection.core.merging import Proposed, merge
from spanbridge_projection.intake import read_weights
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.gateway import MethodInfo, OptionInfo, Sentence, SentenceResult
from spanbridge_shared.contracts.merging import MergeParameters
from spanbridge_shared.errors import MissingTeacher, UnsupportedLanguage
from spanbridge_shared.text.bio import LabelledSpan, tags_of
from spanbridge_shared.text.spans import Span
from tests.unit.evaluation.evaluation_fakes import FakeClient, entity

MODELS = {
    "candidates": {"translation": "nmt-1-a", "labels": "teacher-1-b+small-1.0-c", "probabilities": "multi-1-d"},
    "heuristic": {"translation": "nmt-1-a", "labels": "teacher-1-b"},
    "transfer": {"labels": "multi-1-d"},
    "student": None,
    "ensemble": {"translation": "nmt-1-a", "labels": "teacher-1-b", "transfer": "multi-1-d"},
}
Scored = dict[LabelledSpan, float]


class ContestClient(FakeClient):
    """A word is found by the methods whose first letter it holds in small, c t s, and a capital makes them sure.

    So `Ct` is a person for candidates and transfer, both sure of it. `student` says whether there is one, `unbridged`
    which languages aren't translated, and the token `FAIL-t` fails its sentence for transfer alone.
    """

    def __init__(self, *, student: bool = False) -> None:
        super().__init__()
        self.student = student
        self.calibration = "calibration-1"
        self.unbridged: tuple[str, ...] = ()

    def methods(self) -> list[MethodInfo]:
        score = OptionInfo(name="score", type="string", default="fused", description="How.",
                           choices=["align", "ner", "ner_spans", "nmt", "fused"])  # fmt: skip
        teacher = OptionInfo(name="teacher", type="string", default=None, description="Who.")
        options = {"candidates": [score], "transfer": [teacher]}
        return [
            MethodInfo(
                name=name,
                description=f"{name}.",
                options=options.get(name, []),
                labels=["LOC", "PER"] if name == "transfer" else None,
                models=models,
            )
            for name, models in MODELS.items()
        ]

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
        chosen = dict(options or {})
        version = f"{self.model_version}:{self.calibration}" if method == "ensemble" else self.model_version
        if [each.tokens for each in sentences] == [["-"]]:
            return Projection([], version)
        if chosen.get("teacher") == "llm" or (method == "student" and not self.student):
            raise MissingTeacher(f"no teacher {chosen.get('teacher', method)!r} is configured")
        if method in ("candidates", "heuristic") and lang in self.unbridged:
            raise UnsupportedLanguage(f"the translation model doesn't serve {lang}")
        self._count(sentences=list(sentences), lang=lang, method=method, labels=list(labels), options=chosen)
        return Projection([self._answer(each, lang, method, chosen) for each in sentences], version)

    def _answer(self, sentence: Sentence, lang: str, method: str, options: Mapping[str, Any]) -> SentenceResult:
        time.sleep(0.001)  # Rates are of seconds with three decimals.
        tokens = sentence.tokens or []
        same: dict[str, Any] = {"id": sentence.id or "0", "text": " ".join(tokens), "lang": lang}
        if f"FAIL-{method[0]}" in tokens:
            return SentenceResult(**same, entities=[], error=ErrorBody(error="TextTooLong", detail="too long"))
        found = self._merged(tokens, options) if method == "ensemble" else proposed(tokens, method)
        entities = [entity(each, tokens, score) for each, score in found.items()]
        tags = tags_of(found, len(tokens))
        return SentenceResult(**same, entities=entities, tokens=tokens, tags=tags, error=None)

    def _merged(self, tokens: Sequence[str], options: Mapping[str, Any]) -> Scored:
        names = options.get("members") or ("candidates", "transfer", "student")
        members = [name for name in names if name != "student" or self.student]
        scores: dict[LabelledSpan, dict[str, float]] = {}
        for member in members:
            for each, score in proposed(tokens, member).items():
                scores.setdefault(each, {})[member] = score
        if "parameters" not in options:
            return dict.fromkeys(sorted(scores), 0.5)
        weights = read_weights(MergeParameters.model_validate(options["parameters"]))
        items = [Proposed(each.span, each.label, found) for each, found in scores.items()]
        kept = merge(items, weights)
        return {LabelledSpan(each.proposal.span, each.proposal.label): each.probability for each in kept}


def proposed(tokens: Sequence[str], method: str) -> Scored:
    """Return what a method finds by itself; heuristic finds what candidates does."""
    letter = "c" if method == "heuristic" else method[0]
    return {
        LabelledSpan(Span(place, place + 1), "PER"): 0.95 if token[0].isupper() else 0.6
        for place, token in enumerate(tokens)
        if letter in token.lower() and "-" not in token
    }
