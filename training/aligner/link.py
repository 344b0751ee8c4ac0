"""Stage `link`: word links of the languages that the encoder does not know, by the statistical aligner eflomal.

eflomal (GPL-3) is run as a program of the training environment; nothing of it is shipped.
"""

import logging
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.aligner.prepare import PAIRS, read_chosen
from training.nmt.errors import DataError
from training.teacher.align import Link, grown, read_links, with_equal_words
from training.teacher.pairs import Pair

logger = logging.getLogger(__name__)


def link(prepared: Path, skipped: frozenset[str], output: Path) -> None:
    """Write `<language>-<pivot>.txt`, a line of links a pair, in the order of the pairs; empty for languages `skipped`.

    A file that an interrupted run left is kept.
    """
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in read_chosen(prepared / PAIRS):
        groups.setdefault((pair.lang, pair.pivot), []).append(pair)
    for (lang, pivot), pairs in sorted(groups.items()):
        path = output / f"{lang}-{pivot}.txt"
        if lang in skipped or path.is_file():
            continue
        lines = [" ".join(f"{i}-{j}" for i, j in sorted(links)) for links in statistical_links(pairs)]
        partial = path.with_suffix(".partial")
        partial.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        partial.replace(path)
        logger.info("link: %s-%s, %d pairs", lang, pivot, len(pairs))


def statistical_links(pairs: Sequence[Pair]) -> list[set[Link]]:
    """Align one language pair in both directions, symmetrise by grow-diag, and link equal words left over."""
    from eflomal import Aligner

    with tempfile.TemporaryDirectory() as scratch:
        forward, backward = Path(scratch, "forward"), Path(scratch, "backward")
        Aligner(n_samplers=1).align(
            [lowered(pair.source) for pair in pairs],
            [lowered(pair.target) for pair in pairs],
            links_filename_fwd=str(forward),
            links_filename_rev=str(backward),
        )
        found = [path.read_text(encoding="utf-8").split("\n")[:-1] for path in (forward, backward)]
    if any(len(lines) != len(pairs) for lines in found):
        raise DataError(f"eflomal gave {len(found[0])} and {len(found[1])} lines for {len(pairs)} pairs")
    return [
        with_equal_words(grown(set(read_links(one)), set(read_links(other))), pair.source, pair.target)
        for pair, one, other in zip(pairs, *found, strict=True)
    ]


def lowered(words: Iterable[str]) -> str:
    """Join words in lower case, for statistics that capitals would split."""
    return " ".join(word.lower() for word in words)
