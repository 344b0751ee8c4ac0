"""Stage `align`: word links of all pairs by the statistical aligner eflomal (an external program of its own licence).

Each (language, pivot) is aligned at once, a small one with further pairs that only lend their statistics. Words are
lower-cased.
"""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.nmt.errors import DataError
from training.teacher.pairs import Pair, read_rows
from training.teacher.recipe import AlignRecipe

logger = logging.getLogger(__name__)

LINKS = "links.tsv"
Link = tuple[int, int]
_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
_LEAST_LETTERS = 3


def grown(forward: set[Link], backward: set[Link]) -> set[Link]:
    """Symmetrise two directions' links: what both have, then neighbours of those that link a word without a link.

    This is `grow-diag` of Koehn, Och and Marcu (2003), Statistical Phrase-Based Translation.

    >>> sorted(grown({(0, 0), (1, 1), (3, 0)}, {(0, 0), (1, 0)}))
    [(0, 0), (1, 0), (1, 1)]
    """
    links = forward & backward
    union = forward | backward
    sources, targets = {i for i, _ in links}, {j for _, j in links}
    frontier = sorted(links)
    while frontier:
        reached = []
        for i, j in frontier:
            for di, dj in _NEIGHBOURS:
                link = (i + di, j + dj)
                if link in union and link not in links and (link[0] not in sources or link[1] not in targets):
                    links.add(link)
                    sources.add(link[0])
                    targets.add(link[1])
                    reached.append(link)
        frontier = reached
    return links


def with_equal_words(links: set[Link], source: Sequence[str], target: Sequence[str]) -> set[Link]:
    """Link unlinked words that are spelt the same and occur once on either side, as names often do.

    >>> sorted(with_equal_words(set(), ["Kano", "is", "big"], ["Kano", "babba"]))
    [(0, 0)]
    """
    linked_sources, linked_targets = {i for i, _ in links}, {j for _, j in links}
    in_source, in_target = Counter(source), Counter(target)
    places = {word: place for place, word in enumerate(target)}
    return links | {
        (i, places[word])
        for i, word in enumerate(source)
        if len(word) >= _LEAST_LETTERS
        and in_source[word] == in_target[word] == 1
        and i not in linked_sources
        and places[word] not in linked_targets
    }


def align(chosen: Sequence[Path], statistics: Path, recipe: AlignRecipe, output: Path) -> None:
    """Write the links of every pair of the files `chosen`, in their order, one line a pair: `i-j` of words, 0-based."""
    pairs = [pair for path in chosen for pair in read_rows(path)]
    groups: dict[tuple[str, str], list[int]] = {}
    for place, pair in enumerate(pairs):
        groups.setdefault((pair.lang, pair.pivot), []).append(place)
    extra: dict[tuple[str, str], list[Pair]] = {}
    for pair in read_rows(statistics):
        extra.setdefault((pair.lang, pair.pivot), []).append(pair)
    lines = [""] * len(pairs)
    for key, places in sorted(groups.items()):
        group = [pairs[place] for place in places]
        lent = extra.get(key, [])[: max(0, recipe.least_pairs - len(group))]
        forward, backward = _directions([*group, *lent], recipe)
        for place, pair, one, other in zip(places, group, forward, backward, strict=False):
            links = with_equal_words(grown(one, other), pair.source, pair.target)
            lines[place] = " ".join(f"{i}-{j}" for i, j in sorted(links))
        logger.info("aligned %s-%s: %d pairs", *key, len(group))
    (output / LINKS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_links(text: str) -> list[Link]:
    """Return the links of a line.

    >>> read_links("0-0 2-1")
    [(0, 0), (2, 1)]
    """
    return [(int(i), int(j)) for i, j in (link.split("-") for link in text.split())]


def _directions(pairs: Sequence[Pair], recipe: AlignRecipe) -> tuple[list[set[Link]], list[set[Link]]]:
    """Run eflomal; links of each pair as (source, target), from either direction."""
    import eflomal

    with tempfile.TemporaryDirectory() as scratch:
        forward, backward = Path(scratch, "forward"), Path(scratch, "backward")
        aligner = eflomal.Aligner(n_samplers=recipe.samplers, rel_iterations=recipe.iterations)
        aligner.align(
            [_line(pair.source) for pair in pairs],
            [_line(pair.target) for pair in pairs],
            links_filename_fwd=str(forward),
            links_filename_rev=str(backward),
        )
        found = tuple([set(read_links(line)) for line in _lines(path)] for path in (forward, backward))
    if any(len(each) != len(pairs) for each in found):
        raise DataError(f"eflomal gave {len(found[0])} lines for {len(pairs)} pairs")
    return found[0], found[1]


def _line(words: Iterable[str]) -> str:
    return " ".join(word.lower() for word in words)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]
