"""Loading models, so that what they compute later doesn't hold up whoever asks for it."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

Loaded = TypeVar("Loaded")
Given = ParamSpec("Given")

_NICENESS = 5
"""A third of a usual thread's share where both want a core; all of it where nobody else does."""


async def load_apart(load: Callable[Given, Loaded], *args: Given.args, **kwargs: Given.kwargs) -> Loaded:
    """Return what `load` opens, in a thread of its own; raises what it raises.

    On Linux the threads that a model starts inherit this one's priority, which is lowered: under load the event loop,
    which reads requests, refuses what is too much and answers probes, must not queue for a core behind the models.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="model-loading", initializer=_step_back)
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, partial(load, *args, **kwargs))
    finally:
        executor.shutdown(wait=False)


def _step_back() -> None:
    if sys.platform == "linux":  # Elsewhere a thread has no niceness of its own.
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS)
