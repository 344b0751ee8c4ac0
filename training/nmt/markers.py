"""Do markers survive? Names of the development sets are marked, translated both ways, and looked for again."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from spanbridge_gateway.core.markers import insert_markers, read_markers
from spanbridge_shared.contracts.options import MarkerStyle
from spanbridge_shared.text.spans import Span, without_overlaps
from training.nmt.errors import DataError
from training.nmt.evaluate import Translations, development_sets
from training.nmt.links import word_spans
from training.nmt.manifest import read_manifest
from training.nmt.marking import names
from training.nmt.recipe import EvaluateRecipe
from training.nmt.stages import write_json

RESULTS, TABLE = "markers.json", "markers.md"
# Not every sentence has a name: so many are looked at for each that is wanted.
_LOOKED_AT = 4


@dataclass(frozen=True)
class Survival:
    """One direction's figures: pairs of markers put in and read back, and sentences whose pairs all came back."""

    source: str
    target: str
    sentences: int
    put: int
    kept: int
    intact: int


def marked_names(text: str, language: str, most: int) -> list[Span]:
    """The code-point spans of a text's first `most` names.

    >>> marked_names("In Dodoma, Samia Suluhu spoke.", "eng_Latn", 2)
    [Span(start=3, end=9), Span(start=11, end=23)]
    """
    words = word_spans(text, language)
    runs = names([text[word.start : word.end] for word in words])[:most]
    return [Span(words[run.start].start, words[run.end - 1].end) for run in runs]


def found_again(names_of: Sequence[str], text: str) -> list[Span]:
    """Where the names stand in another text, as whole words, in order, each at most once.

    >>> found_again(["Samia", "Ali"], "Alipofika Samia")
    [Span(start=10, end=15)]
    """
    spans = []
    for name in names_of:
        place = text.find(name)
        around = text[max(0, place - 1) : place] + text[place + len(name) : place + len(name) + 1]
        if place >= 0 and not any(map(str.isalnum, around)):
            spans.append(Span(place, place + len(name)))
    return sorted(without_overlaps(spans))


def prompts(
    pairs: Sequence[tuple[str, str]], target: str, recipe: EvaluateRecipe
) -> dict[str, list[tuple[str, list[Span]]]]:
    """Texts with the spans to mark, `from` the pivot and `into` it, at most `marked_sentences` of each."""
    chosen: dict[str, list[tuple[str, list[Span]]]] = {"from": [], "into": []}
    for text, reference in pairs:
        spans = marked_names(reference, target, recipe.marked_spans)
        again = found_again([reference[span.start : span.end] for span in spans], text)
        for direction, marks in (("from", (reference, spans)), ("into", (text, again))):
            if marks[1] and len(chosen[direction]) < recipe.marked_sentences:
                chosen[direction].append(marks)
    return chosen


def survival(
    translations: Translations, texts: Sequence[tuple[str, list[Span]]], source: str, target: str, style: MarkerStyle
) -> Survival:
    """Translate the texts with their spans marked, and count what comes back."""
    marked = [insert_markers(text, spans, style) for text, spans in texts]
    readings = [read_markers(text, style) for text in translations.translate(marked, source, target)]
    put = [len(spans) for _, spans in texts]
    kept = [min(len(reading.spans), count) for reading, count in zip(readings, put, strict=True)]
    intact = [
        len(reading.spans) == count and not reading.unpaired and not reading.empty
        for reading, count in zip(readings, put, strict=True)
    ]
    return Survival(source, target, len(texts), sum(put), sum(kept), sum(intact))


def measure(model: Path, data: Path, recipe: EvaluateRecipe, style: MarkerStyle, output: Path) -> None:
    """Measure every development set of a language that the model translates both ways; write JSON and Markdown."""
    translations, pivot = Translations(model, recipe), recipe.target
    known = {tuple(pair) for pair in read_manifest(model)["pairs"]}
    found = []
    for language, pairs in tqdm(
        development_sets(data, _LOOKED_AT * recipe.marked_sentences).items(), desc="markers", disable=None
    ):
        texts = prompts(pairs, pivot, recipe)
        for direction, (source, target) in (("from", (pivot, language)), ("into", (language, pivot))):
            if (source, target) in known and texts[direction]:
                found.append(survival(translations, texts[direction], source, target, style))
    if not found:
        raise DataError("no set in DATA/mt_dev has names in a language that the model translates")
    write_json(
        output / RESULTS,
        {"style": style.value, "beam": recipe.beam, "pivot": pivot, "found": [asdict(each) for each in found]},
    )
    (output / TABLE).write_text(table(json.loads((output / RESULTS).read_text(encoding="utf-8"))), encoding="utf-8")


def table(results: dict[str, Any]) -> str:
    """The share of pairs kept per language and direction, in percent; in brackets the share of whole sentences."""
    pivot, found = results["pivot"], results["found"]
    rows = [f"| {results['style']} | from {pivot} | into {pivot} |", "|---|---|---|"]
    for language in sorted({each["source"] for each in found} | {each["target"] for each in found} - {pivot}):
        if language != pivot:
            cells = [_cell([each for each in found if each[side] == language]) for side in ("target", "source")]
            rows.append(f"| {language} | {cells[0]} | {cells[1]} |")
    cells = [_cell([each for each in found if each[side] != pivot]) for side in ("target", "source")]
    return "\n".join([*rows, f"| **all** | {cells[0]} | {cells[1]} |", ""])


def _cell(found: Sequence[dict[str, Any]]) -> str:
    if not found:
        return "–"
    put, kept, sentences, intact = (sum(each[key] for each in found) for key in ("put", "kept", "sentences", "intact"))
    return f"{100 * kept / put:.0f} ({100 * intact / sentences:.0f})"
