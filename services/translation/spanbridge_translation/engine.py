"""The use case: read each text, look in the cache, have the model translate or score what is missing."""

import functools
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeVar

from spanbridge_shared.contracts import translation as wire
from spanbridge_shared.errors import InvalidRequest, NotReady, SentenceError, SpanbridgeError, UnsupportedLanguage
from spanbridge_shared.serving.aside import aside
from spanbridge_shared.serving.cache import ResultCache, cache_key, open_cache
from spanbridge_shared.serving.loading import load_apart
from spanbridge_shared.serving.service_app import error_body
from spanbridge_shared.text.languages import ENGLISH, resolve_language
from spanbridge_translation.backends.base import TranslationBackend
from spanbridge_translation.core.answers import target_score, translation, unchanged
from spanbridge_translation.core.reading import Pieces, attempt, past_faults, read_text
from spanbridge_translation.hops import SERVICE, Hops
from spanbridge_translation.settings import TranslationSettings

Answer = TypeVar("Answer", wire.Translation, wire.TargetScore)


@dataclass(frozen=True, slots=True)
class _Item:
    """A text, or a source and a target, as it stands in the cache key and as the model reads it."""

    texts: tuple[str, ...]
    pieces: tuple[Pieces, ...]


class TranslationEngine:
    """Serves one model; `load` opens it, in a worker thread, when the engine starts."""

    def __init__(self, settings: TranslationSettings, load: Callable[[], TranslationBackend]) -> None:
        self._settings = settings
        self._load = load
        # Apart, because the scores of a few sentences' spans would push all translations out of a common one.
        cache = open_cache(settings, service=SERVICE)
        self._translations = ResultCache(cache, wire.Translation, service=SERVICE)
        self._scores = ResultCache(cache.apart(), wire.TargetScore, service=SERVICE)
        self._loaded: tuple[TranslationBackend, Hops] | None = None

    async def start(self) -> None:
        """Load the model and translate one word, because a model's first call is its slowest."""
        model = await load_apart(self._load)
        hops = Hops(model, self._settings)
        hops.start()
        served = model.directions
        source, target = min(served.pairs or {(each, ENGLISH) for each in served.languages - {ENGLISH}})
        warm = tuple(model.pieces("Nairobi"))
        await hops.translate(source, (target,), [warm], beam=1, num_hypotheses=1, attention=False)
        self._loaded = model, hops

    async def stop(self) -> None:
        """Finish the sentences that were accepted."""
        if self._loaded is not None:
            await self._loaded[1].stop()
            self._loaded = None
        await self._translations.close()
        await self._scores.close()

    def info(self) -> wire.TranslationInfo:
        """Return languages and directions; `pairs` is empty where every direction is served."""
        model, _ = self._ready()
        routes = {each: model.directions.route(each, ENGLISH) for each in sorted(model.directions.languages)}
        return wire.TranslationInfo(
            service=SERVICE,
            version=version("spanbridge-translation"),
            model_version=model.model_version,
            languages=list(routes),
            pairs=sorted(model.directions.pairs or ()),
            routes={each: list(route) for each, route in routes.items() if route},
        )

    async def translate(self, request: wire.TranslateRequest) -> wire.TranslateResponse:
        """Translate each text; raises `RequestError` where languages or counts don't fit, never for one text."""
        model, hops = self._ready()
        source, target = resolve_language(request.source_lang), resolve_language(request.target_lang)
        beam, number, include = request.beam, request.num_hypotheses, sorted(set(request.include))
        if number > beam:
            raise InvalidRequest(
                f"num_hypotheses is {number}, more than the beam of {beam}; raise beam or ask for fewer"
            )
        route = () if source == target else self._route(source, target)
        # What goes through no model may have any length, unless the square of it is asked for.
        longest = model.max_source_tokens if route or "attention" in include else sys.maxsize

        def read(text: str) -> _Item:
            return _Item((text,), (read_text(text, model.pieces, longest),))

        async def compute(items: list[_Item]) -> list[wire.Translation | SpanbridgeError]:
            if not route:
                return [unchanged(item.texts[0], item.pieces[0], include) for item in items]
            arrived = await hops.translate(
                source,
                route,
                [item.pieces[0] for item in items],
                beam=beam,
                num_hypotheses=number,
                attention="attention" in include,
            )
            return [
                each
                if isinstance(each, SpanbridgeError)
                else translation(each.hypotheses, each.source, route[:-1], include)
                for each in arrived
            ]

        items = await aside(sum(map(len, request.texts)), attempt, read, request.texts)
        key = (model.model_version, "translate", source, target, beam, number, include)
        answers = await _answers(self._translations, wire.Translation, key, items, compute)
        return wire.TranslateResponse(model_version=model.model_version, translations=answers)

    async def score(self, request: wire.ScoreRequest) -> wire.ScoreResponse:
        """Score each target given its source; raises `RequestError` as `translate` does.

        Through a pivot, the source's translation into the last pivot stands for it. Where both languages are the same
        the model scores all the same: NMTScore divides by how well a text predicts itself.
        """
        model, hops = self._ready()
        source, target = resolve_language(request.source_lang), resolve_language(request.target_lang)
        if len(request.sources) != len(request.targets):
            raise InvalidRequest(
                f"there are {len(request.sources)} sources and {len(request.targets)} targets; send one target a source"
            )
        prefixes = request.prefixes or [[] for _ in request.targets]
        if len(prefixes) != len(request.targets):
            raise InvalidRequest(
                f"there are prefixes of {len(prefixes)} targets and {len(request.targets)} targets; send one list a "
                "target"
            )
        itself = source == target and source in model.directions.languages
        route = (target,) if itself else self._route(source, target)

        async def compute(items: list[_Item]) -> list[wire.TargetScore | SpanbridgeError]:
            found = await hops.score(source, route, [(item.pieces[0], item.pieces[1]) for item in items])
            return [
                each if isinstance(each, SpanbridgeError) else target_score(each, item.pieces[1], item.pieces[2:])
                for each, item in zip(found, items, strict=True)
            ]

        asked = list(zip(request.sources, request.targets, prefixes, strict=True))
        items = await aside(sum(map(len, (*request.sources, *request.targets))), _read_pairs, asked, model)
        answers = await _answers(
            self._scores, wire.TargetScore, (model.model_version, "score", source, target), items, compute
        )
        return wire.ScoreResponse(model_version=model.model_version, scores=answers)

    def _ready(self) -> tuple[TranslationBackend, Hops]:
        if self._loaded is None:
            raise NotReady("the translation model is still loading, or the service is stopping")
        return self._loaded

    def _route(self, source: str, target: str) -> tuple[str, ...]:
        served = self._ready()[0].directions
        unknown = [each for each in dict.fromkeys((source, target)) if each not in served.languages]
        if unknown:
            raise UnsupportedLanguage(
                f"the model doesn't serve {' or '.join(unknown)}; it serves {', '.join(sorted(served.languages))}"
            )
        route = served.route(source, target)
        if route is None:
            reached = ", ".join(served.reached_from(source)) or "no other language"
            raise UnsupportedLanguage(
                f"no way leads from {source} to {target}; from {source} the model reaches {reached}"
            )
        return route


def _read_pairs(
    asked: Sequence[tuple[str, str, Sequence[str]]], model: TranslationBackend
) -> list[_Item | SentenceError]:
    """Read sources, targets and the targets' prefixes; a prefix that can't be read has no pieces."""
    pieces = functools.cache(model.pieces)  # One text may be in hundreds of pairs.

    def read(pair: tuple[str, str, Sequence[str]]) -> _Item:
        source, target, prefixes = pair
        given = read_text(source, pieces, model.max_source_tokens, "the source")
        wanted = read_text(target, pieces, model.max_target_tokens, "the target")
        begun = attempt(lambda each: read_text(each, pieces, len(wanted), "the prefix"), prefixes)
        begun_pieces = [() if isinstance(each, SentenceError) else each for each in begun]
        return _Item((source, target, *prefixes), (given, wanted, *begun_pieces))

    return attempt(read, asked)


async def _answers(
    cache: ResultCache[Answer],
    kind: type[Answer],
    key: Sequence[object],
    items: Sequence[_Item | SpanbridgeError],
    compute: Callable[[list[_Item]], Awaitable[Sequence[Answer | SpanbridgeError]]],
) -> list[Answer]:
    """Answer items from the cache or by `compute`; errors, found while reading or later, become the item's own."""

    async def look_up(fine: list[_Item]) -> list[Answer | SpanbridgeError]:
        keys = [cache_key(*key, *item.texts) for item in fine]
        found = await cache.get_or_compute(keys, lambda missing: compute([fine[place] for place in missing]))
        return [
            each.value
            if isinstance(each.value, SpanbridgeError)
            else each.value.model_copy(update={"cached": each.cached})
            for each in found
        ]

    answered = await past_faults(items, look_up)
    return [kind(error=error_body(each)) if isinstance(each, SpanbridgeError) else each for each in answered]
