"""Other people's tag schemes and label names, folded into IOB2 over this project's labels."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from spanbridge_shared.errors import ConfigurationError

FloatMatrix = NDArray[np.float64]

_RENAMED = {"PERSON": "PER", "GPE": "LOC", "FAC": "LOC", "NORP": "MISC"}
# Kinds of OntoNotes that the data sets this project is measured on leave unlabelled.
_UNSERVED = frozenset(
    {
        "CARDINAL",
        "EVENT",
        "LANGUAGE",
        "LAW",
        "MONEY",
        "ORDINAL",
        "PERCENT",
        "PRODUCT",
        "QUANTITY",
        "TIME",
        "WORK_OF_ART",
    }
)
_ONLY_ONTONOTES = "NORP"
_BEGINS = frozenset("BSU")
_TAG = re.compile(r"([BISUEL])-(.+)", re.IGNORECASE)
_UNNAMED = re.compile(r"LABEL_\d+")


class TagScheme(StrEnum):
    """What `B-` means in a checkpoint's tags; `auto` reads it off the tags themselves."""

    AUTO = "auto"
    IOB1 = "iob1"
    IOB2 = "iob2"


def plain_labels(own: Iterable[str]) -> dict[str, str | None]:
    """Return this project's label for each of a teacher's own ones; None for those left unlabelled.

    Only a teacher of OntoNotes loses labels: another one's EVENT or PRODUCT is what it was made for.

    >>> plain_labels(["GPE", "NORP", "CARDINAL"])
    {'GPE': 'LOC', 'NORP': 'MISC', 'CARDINAL': None}
    >>> plain_labels(["PER", "EVENT"])
    {'PER': 'PER', 'EVENT': 'EVENT'}
    """
    labels = list(own)
    unserved = _UNSERVED if _ONLY_ONTONOTES in labels else frozenset[str]()
    return {label: None if label in unserved else _RENAMED.get(label, label) for label in labels}


def tags_for(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the columns used everywhere inside: `O`, then `B-` and `I-` of each label.

    >>> tags_for(["PER", "LOC"])
    ('O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC')
    """
    return ("O", *(f"{prefix}-{label}" for label in labels for prefix in "BI"))


@dataclass(frozen=True, slots=True)
class TagColumns:
    """How a checkpoint's columns become `tags`: `matrix` (n_own, n_tags) holds a 1 where a column goes."""

    labels: tuple[str, ...]
    tags: tuple[str, ...]
    matrix: FloatMatrix
    iob1: bool

    def fold(self, probabilities: FloatMatrix) -> FloatMatrix:
        """Turn (n_tokens, n_own) into (n_tokens, n_tags); rows keep their sum."""
        folded = probabilities @ self.matrix
        return starts_from_iob1(folded) if self.iob1 else folded


def read_tags(own_tags: Sequence[str], scheme: TagScheme = TagScheme.AUTO) -> TagColumns:
    """Understand a checkpoint's tags: IOB1, IOB2, IO (with or without `I-`), BIOES and BILOU.

    Raises `ConfigurationError` for tags without names (`LABEL_0`) and where there is no `O`.
    """
    if unnamed := [tag for tag in own_tags if _UNNAMED.fullmatch(tag)]:
        raise ConfigurationError(
            f"the checkpoint doesn't name its labels ({unnamed[0]} …); write id2label with IOB2 tags such as B-PER "
            "into its config.json"
        )
    if "O" not in own_tags:
        raise ConfigurationError(f"the checkpoint has no tag O among {', '.join(own_tags[:20])}")
    split = _split(own_tags)
    labels = tuple(dict.fromkeys(label for _, label in split if label is not None))
    if not labels:
        raise ConfigurationError(f"none of the checkpoint's tags is served: {', '.join(own_tags[:20])}")
    tags = tags_for(labels)
    matrix = np.zeros((len(own_tags), len(tags)))
    for row, (begins, label) in enumerate(split):
        matrix[row, 0 if label is None else tags.index(f"{'B' if begins else 'I'}-{label}")] = 1.0
    return TagColumns(labels, tags, matrix, scheme is TagScheme.IOB1 or (scheme is TagScheme.AUTO and _is_iob1(split)))


def _split(own_tags: Sequence[str]) -> list[tuple[bool, str | None]]:
    """Return for each tag whether it begins an entity, and its plain label; None for O and labels left unlabelled."""
    matches = [_TAG.fullmatch(tag) for tag in own_tags]
    bare = [match[2] if match else tag for match, tag in zip(matches, own_tags, strict=True)]
    plain = plain_labels(label for label in bare if label != "O") | {"O": None}
    begins = [match is not None and match[1].upper() in _BEGINS for match in matches]
    return [(begin, plain[label]) for begin, label in zip(begins, bare, strict=True)]


def _is_iob1(split: Sequence[tuple[bool, str | None]]) -> bool:
    """Say whether a label has no tag to begin with: only IOB1 and IO do without (CoNLL-2003 in IOB1 has no B-PER)."""
    begun = {label for begins, label in split if begins}
    return any(label is not None and label not in begun for _, label in split)


def starts_from_iob1(probabilities: FloatMatrix) -> FloatMatrix:
    """Move to `B-X` the part of each `I-X` that begins an entity, columns as `tags_for` has them.

    With tokens independent, as the rows take them to be, an `I-X` continues an entity with the probability that the
    token before is in X: I'(k) = I(k)·[B(k-1) + I(k-1)], B'(k) = B(k) + I(k) - I'(k).

    >>> starts_from_iob1(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    begin, inside = probabilities[:, 1::2], probabilities[:, 2::2]
    before = np.zeros_like(begin)
    before[1:] = begin[:-1] + inside[:-1]
    moved = probabilities.copy()
    moved[:, 2::2] = inside * before
    moved[:, 1::2] = begin + inside - moved[:, 2::2]
    return moved
