"""From texts to sub-words, a faulty text giving its error in place of them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from spanbridge_shared.errors import EmptyText, SentenceError, SpanbridgeError, TextTooLong
from spanbridge_shared.text.checks import check_text

Item = TypeVar("Item")
Result = TypeVar("Result")
Pieces = tuple[str, ...]


def read_text(text: str, pieces: Callable[[str], list[str]], longest: int, what: str = "the text") -> Pieces:
    """Return a text's sub-words; raises a `SentenceError` where a model can't take them.

    >>> read_text("Habari ya leo", str.split, longest=3)
    ('Habari', 'ya', 'leo')
    """
    check_text(text)
    found = tuple(pieces(text))
    if not found:
        raise EmptyText(f"{what} has no character that the model can read; send at least one word")
    if len(found) > longest:
        raise TextTooLong(f"{what} has {len(found):,} sub-words, the model takes at most {longest:,}; split it")
    return found


def attempt(read: Callable[[Item], Result], items: Sequence[Item]) -> list[Result | SentenceError]:
    """Return what `read` makes of each item, or the `SentenceError` that it raises."""
    found: list[Result | SentenceError] = []
    for item in items:
        try:
            found.append(read(item))
        except SentenceError as fault:
            found.append(fault)
    return found


async def past_faults(
    items: Sequence[Item | SpanbridgeError],
    run: Callable[[list[Item]], Awaitable[Sequence[Result | SpanbridgeError]]],
) -> list[Result | SpanbridgeError]:
    """Run what isn't an error already, all in one call; errors keep their places."""
    places = [place for place, item in enumerate(items) if not isinstance(item, SpanbridgeError)]
    results = iter(await run([item for item in items if not isinstance(item, SpanbridgeError)]) if places else ())
    return [item if isinstance(item, SpanbridgeError) else next(results) for item in items]
