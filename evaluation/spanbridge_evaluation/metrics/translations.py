"""Translation scores by sacrebleu, with the signatures that say how they were made."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TranslationScores:
    """`bleu` and `chrf` in [0, 100]; `signatures` by score."""

    bleu: float
    chrf: float
    signatures: dict[str, str]


def translation_scores(hypotheses: Sequence[str], references: Sequence[str]) -> TranslationScores:
    """Return the corpus scores of hypotheses against one reference each."""
    from sacrebleu.metrics import BLEU, CHRF

    bleu, chrf = BLEU(), CHRF()
    scores = [float(metric.corpus_score(list(hypotheses), [list(references)]).score) for metric in (bleu, chrf)]
    signatures = {"bleu": str(bleu.get_signature()), "chrf": str(chrf.get_signature())}
    return TranslationScores(scores[0], scores[1], signatures)


def sentence_chrf(hypothesis: str, reference: str) -> float:
    """Return one sentence's chrF in [0, 100]."""
    from sacrebleu.metrics import CHRF

    return float(CHRF().sentence_score(hypothesis, [reference]).score)
