"""Work on text that would hold up other requests leaves the event loop; what is done at once stays."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Result = TypeVar("Result")
Given = ParamSpec("Given")

_SMALL = 2_000
"""Characters that take one or two milliseconds. A thread costs more than that while models keep the cores busy, and
hundreds of single sentences would wait for the few threads there are, the first one's next step behind them all."""


async def aside(characters: int, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Return what `work` makes of so many characters, computed in a thread unless they are few."""
    if characters <= _SMALL:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)
