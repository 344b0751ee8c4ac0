"""Soft labels of many sentences, in memory and in compressed files."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbridge_distillation.columns import Rows
from spanbridge_distillation.faults import DataFault

_STEP = 2048
"""Probabilities are kept in steps of 1/2048, which is float16's own near 1: noise below would only fill the disk."""


@dataclass(frozen=True, slots=True)
class SoftLabels:
    """What one teacher says of sentences: `rows` (n_words, n_tags) of all of them, one behind the other.

    `lengths` (n_sentences,) counts each one's words; `sound` (n_sentences,) is False where the teacher failed, and the
    rows are 0.
    """

    rows: NDArray[np.float16]
    lengths: NDArray[np.int64]
    sound: NDArray[np.bool_]


def soft_labels(sentences: Sequence[Rows | None], lengths: Sequence[int], n_tags: int) -> SoftLabels:
    """Put sentences' rows behind each other; None where the teacher failed.

    >>> soft_labels([None, np.array([[0.25, 0.75]])], [2, 1], 2).rows.tolist()
    [[0.0, 0.0], [0.0, 0.0], [0.25, 0.75]]

    Raises `ValueError` where rows aren't (words, tags).
    """
    parts: list[Rows] = [np.zeros((0, n_tags))]
    for rows, length in zip(sentences, lengths, strict=True):
        if rows is not None and rows.shape != (length, n_tags):
            raise ValueError(f"a sentence of {length} words has rows of shape {rows.shape}, not ({length}, {n_tags})")
        parts.append(np.zeros((length, n_tags)) if rows is None else rows)
    stepped = np.round(np.concatenate(parts) * _STEP) / _STEP
    return SoftLabels(
        stepped.astype(np.float16),
        np.array(lengths, np.int64),
        np.array([rows is not None for rows in sentences], bool),
    )


def joined(parts: Sequence[SoftLabels]) -> SoftLabels:
    """Return the parts one behind the other; at least one."""
    return SoftLabels(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.sound for part in parts]),
    )


def fingerprint_of(**parts: Any) -> str:
    """Return a hash of JSON values: what depends on the same ones has the same fingerprint."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def save_soft_labels(path: Path, labels: SoftLabels, about: Mapping[str, Any]) -> None:
    """Write labels and JSON about them (its `fingerprint` among it); the file is whole or not there."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        np.savez_compressed(
            file, rows=labels.rows, lengths=labels.lengths.astype(np.int32), sound=labels.sound,
            about=np.array(json.dumps(dict(about))),
        )  # fmt: skip
    partial.replace(path)


def load_soft_labels(path: Path) -> tuple[SoftLabels, dict[str, Any]]:
    """Read what `save_soft_labels` wrote; raises `DataFault` where that is damaged."""
    try:
        with np.load(path) as arrays:
            about: dict[str, Any] = json.loads(str(arrays["about"]))
            labels = SoftLabels(arrays["rows"], arrays["lengths"].astype(np.int64), arrays["sound"])
    except (OSError, ValueError, KeyError) as fault:
        raise DataFault(f"{path} holds no soft labels ({type(fault).__name__}): remove it, and gather again") from fault
    if len(labels.rows) != labels.lengths.sum() or len(labels.sound) != len(labels.lengths):
        raise DataFault(f"{path} holds soft labels that don't fit their sentences: remove it, and gather again")
    return labels, about
