"""Labelling texts until a deadline: small chunks, one after the other, so that what was reached is never lost."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from spanbridge_gateway.integrations.label_studio.codec import TaskText
from spanbridge_gateway.integrations.label_studio.project_options import ProjectOptions
from spanbridge_gateway.integrations.wanted import fault_of
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_shared.contracts.gateway import UNDETERMINED, ProjectSentencesRequest, Sentence, SentenceResult
from spanbridge_shared.errors import ClientLeft, DeadlineExceeded, Overloaded, SpanbridgeError

HasLeft = Callable[[], Awaitable[bool]]
_CHUNK_TEXTS = 64
_CHUNK_CHARS = 16_000


class Labelling:
    """Labels the texts of one request; `labelled` is what was reached, `faults` what hindered the others, by task.

    `deadline` is a time of the running loop's clock.
    """

    def __init__(
        self, pipeline: Pipeline, options: ProjectOptions, labels: Sequence[str], deadline: float, has_left: HasLeft
    ) -> None:
        self.labelled: list[tuple[TaskText, SentenceResult]] = []
        self.faults: dict[int, SpanbridgeError] = {}
        self._pipeline = pipeline
        self._options = options
        self._labels = list(labels)
        self._deadline = deadline
        self._has_left = has_left

    async def label(self, texts: Sequence[TaskText], lang: str) -> None:
        """Label texts of one language; raises `ClientLeft` alone."""
        fault: SpanbridgeError | None = None
        for chunk in _chunks(texts):
            fault = fault or await self._label_chunk(chunk, lang)
            if fault is not None:
                self.faults |= {each.task: fault for each in chunk}

    async def _label_chunk(self, chunk: Sequence[TaskText], lang: str) -> SpanbridgeError | None:
        """Label a chunk, or return what hinders it, and all that come after it."""
        try:
            async with asyncio.timeout_at(self._deadline):
                self._take(chunk, await self._answers(chunk, lang))
        except ClientLeft:
            raise
        except TimeoutError:
            return DeadlineExceeded("there was no time for this task; ask for its prediction again")
        except SpanbridgeError as fault:
            return fault
        return None

    def _take(self, chunk: Sequence[TaskText], results: Sequence[SentenceResult]) -> None:
        for text, result in zip(chunk, results, strict=True):
            fault = fault_of(result)
            if fault is None:
                self.labelled.append((text, result))
            else:
                self.faults[text.task] = fault

    async def _answers(self, chunk: Sequence[TaskText], lang: str) -> list[SentenceResult]:
        request = ProjectSentencesRequest(
            sentences=[Sentence(text=each.text) for each in chunk],
            # Without a sound text there is no language; each text's own fault is its answer.
            lang="auto" if lang == UNDETERMINED else lang,
            method=self._options.method,
            labels=self._labels,
            options=dict(self._options.options),
        )
        while True:
            try:
                return (await self._pipeline.project(request, self._has_left)).results
            except Overloaded as fault:
                # Label Studio never asks again by itself; the deadline ends this.
                await asyncio.sleep(fault.retry_after)


def _chunks(texts: Sequence[TaskText]) -> Iterator[list[TaskText]]:
    chunk: list[TaskText] = []
    size = 0
    for each in texts:
        if chunk and (len(chunk) == _CHUNK_TEXTS or size + len(each.text) > _CHUNK_CHARS):
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += len(each.text)
    if chunk:
        yield chunk
