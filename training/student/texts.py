"""Stage `select`: which unlabelled sentences the student learns from, a file a language."""

import logging
import random
from collections.abc import Iterable
from pathlib import Path

from spanbridge_shared.text.languages import resolve_language
from spanbridge_shared.text.tokenization import detokenize
from training.nmt.errors import DataError
from training.nmt.stages import write_json
from training.student.layout import COUNTS, RUNNING, TEXTS

logger = logging.getLogger(__name__)


def select(
    data: Path, output: Path, *, sentences: int, min_words: int, max_words: int, seed: int, leave_out: Iterable[str]
) -> None:
    """Write up to `sentences` lines a language, in an order that `seed` fixes.

    `texts/LANG.txt` has the words separated by blanks, `running/LANG.txt` the same sentences as running text, which is
    what a translation model reads. `data` is the folder with `ner/masakhaner2`. No sentence of any dev or test part is
    taken, though the training text repeats some of them, and none twice. Raises DataError where there is no text.
    """
    folder = data / "ner" / "masakhaner2"
    files = [path for path in sorted(folder.glob("*/unlabelled.txt")) if path.parent.name not in set(leave_out)]
    if not files:
        raise DataError(f"{folder.name} holds no */unlabelled.txt")
    measured = _measured(folder)
    counts = {}
    for kind in (TEXTS, RUNNING):
        (output / kind).mkdir(parents=True)
    for path in files:
        lines = dict.fromkeys(" ".join(line.split()) for line in path.read_text(encoding="utf-8").split("\n"))
        fitting = [line for line in lines if min_words <= len(line.split()) <= max_words and line not in measured]
        random.Random(f"{seed} {path.parent.name}").shuffle(fitting)
        lang = resolve_language(path.parent.name)
        chosen = fitting[:sentences]
        _write(output / TEXTS / f"{lang}.txt", chosen)
        _write(output / RUNNING / f"{lang}.txt", (detokenize(line.split()) for line in chosen))
        counts[lang] = {"given": len(lines), "fitting": len(fitting), "chosen": len(chosen)}
        logger.info("%s: %d of %d", lang, len(chosen), len(fitting))
    write_json(output / COUNTS, counts)


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _measured(folder: Path) -> set[str]:
    """The sentences of every dev and test part, words separated by blanks; their tags are not kept."""
    found: set[str] = set()
    for path in (*folder.glob("*/dev.txt"), *folder.glob("*/test.txt")):
        words: list[str] = []
        for line in (*path.read_text(encoding="utf-8").split("\n"), ""):
            if line.strip():
                words.append(line.split()[0])
            elif words:
                found.add(" ".join(words))
                words = []
    return found
