"""Work of which neither waits for the other."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

Result = TypeVar("Result")


async def side_by_side(work: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Return what each gives, in order; when one raises, the others are cancelled and it is raised."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
