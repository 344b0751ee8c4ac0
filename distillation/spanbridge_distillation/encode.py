"""Stage `encode`: everything that training reads, in one folder that can be carried to another machine."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbridge_distillation.columns import columns_of
from spanbridge_distillation.corpus import CORPUS, META, START, TOKENIZER, labels_name
from spanbridge_distillation.corrections import GoldTexts
from spanbridge_distillation.faults import DataFault
from spanbridge_distillation.gather import labels_file
from spanbridge_distillation.soft_labels import (
    SoftLabels,
    fingerprint_of,
    joined,
    load_soft_labels,
    save_soft_labels,
)
from spanbridge_distillation.start import HEAD, Start, read_start
from spanbridge_distillation.subwords import Subwords
from spanbridge_distillation.texts import Texts

_AT_ONCE = 4096
_MOST_SUBWORDS = 255


def encode(
    texts: Sequence[Texts],
    teachers: Sequence[str],
    labels: Sequence[str],
    gathered: Path,
    start_folder: Path,
    layers: int | None,
    sources: Mapping[str, Texts],
    output: Path,
    gold: Sequence[GoldTexts] = (),
) -> None:
    """Write the encoded corpus to `output`, unless it is there from the same inputs.

    `sources` are texts of the teachers' own languages, by teacher, or none; `gold` has a part for each of `texts`, or
    none. Raises `DataFault` where labels are missing or of other texts, and `ModelFault` as `read_start` does.
    """
    found = {name: [load_soft_labels(labels_file(gathered, name, each.lang)) for each in texts] for name in teachers}
    asked = fingerprint_of(
        labels={name: [about["fingerprint"] for _, about in parts] for name, parts in found.items()},
        texts=[each.digest for each in texts], start=str(start_folder.resolve()), layers=layers,
        sources={name: each.digest for name, each in sources.items()},
        **({"gold": [each.digest for each in gold]} if gold else {}),
    )  # fmt: skip
    if _fingerprint(output) == asked:
        return
    labelled = {name: [part for part, _ in parts] for name, parts in found.items()}
    if gold:
        texts, labelled = _with_gold(texts, labelled, gold)
    start = read_start(start_folder, layers)
    subwords = Subwords(start_folder / TOKENIZER)
    draft = output.with_name(f"{output.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    np.savez(draft / START, **_kept(start, labels))  # type: ignore[arg-type]  # the stub takes the names for options
    shutil.copyfile(start_folder / TOKENIZER, draft / TOKENIZER)
    np.savez_compressed(draft / CORPUS, **_arrays(texts, sources, teachers, subwords))  # type: ignore[arg-type]
    for name, own in labelled.items():
        save_soft_labels(draft / labels_name(name), joined(own), {"fingerprint": asked})
    meta = _meta(texts, teachers, labels, start, subwords) | {"fingerprint": asked, "start": start_folder.name}
    (draft / META).write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(output, ignore_errors=True)
    draft.rename(output)


def _kept(start: Start, labels: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the weights to begin with; a head of other tags says nothing to this student."""
    fits = start.tags == columns_of(labels)
    return {name: value for name, value in start.arrays.items() if fits or not name.startswith(HEAD)}


def _with_gold(
    texts: Sequence[Texts], labelled: Mapping[str, Sequence[SoftLabels]], gold: Sequence[GoldTexts]
) -> tuple[list[Texts], dict[str, list[SoftLabels]]]:
    """Put gold sentences behind each text's own; every teacher is right about what people corrected."""
    return [each.behind(text) for text, each in zip(texts, gold, strict=True)], {
        name: [joined([part, each.labels]) for part, each in zip(parts, gold, strict=True)]
        for name, parts in labelled.items()
    }


def _fingerprint(folder: Path) -> str | None:
    if not (folder / META).is_file():
        return None
    found: str = json.loads((folder / META).read_text(encoding="utf-8"))["fingerprint"]
    return found


def _meta(
    texts: Sequence[Texts], teachers: Sequence[str], labels: Sequence[str], start: Start, subwords: Subwords
) -> dict[str, Any]:
    return {
        "tags": list(columns_of(labels)),
        "teachers": list(teachers),
        "languages": [each.lang for each in texts],
        "config": start.config,
        "max_tokens": start.max_tokens,
        **asdict(subwords.specials),
    }


def _arrays(
    texts: Sequence[Texts], sources: Mapping[str, Texts], teachers: Sequence[str], subwords: Subwords
) -> dict[str, NDArray[Any]]:
    words = [each for part in texts for each in part.words()]
    if not words:
        raise DataFault("there is no sentence to encode")
    ids, counts = _encoded(subwords, words)
    lower_ids, lower_counts = _encoded(subwords, [[word.lower() for word in each] for each in words])
    arrays: dict[str, NDArray[Any]] = {
        "ids": ids,
        "counts": counts,
        "lower_ids": lower_ids,
        "lower_counts": lower_counts,
        "n_words": np.array([len(each) for each in words], np.int64),
        "lang": np.repeat(np.arange(len(texts)), [len(each.sentences) for each in texts]),
    }
    if sources:
        parts = [(teachers.index(name), each) for name, text in sources.items() for each in text.words()]
        encoded = [_encoded(subwords, [each])[0] for _, each in parts]
        arrays["source_ids"] = np.concatenate(encoded)
        arrays["source_lengths"] = np.array([len(each) for each in encoded], np.int64)
        arrays["source_of"] = np.array([teacher for teacher, _ in parts], np.int64)
    return arrays


def _encoded(subwords: Subwords, sentences: Sequence[Sequence[str]]) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Return all sub-words, and how many each word has, at most 255."""
    ids: list[int] = []
    counts: list[int] = []
    for start in range(0, len(sentences), _AT_ONCE):
        for words in subwords.encode(sentences[start : start + _AT_ONCE]):
            for word in words:
                ids += word[:_MOST_SUBWORDS]
                counts.append(min(len(word), _MOST_SUBWORDS))
    return np.array(ids, np.int32), np.array(counts, np.uint8)
