"""The use case: check each pair, look it up, encode what is missing, read the links off."""

import asyncio
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import version

from spanbridge_alignment.backends.base import EncoderBackend, Pieces, Tokens
from spanbridge_alignment.core.attention import read_attention
from spanbridge_alignment.core.methods import (
    OPTIONS_READ,
    EncodedSentence,
    WordPair,
    encoded_pair,
    link_weights,
    links,
    reads_attention,
    rounded_rows,
)
from spanbridge_alignment.core.vectors import FloatArray
from spanbridge_alignment.encoding import SERVICE, SentenceEncoder
from spanbridge_alignment.settings import AlignmentSettings
from spanbridge_shared.contracts.alignment import (
    Alignment,
    AlignmentInfo,
    AlignMethod,
    AlignRequest,
    AlignResponse,
    TokenPair,
)
from spanbridge_shared.errors import (
    InvalidAttention,
    NotReady,
    PayloadTooLarge,
    SentenceError,
    SpanbridgeError,
    TextTooLong,
)
from spanbridge_shared.serving.cache import Answer, CacheBackend, ResultCache, cache_key
from spanbridge_shared.serving.loading import load_apart
from spanbridge_shared.serving.service_app import error_body
from spanbridge_shared.text.checks import check_tokens
from spanbridge_shared.text.languages import resolve_language

_PART_PIECES = 65_536
"""Sub-words whose vectors are held at once: 100 MB of 384 numbers each, however large the request."""


class AlignmentEngine:
    """Aligns token pairs with one encoder; the model is loaded by `start`."""

    def __init__(
        self, settings: AlignmentSettings, open_backend: Callable[[], EncoderBackend], cache: CacheBackend
    ) -> None:
        self._settings = settings
        self._open_backend = open_backend
        self._cache = ResultCache(cache, Alignment, service=SERVICE)
        self._executor: ThreadPoolExecutor | None = None
        self._encoder: SentenceEncoder | None = None
        self._model_version = ""

    async def start(self) -> None:
        """Load the encoder and run it once; raises `ConfigurationError` where it can't be loaded."""
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{SERVICE}-links")
        backend = await load_apart(self._open_backend)
        encoder = SentenceEncoder(backend, self._settings, self._executor)
        encoder.start()
        await encoder.encode(await encoder.tokenize([("warm", "up")]))
        self._model_version = backend.model_version
        self._encoder = encoder

    async def stop(self) -> None:
        """Finish what was accepted and let go of the model."""
        if self._encoder is not None:
            await self._encoder.stop()
            self._encoder = None
        await self._cache.close()
        if self._executor is not None:
            self._executor.shutdown(wait=True)
            self._executor = None

    def info(self) -> AlignmentInfo:
        """Say what is served; raises `NotReady` before `start`."""
        self._running()
        return AlignmentInfo(
            service=SERVICE, version=version("spanbridge-alignment"), model_version=self._model_version
        )

    async def align(self, request: AlignRequest) -> AlignResponse:
        """Return one alignment or error per pair, in order.

        Raises `UnknownLanguage`, `PayloadTooLarge` where the matrices asked for would be, `Overloaded` and `NotReady`.
        """
        self._running()
        for code in (request.source_lang, request.target_lang):
            if code is not None:
                resolve_language(code)
        checked = [self._checked(request, pair) for pair in request.pairs]
        good = [pair for pair in checked if isinstance(pair, WordPair)]
        self._check_answer_size(request, good)
        keys = [self._key(request, pair) for pair in good]
        answers = iter(
            await self._cache.get_or_compute(
                keys, lambda indices: self._compute(request, [good[index] for index in indices])
            )
        )
        alignments = [_answered(next(answers)) if isinstance(each, WordPair) else _failed(each) for each in checked]
        return AlignResponse(model_version=self._model_version, alignments=alignments)

    def _running(self) -> tuple[SentenceEncoder, ThreadPoolExecutor]:
        if self._encoder is None or self._executor is None:
            raise NotReady(f"{SERVICE} is starting or stopping; try again in a moment")
        return self._encoder, self._executor

    def _checked(self, request: AlignRequest, pair: TokenPair) -> WordPair | SentenceError:
        try:
            check_tokens(pair.source_tokens)
            check_tokens(pair.target_tokens)
            # Cache keys are of NFC text, so the encoder must see nothing else.
            found = WordPair(_normalised(pair.source_tokens), _normalised(pair.target_tokens))
            self._check_cells(found.cells, "words")
            return replace(found, attention=_attention(request, pair))
        except SentenceError as fault:
            return fault

    def _check_cells(self, cells: int, units: str) -> None:
        limit = self._settings.max_cells
        if cells > limit:
            raise TextTooLong(
                f"the pair has {cells:,} cells (source times target {units}), at most {limit:,} are allowed; "
                "split the sentences"
            )

    def _check_answer_size(self, request: AlignRequest, pairs: Sequence[WordPair]) -> None:
        cells = sum(pair.cells for pair in pairs)
        if "similarity" in request.include and cells > self._settings.max_cells:
            raise PayloadTooLarge(
                f"the similarity matrices would hold {cells:,} numbers, at most {self._settings.max_cells:,} are "
                "allowed; send fewer pairs at a time"
            )

    def _key(self, request: AlignRequest, pair: WordPair) -> str:
        options = request.options.model_dump(include=set(OPTIONS_READ[request.method]))
        scale = self._settings.softmax_scale if request.method is AlignMethod.SOFTMAX else None
        wanted = sorted(set(request.include))
        seen = None if pair.attention is None else sha256(pair.attention.tobytes()).hexdigest()
        return cache_key(
            self._model_version, "align", request.method, options, scale, wanted, pair.source, pair.target, seen
        )

    async def _compute(self, request: AlignRequest, pairs: Sequence[WordPair]) -> list[Alignment | SpanbridgeError]:
        encoder, executor = self._running()
        loop = asyncio.get_running_loop()
        if request.method is AlignMethod.ATTENTION and "similarity" not in request.include:
            return await loop.run_in_executor(executor, self._align_part, request, pairs, None)
        distinct = list(dict.fromkeys(side for pair in pairs for side in (pair.source, pair.target)))
        pieces = dict(zip(distinct, await encoder.tokenize(distinct), strict=True))
        results: list[Alignment | SpanbridgeError] = []
        for part in _parts(pairs, pieces):
            sides = list(dict.fromkeys(side for pair in part for side in (pair.source, pair.target)))
            encoded = dict(zip(sides, await encoder.encode([pieces[side] for side in sides]), strict=True))
            results += await loop.run_in_executor(executor, self._align_part, request, part, encoded)
        return results

    def _align_part(
        self, request: AlignRequest, pairs: Sequence[WordPair], encoded: Mapping[Tokens, EncodedSentence] | None
    ) -> list[Alignment | SpanbridgeError]:
        found: list[Alignment | SpanbridgeError] = []
        for pair in pairs:
            try:
                found.append(self._align_pair(request, pair, encoded))
            except SentenceError as fault:
                found.append(fault)
        return found

    def _align_pair(
        self, request: AlignRequest, pair: WordPair, encoded: Mapping[Tokens, EncodedSentence] | None
    ) -> Alignment:
        both = None
        if encoded is not None:
            source, target = encoded[pair.source], encoded[pair.target]
            if request.method is AlignMethod.SOFTMAX:
                self._check_cells(len(source.words) * len(target.words), "sub-words")
            both = encoded_pair(source, target)
        weights = link_weights(request.method, request.options, pair, both, softmax_scale=self._settings.softmax_scale)
        shown = rounded_rows(both.cosines).tolist() if both is not None and "similarity" in request.include else None
        return Alignment(links=links(weights), similarity=shown)


def _attention(request: AlignRequest, pair: TokenPair) -> FloatArray | None:
    """Return what the request's links read of a pair's attention; raises `InvalidAttention`."""
    if not reads_attention(request.method, request.options):
        return None
    if pair.attention is not None:
        return read_attention(pair.attention, len(pair.source_tokens), len(pair.target_tokens))
    if request.method is AlignMethod.ATTENTION:
        raise InvalidAttention("the pair has no attention to be aligned by; send it, or name another method")
    return None


def _normalised(tokens: Sequence[str]) -> Tokens:
    return tuple(unicodedata.normalize("NFC", token) for token in tokens)


def _parts(pairs: Sequence[WordPair], pieces: dict[Tokens, Pieces]) -> Iterator[list[WordPair]]:
    """Cut the pairs, in order, into parts of at most `_PART_PIECES` sub-words; a longer pair is a part of its own."""
    part: list[WordPair] = []
    held = 0
    for pair in pairs:
        size = len(pieces[pair.source].ids) + len(pieces[pair.target].ids)
        if part and held + size > _PART_PIECES:
            yield part
            part, held = [], 0
        part.append(pair)
        held += size
    yield part


def _answered(answer: Answer[Alignment]) -> Alignment:
    if isinstance(answer.value, Alignment):
        return answer.value.model_copy(update={"cached": answer.cached})
    return _failed(answer.value)


def _failed(fault: SpanbridgeError) -> Alignment:
    return Alignment(error=error_body(fault))
