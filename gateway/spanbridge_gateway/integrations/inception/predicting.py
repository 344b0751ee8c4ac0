"""The use case: as much of a document labelled as fits the time that INCEpTION waits."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from spanbridge_gateway.integrations.inception.codec import Case, predictions, read_case, write_case
from spanbridge_gateway.integrations.inception.messages import PredictionRequest, PredictionResponse
from spanbridge_gateway.integrations.wanted import Wanted, fault_of, label_texts
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_shared.contracts.gateway import Entity, SentenceResult
from spanbridge_shared.errors import DeadlineExceeded, Overloaded, UpstreamFailed
from spanbridge_shared.text.languages import languages
from spanbridge_shared.text.spans import Span

ANSWER_WITHIN_S = 22.0
"""INCEpTION gives up after 30 s, of which writing the answer and the way back take some."""
BATCH = 96
"""Sentences labelled between two looks at the clock."""

_LOG = logging.getLogger("spanbridge.inception")


async def predict(
    pipeline: Pipeline, request: PredictionRequest, wanted: Wanted, has_left: Callable[[], Awaitable[bool]]
) -> PredictionResponse:
    """Add predictions to a document; raises `InvalidRequest` for a broken one, and as `Pipeline.project` does.

    What doesn't fit the time is left out: translations are cached, so that the next request gets further.
    """
    started = time.monotonic()
    case = await asyncio.to_thread(read_case, request)
    results, model_version = await _label(pipeline, case, wanted, has_left, started)
    if len(results) < len(case.sentences):
        _LOG.warning("answering with %d of %d sentences", len(results), len(case.sentences))
    labelled = list(zip(case.sentences, _entities(results), strict=False))
    return PredictionResponse(document=await asyncio.to_thread(_written, case, labelled, model_version))


def _written(case: Case, labelled: Sequence[tuple[Span, Sequence[Entity]]], model_version: str) -> str:
    return write_case(case, predictions(case, labelled, model_version))


async def _label(
    pipeline: Pipeline, case: Case, wanted: Wanted, has_left: Callable[[], Awaitable[bool]], started: float
) -> tuple[list[SentenceResult], str]:
    """Return the results of the first sentences, and the models; raises only where there are none."""
    results: list[SentenceResult] = []
    model_version, per_sentence = "", 0.0
    texts = case.texts
    for place in range(0, len(texts), BATCH):
        batch = texts[place : place + BATCH]
        before = time.monotonic()
        if results and before - started + per_sentence * len(batch) > ANSWER_WITHIN_S:
            break
        try:
            answer = await label_texts(pipeline, batch, wanted, has_left)
        except (Overloaded, UpstreamFailed, DeadlineExceeded) as fault:
            if not results:
                raise
            _LOG.warning("%s: %s", type(fault).__name__, fault.detail)
            break
        results += answer.results
        model_version = answer.model_version
        per_sentence = max(per_sentence, (time.monotonic() - before) / len(batch))
        # A document is of one language: what its beginning was found to be holds for all of it.
        wanted = wanted.changed(lang=next((each.lang for each in answer.results if each.lang in languages()), None))
    return results, model_version


def _entities(results: Sequence[SentenceResult]) -> list[Sequence[Entity]]:
    """Return each sentence's entities; where every sentence failed, raise the first one's error."""
    failed = [fault for each in results if (fault := fault_of(each)) is not None]
    if failed:
        first = type(failed[0]).__name__
        _LOG.warning("%d of %d sentences failed, the first with %s", len(failed), len(results), first)
        if len(failed) == len(results):
            raise failed[0]
    return [each.entities for each in results]
