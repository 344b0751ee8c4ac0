"""Which directions a model serves, and the way between two languages that no direction joins."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Directions:
    """Languages (FLORES codes) and trained directions (source, target); `pairs` None serves every one."""

    languages: frozenset[str]
    pairs: frozenset[tuple[str, str]] | None = None

    def serves(self, source: str, target: str) -> bool:
        """Say whether one hop leads from source to target."""
        if self.pairs is not None:
            return (source, target) in self.pairs
        return source != target and {source, target} <= self.languages

    def route(self, source: str, target: str) -> tuple[str, ...] | None:
        """Return the languages passed on a shortest way, target last, or None; equal ways by alphabet.

        >>> pairs = frozenset({("bbj_Latn", "fra_Latn"), ("fra_Latn", "eng_Latn")})
        >>> Directions(frozenset({"bbj_Latn", "eng_Latn", "fra_Latn"}), pairs).route("bbj_Latn", "eng_Latn")
        ('fra_Latn', 'eng_Latn')
        """
        if self.serves(source, target):
            return (target,)
        ways: dict[str, tuple[str, ...]] = {source: ()}
        queue = deque([source])
        while queue and self.pairs is not None:
            here = queue.popleft()
            for there in sorted(end for start, end in self.pairs if start == here and end not in ways):
                ways[there] = (*ways[here], there)
                queue.append(there)
        return ways.get(target) if source != target else None

    def reached_from(self, source: str) -> list[str]:
        """Return the languages that some way leads to, sorted."""
        return sorted(each for each in self.languages if self.route(source, each) is not None)
