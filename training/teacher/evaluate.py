"""Stage `evaluate`: a converted folder through the service's own code, on development and test sets."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from spanbridge_ner_teacher.backends.base import Teacher
from spanbridge_ner_teacher.backends.ctranslate2_teacher import open_ctranslate2
from spanbridge_ner_teacher.backends.spacy_teacher import SpacyTeacher
from spanbridge_ner_teacher.core.labels import TagScheme
from spanbridge_ner_teacher.core.sentences import Sentence
from spanbridge_shared.errors import SentenceError
from spanbridge_shared.text.languages import ENGLISH, resolve_language
from training.nmt.stages import write_json
from training.teacher.english import DEV, HELD_OUT, LABELS, TEST, check_sentences, english_sentences
from training.teacher.noise import mention_spans
from training.teacher.scoring import Counts, mean_score

RESULTS, TABLE = "evaluation.json", "evaluation.md"
_BATCH, _BATCH_TOKENS = 64, 4096

Tagged = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Figures:
    """A teacher's strict F1 by set, PER, ORG and LOC together."""

    teacher: str
    f1: Mapping[str, float]


def open_folder(folder: Path, threads: int) -> Teacher:
    """Open a converted folder as the service does."""
    return open_ctranslate2(
        str(folder.resolve()), threads=threads, scheme=TagScheme.AUTO, max_batch_tokens=_BATCH_TOKENS
    )


def score(teacher: Teacher, sentences: Sequence[Tagged], lang: str) -> Counts:
    """Count the mentions of PER, ORG and LOC that a teacher finds in sentences given as tokens."""
    counts = Counts()
    for start in range(0, len(sentences), _BATCH):
        batch = sentences[start : start + _BATCH]
        answers = teacher.entities([Sentence(lang, tokens=words) for words, _ in batch])
        for (_, tags), entities in zip(batch, answers, strict=True):
            if isinstance(entities, SentenceError):
                raise entities
            gold = [(s, e, LABELS.index(label)) for s, e, label in mention_spans(tags)]
            predicted = [
                (each.span.start, each.span.end, LABELS.index(each.label)) for each in entities if each.label in LABELS
            ]
            counts = counts.plus(gold, predicted)
    return counts


def english_sets(data: Path, held_out: float) -> dict[str, list[Tagged]]:
    """EWT's dev and test sets, the part of wikigold that is never trained on, and all of it (for other teachers)."""
    sentences = english_sentences(data, held_out)
    wanted = {"ewt dev": ("ewt", DEV), "ewt test": ("ewt", TEST), "wikigold held out": ("wikigold", HELD_OUT)}
    found = {
        name: [(each.words, each.tags) for each in sentences if (each.source, each.split) == key]
        for name, key in wanted.items()
    }
    return found | {"wikigold, all": [(each.words, each.tags) for each in sentences if each.source == "wikigold"]}


def evaluate(folder: Path, data: Path, held_out: float, output: Path, *, spacy: str = "", threads: int = 2) -> None:
    """Write F1 on the English sets, beside spaCy's where named, and on MasakhaNER 2's development sets."""
    teacher = open_folder(folder, threads)
    sets = english_sets(data, held_out)
    figures = [
        Figures(
            teacher.card.name, {n: round(score(teacher, s, ENGLISH).f1, 4) for n, s in sets.items() if "all" not in n}
        )
    ]
    if spacy:
        other = SpacyTeacher(spacy)
        figures.append(Figures(other.card.name, {n: round(score(other, s, ENGLISH).f1, 4) for n, s in sets.items()}))
    languages: dict[str, list[Tagged]] = {}
    for lang, words, tags in check_sentences(data):
        languages.setdefault(lang, []).append((words, tags))
    transfer = {
        lang: round(score(teacher, sentences, resolve_language(lang)).f1, 4) for lang, sentences in languages.items()
    }
    results = {
        "english": [asdict(each) for each in figures],
        "transfer": transfer,
        "mean": round(mean_score(transfer), 4),
    }
    write_json(output / RESULTS, results)
    (output / TABLE).write_text(table(results), encoding="utf-8")


def table(results: Mapping[str, object]) -> str:
    """Return the results as Markdown."""
    english = json.loads(json.dumps(results["english"]))
    names = list(english[-1]["f1"])
    lines = ["| teacher | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for row in english:
        cells = [f"{row['f1'][name]:.3f}" if name in row["f1"] else "–" for name in names]
        lines.append(f"| {row['teacher']} | " + " | ".join(cells) + " |")
    transfer = json.loads(json.dumps(results["transfer"]))
    lines += ["", "| " + " | ".join(transfer) + " | mean without bbj |", "|" + "---:|" * (len(transfer) + 1)]
    lines.append("| " + " | ".join(f"{f1:.3f}" for f1 in transfer.values()) + f" | {results['mean']:.3f} |")
    return "\n".join(lines) + "\n"
