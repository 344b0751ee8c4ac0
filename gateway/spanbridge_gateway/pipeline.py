"""The use case: sentences in, labelled sentences out, by the method that the request names."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from spanbridge_gateway.calibration import Calibration
from spanbridge_gateway.core.assembly import assemble
from spanbridge_gateway.core.taking import take_all
from spanbridge_gateway.core.work import SentenceWork
from spanbridge_gateway.ensemble import EnsembleRun
from spanbridge_gateway.planning import Envelope, make_plan, options_of, read_envelope
from spanbridge_gateway.running import MethodRun
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_gateway.upstreams import Upstreams
from spanbridge_shared.contracts.gateway import ProjectSentencesRequest, ProjectSentencesResponse, SentenceResult
from spanbridge_shared.contracts.options import EnsembleMethodOptions
from spanbridge_shared.errors import ClientLeft, NotReady, SpanbridgeError
from spanbridge_shared.serving.telemetry import REQUEST_ID


class Pipeline:
    """Runs requests through the services, in chunks, so that a large batch costs bounded memory.

    `calibration` is what an ensemble merges by.
    """

    def __init__(self, upstreams: Upstreams, settings: GatewaySettings, calibration: Calibration) -> None:
        self.upstreams = upstreams
        self.calibration = calibration
        self._chunk = settings.chunk_sentences

    async def start(self) -> None:
        """Open the services."""
        await self.upstreams.start()

    async def stop(self) -> None:
        """Close the services."""
        await self.upstreams.stop()

    async def check(self) -> None:
        """Raise `NotReady`, naming the service, where one can't be reached."""
        try:
            await self.upstreams.infos()
        except SpanbridgeError as fault:
            raise NotReady(fault.detail) from fault

    async def project(
        self, request: ProjectSentencesRequest, has_left: Callable[[], Awaitable[bool]]
    ) -> ProjectSentencesResponse:
        """Label the sentences; raises for faults of the request as a whole, a sentence's own go into its result.

        `has_left` says whether the client has gone; then the rest is not computed, and `ClientLeft` raised.
        """
        infos = await self.upstreams.infos()
        options = options_of(request)
        envelope = read_envelope(request, infos)
        # In a thread: ten megabytes of text take seconds to cut, and other requests must not wait for that.
        works = await asyncio.to_thread(take_all, request.sentences, envelope.lang)
        version = infos.model_version
        run: MethodRun | EnsembleRun
        if isinstance(options, EnsembleMethodOptions):
            run = EnsembleRun(self.upstreams, infos, envelope, options, self.calibration)
            version = f"{version}:{run.version}"
        else:
            run = MethodRun(self.upstreams, infos, make_plan(envelope, options, infos))
        await self._run(run, works, has_left)
        results = await asyncio.to_thread(_assemble_all, works, envelope)
        return ProjectSentencesResponse(model_version=version, results=results)

    async def _run(
        self, run: MethodRun | EnsembleRun, works: Sequence[SentenceWork], has_left: Callable[[], Awaitable[bool]]
    ) -> None:
        run.check(works)
        for chunk in _chunks(works, self._chunk):
            if await has_left():
                raise ClientLeft("the client left before the answer")
            await run.run(chunk)


def _assemble_all(works: Sequence[SentenceWork], envelope: Envelope) -> list[SentenceResult]:
    return [assemble(work, envelope.lang, envelope.include, REQUEST_ID.get()) for work in works]


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
