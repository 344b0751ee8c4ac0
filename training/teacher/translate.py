"""Stage `translate`: unlabelled sentences and the English that models/nmt makes of them, as further pairs.

They are the texts the pipeline meets: news of the served languages, and English with a small model's faults.
"""

import logging
import random
from pathlib import Path

from spanbridge_shared.text.languages import ENGLISH, resolve_language
from spanbridge_shared.text.tokenization import detokenize
from training.nmt.evaluate import Translations
from training.nmt.manifest import read_manifest
from training.nmt.recipe import EvaluateRecipe
from training.teacher.arrays import TRANSLATED
from training.teacher.pairs import PAIRS, Pair, read_rows, words_of
from training.teacher.recipe import PrepareRecipe, TranslateRecipe

logger = logging.getLogger(__name__)

_CHUNK = 100


def translate(data: Path, model: Path, lengths: PrepareRecipe, recipe: TranslateRecipe, output: Path) -> None:
    """Write `pairs.tsv`; sentences of up to 100 go through the model at once, and a stopped run goes on behind them."""
    translations = Translations(
        model, EvaluateRecipe(beam=recipe.beam, threads=recipe.threads, batch_tokens=recipe.batch_tokens)
    )
    known = {tuple(pair) for pair in read_manifest(model)["pairs"]}
    path = output / PAIRS
    done = sum(1 for _ in read_rows(path)) if path.exists() else 0
    with path.open("a", encoding="utf-8", newline="\n") as lines:
        for lang, sentences in _unlabelled(data, lengths, recipe.sentences).items():
            if (lang, ENGLISH) not in known:
                logger.warning("%s: the model doesn't translate it into English, left out", lang)
                continue
            for start in range(0, len(sentences), _CHUNK):
                chunk = sentences[start : start + _CHUNK]
                if done >= len(chunk):
                    done -= len(chunk)
                    continue
                english = translations.translate([detokenize(words) for words in chunk[done:]], lang, ENGLISH)
                lines.writelines(
                    Pair(TRANSLATED, lang, ENGLISH, words_of(text, ENGLISH) or ("?",), words).row()
                    for text, words in zip(english, chunk[done:], strict=True)
                )
                lines.flush()
                done = 0


def _unlabelled(data: Path, lengths: PrepareRecipe, count: int) -> dict[str, list[tuple[str, ...]]]:
    """Return up to `count` sentences by language, in an order that the seed fixes."""
    found = {}
    for path in sorted((data / "ner" / "masakhaner2").glob("*/unlabelled.txt")):
        lines = [tuple(line.split()) for line in path.read_text(encoding="utf-8").split("\n")]
        fitting = [words for words in lines if lengths.min_words <= len(words) <= lengths.max_words]
        random.Random(f"{lengths.seed} {path.parent.name}").shuffle(fitting)
        found[resolve_language(path.parent.name)] = fitting[:count]
    return found
