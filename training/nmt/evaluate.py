"""BLEU and chrF of a converted model on DATA/mt_dev, per language, as JSON and as a Markdown table."""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ctranslate2
from sacrebleu.metrics import BLEU, CHRF
from tokenizers import Tokenizer
from tqdm import tqdm

from training.nmt.errors import DataError
from training.nmt.layout import EOS
from training.nmt.manifest import read_manifest
from training.nmt.recipe import EvaluateRecipe
from training.nmt.stages import write_json

logger = logging.getLogger(__name__)

RESULTS, TABLE = "evaluation.json", "evaluation.md"


@dataclass(frozen=True)
class Score:
    """One language's figures; `seconds` is the time to translate all `sentences` in one call."""

    language: str
    sentences: int
    bleu: float
    chrf: float
    seconds: float


class Translations:
    """A converted model with its tokenizer: text in, text out."""

    def __init__(self, folder: Path, recipe: EvaluateRecipe) -> None:
        self._recipe = recipe
        self._limit = int(read_manifest(folder)["max_source_tokens"])
        self._max_target = int(read_manifest(folder)["max_target_tokens"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._translator = ctranslate2.Translator(
            str(folder), device="cpu", inter_threads=1, intra_threads=recipe.threads
        )

    def source(self, text: str, language: str) -> list[str]:
        """The tokens that CTranslate2 reads: code, pieces (cut to the model's limit), `</s>`."""
        pieces = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return [language, *pieces[: self._limit - 2], EOS]

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """One best translation per text."""
        results = self._translator.translate_batch(
            [self.source(text, source) for text in texts],
            target_prefix=[[target]] * len(texts),
            beam_size=self._recipe.beam,
            max_batch_size=self._recipe.batch_tokens,
            batch_type="tokens",
            max_decoding_length=self._max_target,
        )
        return [self._text(result.hypotheses[0][1:]) for result in results]

    def _text(self, tokens: Sequence[str]) -> str:
        ids = [index for token in tokens if (index := self._tokenizer.token_to_id(token)) is not None]
        text: str = self._tokenizer.decode(ids)
        return text


def development_sets(data: Path, sentences: int) -> dict[str, list[tuple[str, str]]]:
    """The first `sentences` (text, reference) pairs of every DATA/mt_dev/<code>.tsv."""
    sets = {}
    for path in sorted((data / "mt_dev").glob("*.tsv")):
        pairs = []
        for line in path.read_text(encoding="utf-8").split("\n")[:sentences]:
            if line:
                text, reference = line.split("\t")
                pairs.append((text, reference))
        sets[path.stem] = pairs
    if not sets:
        raise DataError("DATA/mt_dev holds no *.tsv")
    return sets


def evaluate(model: Path, data: Path, recipe: EvaluateRecipe, output: Path) -> None:
    """Translate each development set that the model knows into the target, score it, write JSON and Markdown."""
    translations = Translations(model, recipe)
    known = {tuple(pair) for pair in read_manifest(model)["pairs"]}
    bleu, chrf = BLEU(), CHRF()
    scores = []
    for language, pairs in tqdm(development_sets(data, recipe.sentences).items(), desc="evaluate", disable=None):
        if (language, recipe.target) not in known:
            logger.warning("%s: the model does not translate it into %s, left out", language, recipe.target)
            continue
        texts, references = zip(*pairs, strict=True)
        start = time.perf_counter()
        hypotheses = translations.translate(texts, language, recipe.target)
        seconds = time.perf_counter() - start
        b, c = bleu.corpus_score(hypotheses, [references]), chrf.corpus_score(hypotheses, [references])
        scores.append(Score(language, len(pairs), round(b.score, 2), round(c.score, 2), seconds))
    if not scores:
        raise DataError(f"no set in DATA/mt_dev is of a language that the model translates into {recipe.target}")
    signatures = {"bleu": str(bleu.get_signature()), "chrf": str(chrf.get_signature())}
    results = {"target": recipe.target, "beam": recipe.beam, "threads": recipe.threads, "signatures": signatures}
    write_json(output / RESULTS, {**results, "scores": [asdict(score) for score in scores]})
    (output / TABLE).write_text(table(json.loads((output / RESULTS).read_text(encoding="utf-8"))), encoding="utf-8")


def table(results: dict[str, Any]) -> str:
    """The results as a Markdown table with the mean and the signatures."""
    rows = ["| language | BLEU | chrF | sentences/s |", "|---|---|---|---|"]
    scores = results["scores"]
    for score in scores:
        speed = score["sentences"] / score["seconds"]
        rows.append(f"| {score['language']} | {score['bleu']:.1f} | {score['chrf']:.1f} | {speed:.0f} |")
    mean = {key: sum(score[key] for score in scores) / len(scores) for key in ("bleu", "chrf")}
    speed = sum(score["sentences"] for score in scores) / sum(score["seconds"] for score in scores)
    rows.append(f"| **mean** | **{mean['bleu']:.1f}** | **{mean['chrf']:.1f}** | {speed:.0f} |")
    signatures = results["signatures"]
    note = f"Beam {results['beam']}, {results['threads']} threads. `{signatures['bleu']}`, `{signatures['chrf']}`."
    return "\n".join([*rows, "", note, ""])
