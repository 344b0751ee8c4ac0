"""Calls to the model: across requests in batches, by length class, and one after the other along a route."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from spanbridge_shared.errors import EmptyText, SpanbridgeError
from spanbridge_shared.serving.batching import Batcher
from spanbridge_translation.backends.base import Decoded, Decoding, TranslationBackend
from spanbridge_translation.core.limits import decoding_limit, length_class
from spanbridge_translation.core.reading import Pieces, attempt, past_faults, read_text
from spanbridge_translation.settings import TranslationSettings

SERVICE = "translation"
_PIVOT_BEAM = 4


@dataclass(frozen=True, slots=True)
class Arrival:
    """A text at its target: the pieces that the last hop started from, and what came out."""

    source: Pieces
    hypotheses: list[Decoded]


@dataclass(frozen=True, slots=True)
class _Scoring:
    """The group of pairs that one model call scores."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class _Scored:
    """The log-probabilities of one target's tokens, the end token's last."""

    log_probs: list[float]


_Pair = tuple[Pieces, Pieces]
_Outcome = list[Decoded] | _Scored


class Hops:
    """The queue in front of one model; a route is the languages passed, target last."""

    def __init__(self, model: TranslationBackend, settings: TranslationSettings) -> None:
        self._model = model
        self._queue: Batcher[_Pair, _Outcome, Decoding | _Scoring] = Batcher(
            self._run,
            lambda pair: max(map(len, pair)) + 2,
            service=SERVICE,
            max_batch_tokens=settings.max_batch_tokens,
            max_queue=settings.max_queue,
            wait_ms=settings.batch_wait_ms,
            parallel_calls=model.parallel_calls,
        )

    def start(self) -> None:
        """Begin to serve; call it inside the event loop."""
        self._queue.start()

    async def stop(self) -> None:
        """Finish what was accepted."""
        await self._queue.stop()

    async def translate(
        self,
        source: str,
        route: Sequence[str],
        texts: Sequence[Pieces],
        *,
        beam: int,
        num_hypotheses: int,
        attention: bool,
    ) -> list[Arrival | SpanbridgeError]:
        """Translate along a route; what comes out is the last hop's; earlier ones pass their best text on."""
        start, ready = await self._last_hop(source, route, texts, beam)

        async def decode(sources: list[Pieces]) -> list[Arrival]:
            found = await self._decode(
                start, route[-1], sources, beam=beam, num_hypotheses=num_hypotheses, attention=attention
            )
            return [Arrival(*each) for each in zip(sources, found, strict=True)]

        return await past_faults(ready, decode)

    async def score(
        self, source: str, route: Sequence[str], pairs: Sequence[_Pair]
    ) -> list[list[float] | SpanbridgeError]:
        """Return each target's log-probabilities, given its source or, on a longer route, that in the last pivot.

        What is a source to many targets crosses the pivots once.
        """
        sources = list(dict.fromkeys(given for given, _ in pairs))
        start, ready = await self._last_hop(source, route, sources, _PIVOT_BEAM)
        arrived = dict(zip(sources, ready, strict=True))
        joined: list[_Pair | SpanbridgeError] = []
        for given, wanted in pairs:
            there = arrived[given]
            joined.append(there if isinstance(there, SpanbridgeError) else (there, wanted))

        async def score(batch: list[_Pair]) -> list[list[float]]:
            found = await self._queue.submit(_Scoring(start, route[-1]), batch)
            return [each.log_probs for each in found if isinstance(each, _Scored)]

        return await past_faults(joined, score)

    async def _last_hop(
        self, source: str, route: Sequence[str], texts: Sequence[Pieces], beam: int
    ) -> tuple[str, list[Pieces | SpanbridgeError]]:
        """Return the language before the target, and each text's pieces in it."""
        here, ready = source, list[Pieces | SpanbridgeError](texts)
        for there in route[:-1]:

            async def cross(
                sources: list[Pieces], start: str = here, end: str = there
            ) -> list[Pieces | SpanbridgeError]:
                found = await self._decode(start, end, sources, beam=beam, num_hypotheses=1, attention=False)
                return list(attempt(lambda each: self._reread(each, end), [best[0].text for best in found]))

            here, ready = there, await past_faults(ready, cross)
        return here, ready

    def _reread(self, text: str, language: str) -> Pieces:
        what = f"the translation into {language}, on the way,"
        if not text:
            raise EmptyText(f"{what} is empty; the model made nothing of this text")
        return read_text(text, self._model.pieces, self._model.max_source_tokens, what)

    async def _decode(
        self, source: str, target: str, texts: Sequence[Pieces], *, beam: int, num_hypotheses: int, attention: bool
    ) -> list[list[Decoded]]:
        """Translate one hop. Each length class is a group of its own, because a model call has one decoding limit."""
        classes: dict[int, list[int]] = defaultdict(list)
        for place, text in enumerate(texts):
            classes[length_class(len(text))].append(place)

        def group(length: int) -> Decoding:
            limit = decoding_limit(length, self._model.max_target_tokens)
            return Decoding(source, target, beam, num_hypotheses, limit, attention)

        found = await self._queue.submit_all(
            [(group(length), [(texts[place], ()) for place in places]) for length, places in classes.items()]
        )
        results = {
            place: result
            for places, batch in zip(classes.values(), found, strict=True)
            for place, result in zip(places, batch, strict=True)
            if isinstance(result, list)
        }
        return [results[place] for place in range(len(texts))]

    def _run(self, group: Decoding | _Scoring, pairs: list[_Pair]) -> Sequence[_Outcome]:
        if isinstance(group, Decoding):
            return self._model.translate(group, [source for source, _ in pairs])
        return [_Scored(each) for each in self._model.log_probs(group.source, group.target, pairs)]
