"""How many megabytes of weights a method works by, where the models lie on this machine."""

import os
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from spanbridge_evaluation.running.settings import Setting
from spanbridge_shared.contracts.gateway import MethodInfo
from spanbridge_shared.contracts.manifest import MANIFEST_FILE
from spanbridge_shared.contracts.projection import Score
from spanbridge_shared.serving.config import models_dir

PROBABILITIES = "probabilities"
"""The role of the model whose label probabilities candidates are scored by."""
_WITHOUT_PROBABILITIES = (Score.ALIGN, Score.NMT)
_JOINED = "+"
"""Between the versions of two models that answer as one."""
_SETTINGS = ("SPANBRIDGE_TRANSLATION_", "SPANBRIDGE_ALIGNMENT_", "SPANBRIDGE_NER_TEACHER_")


def local_weights() -> dict[str, float]:
    """Return the megabytes of every model folder here by the model's version: of all files, 10^6 bytes each."""
    from spanbridge.model_folders import list_models

    root = models_dir()
    roots = {root} if root.is_dir() else set()
    roots |= {folder.parent for folder in _named_folders()}
    return {each.version: each.megabytes for root in sorted(roots) for each in list_models(root, check=False)}


def method_megabytes(method: MethodInfo, setting: Setting, local: Mapping[str, float]) -> float | None:
    """Return what a setting's models weigh together, each once; None where a model isn't known or isn't here."""
    if method.models is None or setting.options.get("teacher"):
        return None
    versions = {
        version
        for role, joined in method.models.items()
        if role != PROBABILITIES or setting.options.get("score") not in _WITHOUT_PROBABILITIES
        for version in joined.split(_JOINED)
    }
    sizes = [local.get(version, _package_megabytes(version)) for version in versions]
    known = [size for size in sizes if size is not None]
    return round(sum(known), 1) if len(known) == len(sizes) else None


def _named_folders() -> Iterable[Path]:
    """Give the model folders that settings name by their path, with or without the backend before it."""
    for name, value in os.environ.items():
        if name.startswith(_SETTINGS):
            folder = Path(value.partition(":")[2] or value)
            if value and (folder / MANIFEST_FILE).is_file():
                yield folder.resolve()


def _package_megabytes(version: str) -> float | None:
    """Return the size of a model that is a Python package, as spaCy's are: `name-version-digest`."""
    try:
        files = distribution(version.rsplit("-", 2)[0]).files or []
    except (PackageNotFoundError, ValueError):
        return None
    paths = [Path(str(file.locate())) for file in files]
    return round(sum(path.stat().st_size for path in paths if path.is_file()) / 1e6, 1) if paths else None
