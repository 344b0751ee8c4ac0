"""Whose turn it is, among many requests of very different size. Pure."""

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


class FairQueue(Generic[Item]):
    """Waiting items by flow, all that one request waits for; flows take turns, and a turn begins with `next`.

    First turns of new flows alternate with further turns of those that had one, each in order of arrival. So a single
    sentence waits for one turn of a request with thousands, not for all of them; and however many single ones keep
    coming, the large request has every other turn. `next` takes nothing out: a turn may be used for items of other
    flows as well.

    >>> queue = FairQueue[str]()
    >>> queue.add("bulk", ["b1", "b2", "b3"]); queue.add("single", ["s1"])
    >>> turns = []
    >>> while queue:
    ...     turns.append(queue.next())
    ...     queue.remove(turns[-1:])
    >>> turns
    ['b1', 's1', 'b2', 'b3']
    """

    def __init__(self) -> None:
        self._flows: dict[Hashable, dict[Item, None]] = {}  # Of the values, only the order of the keys counts.
        self._flow_of: dict[Item, Hashable] = {}
        # With each flow its items, by which one is known that has ended and begun anew since.
        self._first: deque[tuple[Hashable, dict[Item, None]]] = deque()
        self._further: deque[tuple[Hashable, dict[Item, None]]] = deque()
        self._further_is_owed = False

    def __len__(self) -> int:
        return len(self._flow_of)

    def __iter__(self) -> Iterator[Item]:
        """Give all items, a flow's together."""
        return (item for flow in self._flows.values() for item in flow)

    def add(self, flow: Hashable, items: Sequence[Item]) -> None:
        """Let items wait; a flow that has none waiting is a new one."""
        if not items:
            return
        if flow not in self._flows:
            self._flows[flow] = {}
            self._first.append((flow, self._flows[flow]))
        self._flows[flow] |= dict.fromkeys(items)
        self._flow_of |= dict.fromkeys(items, flow)

    def next(self) -> Item:
        """Return the longest-waiting item of the flow whose turn it is, and give the turn to the next one.

        Raises `IndexError` where nothing waits.
        """
        flow, items = self._turn()
        self._further.append((flow, items))
        return next(iter(items))

    def remove(self, items: Iterable[Item]) -> None:
        """Take items out; no effect for those that are out already."""
        for item in items:
            flow = self._flow_of.pop(item, None)
            if flow is not None:
                del self._flows[flow][item]
                if not self._flows[flow]:
                    del self._flows[flow]

    def _turn(self) -> tuple[Hashable, dict[Item, None]]:
        first, further = self._waits(self._first), self._waits(self._further)
        if first and not (further and self._further_is_owed):
            self._further_is_owed = further
            return self._first.popleft()
        self._further_is_owed = False
        return self._further.popleft()

    def _waits(self, turns: deque[tuple[Hashable, dict[Item, None]]]) -> bool:
        """Say whether a flow waits for its turn here, and drop those before it that are done."""
        while turns and self._flows.get(turns[0][0]) is not turns[0][1]:
            turns.popleft()
        return bool(turns)
