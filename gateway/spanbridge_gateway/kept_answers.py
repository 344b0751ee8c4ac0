"""Answers that were given before: the same sentence, asked the same way, is labelled once.

The services keep translations, alignments and labels, each for itself; a sentence whose answer is here as a whole costs
no call to any of them. What an answer depends on is in its key: the models' versions, the method with its options, the
labels and what is to be shown, the language, and the sentence as it was sent.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence

from spanbridge_gateway.core.assembly import failed
from spanbridge_gateway.core.methods import AnyOptions
from spanbridge_gateway.core.taking import raw_text
from spanbridge_gateway.planning import Envelope
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_shared.contracts.base import WireModel
from spanbridge_shared.contracts.gateway import Cached, Sentence, SentenceResult
from spanbridge_shared.errors import SpanbridgeError
from spanbridge_shared.serving.cache import Answer, ResultCache, cache_key, open_cache
from spanbridge_shared.serving.telemetry import REQUEST_ID

_SERVICE = "gateway"


class KeptAnswer(WireModel):
    """An answer, whether the sentence was translated and aligned for it, and whether its key names its models."""

    result: SentenceResult
    translated: bool
    aligned: bool
    by_named_models: bool


Compute = Callable[[Sequence[Sentence]], Awaitable[Sequence[KeptAnswer | SpanbridgeError]]]


class KeptAnswers:
    """The gateway's own cache."""

    def __init__(self, settings: GatewaySettings) -> None:
        cache = open_cache(settings, service=_SERVICE)
        self._cache = ResultCache(cache, KeptAnswer, service=_SERVICE, keep=_is_final)

    async def close(self) -> None:
        """Let go of the cache's connections."""
        await self._cache.close()

    async def results(
        self, sentences: Sequence[Sentence], ids: Sequence[str | int], lang: str, asked: str, compute: Compute
    ) -> list[SentenceResult]:
        """Return a result per sentence, under its id; `compute` gets those that have no answer yet, each once.

        `asked` says how they are to be labelled: `how_asked`.
        """

        async def missing(places: list[int]) -> Sequence[KeptAnswer | SpanbridgeError]:
            return await compute([sentences[place] for place in places])

        answers = await self._cache.get_or_compute([_key(asked, each) for each in sentences], missing)
        return [
            _result(sentence, identifier, lang, answer)
            for sentence, identifier, answer in zip(sentences, ids, answers, strict=True)
        ]


def how_asked(version: str, method: str, options: AnyOptions, envelope: Envelope) -> str:
    """Return one string for all that an answer depends on beside its sentence."""
    return json.dumps(
        [
            version,
            method,
            options.model_dump(mode="json"),
            sorted(envelope.labels),
            sorted(envelope.include),
            envelope.lang,
        ]
    )


def _is_final(answer: KeptAnswer) -> bool:
    # Where a member of an ensemble failed, it may answer the next time.
    return answer.by_named_models and answer.result.member_errors is None


def _key(asked: str, sentence: Sentence) -> str:
    # As escaped JSON, which the key's NFC leaves alone: answers hold the text itself, and offsets into it.
    return cache_key(asked, json.dumps(sentence.model_dump(exclude={"id"}), sort_keys=True))


def _result(sentence: Sentence, identifier: str | int, lang: str, answer: Answer[KeptAnswer]) -> SentenceResult:
    if isinstance(answer.value, SpanbridgeError):
        return failed(identifier, raw_text(sentence), lang, answer.value, REQUEST_ID.get())
    update: Mapping[str, object] = {"id": identifier}
    if answer.cached:
        kept = Cached(translation=answer.value.translated, alignment=answer.value.aligned)
        update = {**update, "cached": kept, "timings_ms": {}}
    return answer.value.result.model_copy(update=update)
