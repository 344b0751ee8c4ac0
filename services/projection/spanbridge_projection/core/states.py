"""The dynamic programme over slots and uses: exact where no state had to be left out."""

from typing import NamedTuple

import numpy as np

from spanbridge_projection.core.pairs import Pairs
from spanbridge_projection.core.relaxation import Relaxation
from spanbridge_projection.core.sentence import Integers


class Chain(NamedTuple):
    """Pairs taken so far, last one first, as indices into `Pairs`."""

    pair: int
    before: "Chain | None"


class Outcome(NamedTuple):
    """The best solution found that is worth more than what was known, else None; `proved`: there is no better one."""

    pairs: list[int] | None
    value: float
    proved: bool


class _Uses:
    """How often each entity is used, packed in one integer: a field of bits for each entity."""

    def __init__(self, capacity: Integers, pairs: Pairs, multipliers: list[float]) -> None:
        limits: list[int] = capacity.tolist()
        # What may have every slot is never full: it has no bits, and its multiplier is 0.
        bits = [limit.bit_length() if limit < pairs.n_slots else 0 for limit in limits]
        offsets = np.cumsum([0, *bits]).tolist()
        self.unit = [1 << offset if width else 0 for width, offset in zip(bits, offsets, strict=False)]
        self.field = [((1 << width) - 1) << offset for width, offset in zip(bits, offsets, strict=False)]
        self.full = [limit << offset for limit, offset in zip(limits, offsets, strict=False)]
        self._prices = list(zip(self.field, self.unit, multipliers, strict=True))
        self._paid: dict[int, float] = {0: 0.0}
        # From each slot on: the fields of entities that still have pairs, and what their multipliers pay back.
        self.live = [0] * (pairs.n_slots + 1)
        self.refund = [0.0] * (pairs.n_slots + 1)
        sources, firsts = pairs.source.tolist(), pairs.first.tolist()
        index = len(pairs) - 1
        for slot in range(pairs.n_slots - 1, -1, -1):
            live, refund = self.live[slot + 1], self.refund[slot + 1]
            while index >= 0 and firsts[index] == slot:
                source = sources[index]
                if not live & self.field[source]:
                    live |= self.field[source]
                    refund += limits[source] * multipliers[source]
                index -= 1
            self.live[slot], self.refund[slot] = live, refund

    def paid(self, key: int) -> float:
        """Return what the uses in a key have cost."""
        found = self._paid.get(key)
        if found is None:
            found = sum((key & field) // unit * price for field, unit, price in self._prices if key & field)
            self._paid[key] = found
        return found


def search(pairs: Pairs, capacity: Integers, relaxation: Relaxation, known: float, *, width: int) -> Outcome:
    """Extend partial solutions slot by slot; at most `width` states a slot, those of the best bounds.

    A state is a slot and the uses of the entities that still have pairs from there on; of two solutions in the same
    state the better one stays, and a state whose bound (its value plus the relaxed optimum of the rest) is no more than
    the best solution's value goes. Proved if nothing hopeful was left out. O(states · pairs per slot).
    """
    uses = _Uses(capacity, pairs, relaxation.multipliers.tolist())
    moves = _moves(pairs, relaxation)
    ahead: list[float] = relaxation.ahead.tolist()
    layers: list[dict[int, tuple[float, Chain | None]]] = [{} for _ in range(pairs.n_slots + 1)]
    layers[0][0] = (0.0, None)
    best, found, proved = known, None, True
    for slot in range(pairs.n_slots):
        rest = ahead[slot] + uses.refund[slot]
        states = [(value + rest - uses.paid(key), key, value, chain) for key, (value, chain) in layers[slot].items()]
        layers[slot] = {}
        states.sort(key=lambda state: (-state[0], state[1]))
        if len(states) > width and states[width][0] > best:
            proved = False
        for bound, key, value, chain in states[:width]:
            if bound - (ahead[slot] - ahead[slot + 1]) > best:
                _push(layers[slot + 1], key & uses.live[slot + 1], value, chain)
            for loss, pair, source, last, score in moves[slot]:
                if bound - loss <= best:
                    break
                if key & uses.field[source] == uses.full[source]:
                    continue
                grown = Chain(pair, chain)
                _push(layers[last], (key + uses.unit[source]) & uses.live[last], value + score, grown)
                if value + score > best:
                    best, found = value + score, grown
    return Outcome(None if found is None else _unchain(found), best, proved)


def _moves(pairs: Pairs, relaxation: Relaxation) -> list[list[tuple[float, int, int, int, float]]]:
    """Return each slot's pairs as (loss, pair, source, last, score), least loss first.

    The loss is by how much a pair lowers the bound of a state at its slot, so that one comparison ends the loop.
    """
    reduced = pairs.score - relaxation.multipliers[pairs.source]
    loss = relaxation.ahead[pairs.first] - reduced - relaxation.ahead[pairs.last]
    columns = (loss, np.arange(len(pairs)), pairs.source, pairs.last, pairs.score)
    moves: list[list[tuple[float, int, int, int, float]]] = [[] for _ in range(pairs.n_slots)]
    for first, move in zip(pairs.first.tolist(), zip(*(each.tolist() for each in columns), strict=True), strict=True):
        moves[first].append(move)
    for each in moves:
        each.sort()
    return moves


def _push(layer: dict[int, tuple[float, Chain | None]], key: int, value: float, chain: Chain | None) -> None:
    held = layer.get(key)
    if held is None or value > held[0]:
        layer[key] = (value, chain)


def _unchain(chain: Chain | None) -> list[int]:
    taken = []
    while chain is not None:
        taken.append(chain.pair)
        chain = chain.before
    return taken[::-1]
