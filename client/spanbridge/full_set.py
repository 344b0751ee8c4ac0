"""The full model set: which checkpoint of a model hub takes which place among the models that the services load.

The places have the names of the embedded models, so that a folder with the full set in it needs no other setting than
SPANBRIDGE_MODELS_DIR.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from spanbridge import conversion
from spanbridge_shared.contracts.manifest import MANIFEST, MANIFEST_FILE
from spanbridge_shared.errors import ConfigurationError


class Place(StrEnum):
    """A folder of the models folder, and so what loads it."""

    TRANSLATION = "nmt"
    ALIGNMENT = "encoder"
    TEACHER = "teacher"


@dataclass(frozen=True, slots=True)
class Known:
    """What no checkpoint says of itself: its place, its licence, and of an encoder the layer that aligns words best."""

    place: Place
    licence: str
    layer: int | None = None


_NLLB = Known(Place.TRANSLATION, "CC-BY-NC-4.0")
KNOWN: Mapping[str, Known] = {
    "facebook/nllb-200-distilled-600M": _NLLB,
    "facebook/nllb-200-distilled-1.3B": _NLLB,
    "facebook/nllb-200-1.3B": _NLLB,
    "facebook/nllb-200-3.3B": _NLLB,
    # Layers: Dou & Neubig 2021 for mBERT, Wang et al. 2022 for LaBSE.
    "bert-base-multilingual-cased": Known(Place.ALIGNMENT, "Apache-2.0", layer=8),
    "sentence-transformers/LaBSE": Known(Place.ALIGNMENT, "Apache-2.0", layer=6),
    # Its card names no licence; XLM-R's is MIT, and CoNLL-2003 is for research.
    "FacebookAI/xlm-roberta-large-finetuned-conll03-english": Known(Place.TEACHER, "unstated (CoNLL-2003, XLM-R)"),
}
DEFAULTS: Mapping[Place, str] = {
    Place.TRANSLATION: "facebook/nllb-200-distilled-600M",
    Place.ALIGNMENT: "bert-base-multilingual-cased",
    Place.TEACHER: "FacebookAI/xlm-roberta-large-finetuned-conll03-english",
}
_KINDS = {
    Place.TRANSLATION: conversion.Kind.TRANSLATION,
    Place.ALIGNMENT: conversion.Kind.ENCODER,
    Place.TEACHER: conversion.Kind.TOKEN_CLASSIFICATION,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checkpoint, as a hub id or as a folder whose name ends like one, and the place that it is to take."""

    place: Place
    source: str
    known: Known

    @property
    def name(self) -> str:
        """The model's name in its manifest.

        >>> Wanted(Place.TRANSLATION, "facebook/nllb-200-3.3B", _NLLB).name
        'nllb-200-3.3B'
        """
        return Path(self.source).name


def choose(sources: Mapping[Place, str]) -> list[Wanted]:
    """Return what to make, the defaults where no source is given; raises `ConfigurationError` for an unknown source."""
    return [_choose(place, sources.get(place, default)) for place, default in DEFAULTS.items()]


def known_for(place: Place) -> Sequence[str]:
    """Return the hub ids that may take a place."""
    return [hub_id for hub_id, known in KNOWN.items() if known.place is place]


def _choose(place: Place, source: str) -> Wanted:
    hub_ids = {Path(hub_id).name: hub_id for hub_id in known_for(place)}
    hub_id = hub_ids.get(Path(source).name)
    if hub_id is None:
        raise ConfigurationError(
            f"{source} isn't known as a model for {place}; known are {', '.join(hub_ids.values())}, and folders of "
            f"these names. `spanbridge models convert {source} -o FOLDER/{place} --licence …` makes one of any other"
        )
    return Wanted(place, source, KNOWN[hub_id])


def make(wanted: Sequence[Wanted], folder: Path, *, quantization: str) -> Iterator[tuple[Wanted, bool]]:
    """Convert each into its place below `folder`, and give it with whether that took any work.

    A place that already holds this model is left alone, so that a run that broke off continues; another model there is
    replaced once the new one is whole. Raises as `conversion.convert` does.
    """
    for each in wanted:
        output = folder / each.place
        if _name_at(output) == each.name:
            yield each, False
            continue
        options: dict[str, Any] = {"quantization": quantization, "licence": each.known.licence, "name": each.name}
        if each.known.layer is not None:
            options["layer"] = each.known.layer
        checkpoint = conversion.read_checkpoint(each.source)
        conversion.convert(checkpoint, output, _KINDS[each.place], options, overwrite=True)
        yield each, True


def _name_at(folder: Path) -> str | None:
    path = folder / MANIFEST_FILE
    return MANIFEST.validate_json(path.read_bytes()).name if path.is_file() else None
