"""From token lists to encoded sentences: tokenised off the event loop, cut into windows, batched, joined again."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor

from spanbridge_alignment.backends.base import EncoderBackend, Pieces, Tokens
from spanbridge_alignment.core.methods import EncodedSentence
from spanbridge_alignment.core.vectors import FloatArray, IntArray
from spanbridge_alignment.core.windows import join_windows, plan_windows
from spanbridge_alignment.settings import AlignmentSettings
from spanbridge_shared.serving.batching import Batcher

SERVICE = "alignment"
_OVERLAP_SHARE = 4


class SentenceEncoder:
    """Feeds one backend from all requests.

    Only windows of one length share a model call: nothing is padded, so that no answer depends on its company in the
    batch, not in its last bit either.
    """

    def __init__(self, backend: EncoderBackend, settings: AlignmentSettings, executor: Executor) -> None:
        self._backend = backend
        self._executor = executor
        self._overlap = backend.window // _OVERLAP_SHARE
        self._batcher: Batcher[IntArray, FloatArray, int] = Batcher(
            lambda _, windows: backend.encode(windows),
            len,
            service=SERVICE,
            max_batch_tokens=settings.max_batch_tokens,
            max_queue=settings.max_queue,
            wait_ms=settings.batch_wait_ms,
            parallel_calls=backend.parallel_calls,
        )

    def start(self) -> None:
        """Begin to serve; call it inside the event loop."""
        self._batcher.start()

    async def stop(self) -> None:
        """Finish what was accepted, then stop."""
        await self._batcher.stop()

    async def tokenize(self, sentences: Sequence[Tokens]) -> list[Pieces]:
        """Return the sub-words of each sentence."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._backend.tokenize, sentences)

    async def encode(self, sentences: Sequence[Pieces]) -> list[EncodedSentence]:
        """Return each sentence's vectors; equal sentences are encoded once. Raises what `Batcher.submit` raises."""
        distinct = {each.ids.tobytes(): each.ids for each in sentences}
        plans = {key: plan_windows(len(ids), self._backend.window, self._overlap) for key, ids in distinct.items()}
        windows = [distinct[key][window.start : window.end] for key, plan in plans.items() for window in plan]
        vectors = iter(await self._submit(windows))
        joined = {key: join_windows(plan, [next(vectors) for _ in plan]) for key, plan in plans.items()}
        return [EncodedSentence(joined[each.ids.tobytes()], each.words) for each in sentences]

    async def _submit(self, windows: Sequence[IntArray]) -> list[FloatArray]:
        places: dict[int, list[int]] = defaultdict(list)
        for place, ids in enumerate(windows):
            places[len(ids)].append(place)
        groups = await self._batcher.submit_all(
            [(length, [windows[place] for place in each]) for length, each in places.items()]
        )
        found = {
            place: vectors
            for group, members in zip(places.values(), groups, strict=True)
            for place, vectors in zip(group, members, strict=True)
        }
        return [found[place] for place in range(len(windows))]
