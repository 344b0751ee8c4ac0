import threading

from spanbridge_shared.serving.aside import aside


async def test_little_text_stays_here_and_much_goes_to_a_thread():
    here = threading.get_ident()
    assert await aside(2_000, threading.get_ident) == here
    assert await aside(2_001, threading.get_ident) != here
    assert await aside(9_999, lambda one, two: one + two, "a", two="b") == "ab"
