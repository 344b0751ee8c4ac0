import os
import sys
import threading

import pytest

from spanbridge_shared.serving.loading import load_apart


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def of_a_thread_started_here() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(niceness()))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness of their own")
async def test_threads_of_a_model_step_back_and_nobody_else_does():
    before = niceness()
    assert await load_apart(of_a_thread_started_here) == min(19, before + 5)
    assert niceness() == before
    assert of_a_thread_started_here() == before


async def test_what_is_opened_comes_back_and_what_is_raised_as_well():
    assert await load_apart(lambda one, *, two: (one, two), 1, two=2) == (1, 2)
    with pytest.raises(ZeroDivisionError):
        await load_apart(lambda: 1 / 0)
