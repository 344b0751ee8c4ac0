"""The methods that `spanbridge compare` sets beside each other, as a request gets them that names nothing more."""

from collections.abc import Sequence

from spanbridge_evaluation.running.comparisons import CANDIDATES, ENSEMBLE, HEURISTIC, STUDENT, TRANSFER, Preset
from spanbridge_shared.contracts.options import Member
from spanbridge_shared.contracts.projection import Score
from spanbridge_shared.errors import UnknownMethod

LLM = "llm"
FUSED = "candidates-fused"

CONTENDERS = (
    Preset(TRANSFER, TRANSFER, "a multilingual teacher labels the sentence itself"),
    Preset(HEURISTIC, HEURISTIC, "translated; runs of words aligned with each English entity"),
    Preset("candidates-align", CANDIDATES, "translated; candidate spans, align score", {"score": Score.ALIGN.value}),
    Preset("candidates-ner", CANDIDATES, "translated; candidate spans, ner score", {"score": Score.NER.value}),
    Preset(FUSED, CANDIDATES, "translated; candidate spans, both scores: the default"),
    Preset(STUDENT, STUDENT, "a student distilled from the others labels the sentence itself"),
    Preset(ENSEMBLE, ENSEMBLE, "candidates, transfer and student, merged by calibrated scores"),
    Preset(LLM, TRANSFER, "a large language model labels the sentence itself", {"teacher": LLM}),
)
NAMED_ONLY = (
    Preset("candidates-ner-spans", CANDIDATES, "candidate spans, ner score of any label",
           {"score": Score.NER_SPANS.value}),
    Preset("candidates-nmt", CANDIDATES, "candidate spans, nmt score", {"score": Score.NMT.value}),
)  # fmt: skip
"""Run only where they are named: nmt scores take minutes for what others do in seconds."""

MEMBERS = {Member.CANDIDATES: FUSED, Member.STUDENT: STUDENT, Member.TRANSFER: TRANSFER}
"""What an ensemble's members are called here."""


def chosen_contenders(names: Sequence[str]) -> list[Preset]:
    """Return the contenders of these names, in their order, or else all that need not be named.

    Raises `UnknownMethod`, which lists them.
    """
    known = {each.name: each for each in (*CONTENDERS, *NAMED_ONLY)}
    if unknown := [name for name in names if name not in known]:
        raise UnknownMethod(f"nothing to compare is called {unknown[0][:40]!r}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(CONTENDERS)
