"""Finished taggers that label the corpus of a first round, each in the languages that it reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from spanbridge_distillation.start import Start, read_start
from training.nmt.errors import ModelFileError, StageError
from training.teacher.corpus import Corpus, Ints
from training.teacher.english import TAGS
from training.teacher.labels import Predictor
from training.teacher.network import Tagger, tagger_of

_ANY = "*"


@dataclass(frozen=True)
class Labeller:
    """A tagger on a device, the languages that it reads (None: any) and its share where several read a language."""

    name: str
    tagger: Tagger
    languages: frozenset[str] | None
    temperature: float
    weight: float


def read_tagger(folder: Path, layers: int | None = None) -> Start:
    """Read a served token classifier, its first `layers` layers; raises ModelFileError where its tags are others."""
    start = read_start(folder, layers)
    if start.tags != TAGS:
        raise ModelFileError(f"{folder.name} has the tags {start.tags}, wanted are {TAGS}")
    return start


def read_labellers(folders: Sequence[Path], weights: Mapping[str, float], device: torch.device) -> list[Labeller]:
    """Read the taggers that a recipe weighs by name; raises StageError when they aren't those of the folders."""
    found = []
    for folder in folders:
        manifest = json.loads((folder / "spanbridge.json").read_text(encoding="utf-8"))
        name, languages = manifest["name"], manifest["languages"]
        if name not in weights:
            raise StageError(f"[label.labellers] of the recipe has no weight for {name}")
        tagger = tagger_of(read_tagger(folder), 0.0).to(device).eval()
        known = None if _ANY in languages else frozenset(languages)
        found.append(Labeller(name, tagger, known, float(manifest.get("temperature", 1.0)), weights[name]))
    if missing := sorted(set(weights) - {labeller.name for labeller in found}):
        raise StageError(f"the recipe asks for labels of {', '.join(missing)}: give --labeller")
    return found


def said_by(labellers: Sequence[Labeller], predictor: Predictor, corpus: Corpus, rows: Ints) -> NDArray[np.float16]:
    """Return the weighted mean of probabilities (n_words, n_tags) for the words of `rows`; all others are surely O.

    Raises StageError where nobody reads a language of them.
    """
    total = np.zeros((int(corpus.words[-1]), len(TAGS)), np.float32)
    weight = np.zeros(len(total), np.float32)
    for labeller in labellers:
        known = [
            place
            for place, lang in enumerate(corpus.languages)
            if labeller.languages is None or lang in labeller.languages
        ]
        mine = rows[np.isin(corpus.lang[rows], known)]
        chosen = np.zeros(len(corpus.group), bool)
        chosen[mine] = True
        words = np.repeat(chosen, np.diff(corpus.words))
        said = predictor.predict([labeller.tagger], mine, labeller.temperature)
        total[words] += labeller.weight * said[words].astype(np.float32)
        weight[words] += labeller.weight
    if unread := {corpus.languages[place] for place in corpus.lang[rows[weight[corpus.words[rows]] == 0]]}:
        raise StageError(f"no labeller reads {', '.join(sorted(unread))}")
    total[weight == 0, 0] = 1.0
    return (total / np.where(weight > 0, weight, 1.0)[:, None]).astype(np.float16)
