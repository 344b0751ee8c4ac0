"""The use case: sentences in, labelled sentences out, by the method that the request names."""

from collections.abc import Awaitable, Callable, Iterator, Sequence

from spanbridge_gateway.admission import admit
from spanbridge_gateway.answering import noting_models
from spanbridge_gateway.calibration import Calibration
from spanbridge_gateway.core.assembly import assemble
from spanbridge_gateway.core.taking import identifier, raw_text, take_all
from spanbridge_gateway.core.work import SentenceWork
from spanbridge_gateway.ensemble import EnsembleRun
from spanbridge_gateway.infos import Infos
from spanbridge_gateway.kept_answers import KeptAnswer, KeptAnswers, how_asked
from spanbridge_gateway.planning import Envelope, make_plan, options_of, read_envelope
from spanbridge_gateway.running import MethodRun
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.contracts.gateway import (
    ProjectSentencesRequest,
    ProjectSentencesResponse,
    Sentence,
    SentenceResult,
)
from spanbridge_shared.contracts.options import EnsembleMethodOptions
from spanbridge_shared.errors import ClientLeft, SpanbridgeError
from spanbridge_shared.serving.aside import aside
from spanbridge_shared.serving.request_facts import count_method, note_method
from spanbridge_shared.serving.telemetry import REQUEST_ID

_SEGMENT_CHARACTERS = 200


class Pipeline:
    """Runs requests through the services, in chunks, so that a large batch costs bounded memory.

    `calibration` is what an ensemble merges by, `kept` the answers that were given before.
    """

    def __init__(self, upstreams: Upstreams, settings: GatewaySettings, calibration: Calibration) -> None:
        self.upstreams = upstreams
        self.calibration = calibration
        self.kept = KeptAnswers(settings)
        self._chunk = settings.chunk_sentences

    async def start(self) -> None:
        """Open the services."""
        await self.upstreams.start()

    async def stop(self) -> None:
        """Close the services."""
        await self.kept.close()
        await self.upstreams.stop()

    async def check(self) -> None:
        """Raise `NotReady`, naming the services, where some give no answer."""
        await self.upstreams.check()

    async def project(
        self, request: ProjectSentencesRequest, has_left: Callable[[], Awaitable[bool]]
    ) -> ProjectSentencesResponse:
        """Label the sentences; raises for faults of the request as a whole, a sentence's own go into its result.

        `has_left` says whether the client has gone; then the rest is not computed, and `ClientLeft` raised.
        """
        infos = await self.upstreams.infos()
        options = options_of(request)
        envelope = read_envelope(request, infos)
        await admit(len(request.sentences))
        note_method(request.method, envelope.lang)  # `options_of` has checked that it is one.
        version = infos.model_version
        run: MethodRun | EnsembleRun
        if isinstance(options, EnsembleMethodOptions):
            run = EnsembleRun(self.upstreams, infos, envelope, options, self.calibration)
            version = f"{version}:{run.version}"
        else:
            run = MethodRun(self.upstreams, infos, make_plan(envelope, options, infos))

        async def label(sentences: Sequence[Sentence]) -> list[KeptAnswer | SpanbridgeError]:
            return await self._label(run, sentences, envelope, infos)

        asked = how_asked(version, request.method, options, envelope)
        results: list[SentenceResult] = []
        for part in _parts(request.sentences, self._chunk):
            if await has_left():
                raise ClientLeft("the client left before the answer")
            ids = [identifier(sentence, place) for place, sentence in enumerate(part, start=len(results))]
            results += await self.kept.results(part, ids, envelope.lang, asked, label)
        answer = ProjectSentencesResponse(model_version=version, results=results)
        count_method(request.method, answer)
        return answer

    async def _label(
        self, run: MethodRun | EnsembleRun, sentences: Sequence[Sentence], envelope: Envelope, infos: Infos
    ) -> list[KeptAnswer | SpanbridgeError]:
        characters = sum(len(raw_text(sentence)) for sentence in sentences)
        works = await aside(characters, take_all, sentences, envelope.lang)
        run.check(works)
        with noting_models() as answered:
            for chunk in _chunks(works, self._chunk):
                await run.run(chunk)
        named = infos.are_named(answered)
        if not named:
            self.upstreams.doubt()
        return await aside(characters, _assemble_all, works, envelope, named=named)


def _assemble_all(
    works: Sequence[SentenceWork], envelope: Envelope, *, named: bool
) -> list[KeptAnswer | SpanbridgeError]:
    return [
        work.fault
        or KeptAnswer(
            result=assemble(work, envelope.lang, envelope.include, REQUEST_ID.get()),
            translated=any(segment.translation_score is not None for segment in work.segments),
            aligned=any(segment.alignment_cached is not None for segment in work.segments),
            by_named_models=named,
        )
        for work in works
    ]


def _parts(sentences: Sequence[Sentence], limit: int) -> Iterator[Sequence[Sentence]]:
    """Cut a request into parts of about `limit` segments at most, guessed by length; a sentence is never cut."""
    start = size = 0
    for place, sentence in enumerate(sentences):
        guess = 1 + len(raw_text(sentence)) // _SEGMENT_CHARACTERS
        if place > start and size + guess > limit:
            yield sentences[start:place]
            start, size = place, 0
        size += guess
    yield sentences[start:]


def _chunks(works: Sequence[SentenceWork], limit: int) -> list[list[SentenceWork]]:
    """Cut sentences into runs of at most `limit` segments; a sentence is never cut."""
    chunks: list[list[SentenceWork]] = []
    size = 0
    for work in works:
        if not chunks or size + len(work.segments) > limit:
            chunks.append([])
            size = 0
        chunks[-1].append(work)
        size += len(work.segments)
    return chunks
