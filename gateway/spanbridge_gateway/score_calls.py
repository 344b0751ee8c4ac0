"""Calls to `/v1/score`: each probability that a chunk of sentences asks for once, in as few calls as there can be."""

import math
from collections.abc import Iterable

from spanbridge_gateway.core.nmt_scores import Known, Part, Question
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.clients.transport import raised
from spanbridge_shared.contracts.base import MAX_ITEMS
from spanbridge_shared.contracts.translation import ScoreRequest, TargetScore, TranslationInfo
from spanbridge_shared.errors import EmptyText, SpanbridgeError, UnsupportedLanguage
from spanbridge_shared.text.languages import ENGLISH


def check_directions(lang: str, info: TranslationInfo) -> None:
    """Raise `UnsupportedLanguage` where the model can't translate between a language and English both ways."""
    if not (_leads(lang, ENGLISH, info) and _leads(ENGLISH, lang, info)):
        raise UnsupportedLanguage(
            f"nmt scores compare entities and spans by translating both ways, and the translation model doesn't lead "
            f"both from {lang} to {ENGLISH} and back; choose another score, or a model that serves both directions"
        )


def _leads(start: str, end: str, info: TranslationInfo) -> bool:
    if not info.pairs:
        return {start, end} <= set(info.languages)
    reached, edge = {start}, {start}
    while edge:
        edge = {target for source, target in info.pairs if source in edge} - reached
        reached |= edge
    return end in reached and start in info.languages


class ScoreCalls:
    """Asks the translation service; what has been asked for is remembered."""

    def __init__(self, upstreams: Upstreams, lang: str) -> None:
        self._upstreams = upstreams
        self._languages = {
            Part.ENTITY: (lang, ENGLISH),
            Part.CANDIDATE: (ENGLISH, lang),
            Part.ENTITY_ITSELF: (ENGLISH, ENGLISH),
            Part.CANDIDATE_ITSELF: (lang, lang),
        }
        self.answers: dict[Question, Known | SpanbridgeError] = {}

    async def ask(self, questions: Iterable[Question]) -> None:
        """Fill `answers`; raises as the client does where the service can't be asked."""
        missing = [each for each in dict.fromkeys(questions) if each not in self.answers]
        for part in Part:
            asked = [each for each in missing if each.part is part]
            for start in range(0, len(asked), MAX_ITEMS):
                await self._call(part, asked[start : start + MAX_ITEMS])

    async def _call(self, part: Part, asked: list[Question]) -> None:
        given, wanted = self._languages[part]
        request = ScoreRequest(
            sources=[each.given for each in asked],
            targets=[each.wanted for each in asked],
            prefixes=[list(each.prefixes) for each in asked],
            source_lang=given,
            target_lang=wanted,
        )
        answer = await self._upstreams.translation.score(request)
        self.answers |= {
            question: _known(question, score) for question, score in zip(asked, answer.scores, strict=True)
        }


def _known(question: Question, score: TargetScore) -> Known | SpanbridgeError:
    nothing = (1.0,) * len(question.prefixes)
    if score.error is not None:
        fault = raised(score.error)
        if not isinstance(fault, EmptyText):
            return fault
        # A text without a character that the model can read is no translation of anything; divided by itself it is 0.
        return Known(float(question.part in (Part.ENTITY_ITSELF, Part.CANDIDATE_ITSELF)), nothing)
    if score.score is None:
        raise RuntimeError("a score that is neither a number nor an error")
    bounds = tuple(1.0 if each is None else math.exp(each) for each in score.bounds)
    return Known(math.exp(score.score), bounds or nothing)
