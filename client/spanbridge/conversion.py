"""Converting a checkpoint: which converter of which service it needs, and putting the result in place.

Services register converters as entry points of the group `spanbridge.converters`, named by the checkpoint's
`model_type`, or `model_type:token-classification` where it has such a head.
"""

import inspect
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spanbridge_shared.contracts.manifest import MANIFEST, MANIFEST_FILE
from spanbridge_shared.errors import ConfigurationError

GROUP = "spanbridge.converters"
_HEAD = "token-classification"


class Kind(StrEnum):
    """What a checkpoint is made into; without it, what its own config says."""

    TRANSLATION = "translation"
    ENCODER = "encoder"
    TOKEN_CLASSIFICATION = _HEAD


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint's config says of it."""

    source: str
    model_type: str
    architectures: tuple[str, ...]

    def key(self, kind: Kind | None) -> str:
        """Return the converter's name; `kind` is for a classifier that is wanted as an encoder.

        >>> Checkpoint("here", "bert", ("BertForTokenClassification",)).key(None)
        'bert:token-classification'
        """
        headed = any(name.endswith("ForTokenClassification") for name in self.architectures)
        wanted = headed if kind is None else kind is Kind.TOKEN_CLASSIFICATION
        return f"{self.model_type}:{_HEAD}" if wanted else self.model_type


def check_installed() -> None:
    """Raise `ConfigurationError` where the libraries that read checkpoints are missing."""
    missing = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"converting needs {' and '.join(missing)}, which the services don't: pip install 'spanbridge[convert]'"
        )


def quieten() -> None:
    """Keep transformers' report of weights that a conversion leaves out on purpose from looking like a fault."""
    import transformers

    transformers.logging.set_verbosity_error()


def read_checkpoint(source: str) -> Checkpoint:
    """Look at the config of a folder or of a hub id; raises `ConfigurationError` where there is none."""
    folder = Path(source)
    config = _read_config(folder / "config.json") if folder.exists() else _fetch_config(source)
    model_type = config.get("model_type")
    if not isinstance(model_type, str):
        raise ConfigurationError(f"the config of {source} names no model_type; is it a transformers checkpoint?")
    return Checkpoint(source, model_type, tuple(config.get("architectures") or ()))


def _read_config(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except OSError as fault:
        raise ConfigurationError(f"{path.parent} has no readable config.json; name a checkpoint's folder") from fault
    except ValueError as fault:
        raise ConfigurationError(f"{path} is not JSON: {fault}") from fault
    return found if isinstance(found, dict) else {}


def _fetch_config(source: str) -> Mapping[str, Any]:
    from transformers import AutoConfig

    try:
        found: Mapping[str, Any] = AutoConfig.from_pretrained(source).to_dict()
    except (OSError, ValueError) as fault:
        told = str(fault).strip().splitlines()
        raise ConfigurationError(
            f"{source!r} is no folder here, and no checkpoint that the hub gives: {told[0] if told else fault!r}"
        ) from fault
    return found


def find_converter(checkpoint: Checkpoint, kind: Kind | None) -> EntryPoint:
    """Return the converter of a checkpoint; raises `ConfigurationError`, listing those there are."""
    key = checkpoint.key(kind)
    known = entry_points(group=GROUP)
    found = next(iter(known.select(name=key)), None)
    if found is None:
        raise ConfigurationError(
            f"{checkpoint.source} is {key!r}, which nothing here converts; known are {', '.join(sorted(known.names))}"
        )
    return found


def convert(
    checkpoint: Checkpoint, output: Path, kind: Kind | None, options: Mapping[str, Any], *, overwrite: bool
) -> None:
    """Convert into a folder beside `output` and rename it, so that `output` is whole or not there.

    Raises `ConfigurationError` where `output` exists and may not be replaced, where the converter doesn't take one of
    the options, and as the converter does.
    """
    if output.exists() and not overwrite:
        raise ConfigurationError(f"{output} is there already; --overwrite replaces it")
    entry = find_converter(checkpoint, kind)
    converter: Callable[..., object] = entry.load()
    taken = inspect.signature(converter).parameters
    if refused := [name for name in options if name not in taken]:
        raise ConfigurationError(f"a {entry.name} checkpoint takes no --{refused[0]}")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as folder:
        draft = Path(folder) / output.name
        converter(checkpoint.source, draft, **options)
        made = kind_of(draft)
        if kind not in (None, made):
            raise ConfigurationError(f"{checkpoint.source} gives models of kind {made}, none of kind {kind}")
        if (old := output).exists():
            old.rename(Path(folder) / f"{output.name}.old") if old.is_dir() else old.unlink()
        shutil.move(draft, output)


def kind_of(folder: Path) -> Kind:
    """Return what a converted model is, as its manifest says."""
    return Kind(MANIFEST.validate_json((folder / MANIFEST_FILE).read_bytes()).kind)


def setting_for(folder: Path) -> tuple[str, str]:
    """Return the environment variable that has a service use a converted model, and its value."""
    place = str(folder.resolve())
    return {
        Kind.TRANSLATION: ("SPANBRIDGE_TRANSLATION_MODEL", place),
        Kind.ENCODER: ("SPANBRIDGE_ALIGNMENT_MODEL", place),
        Kind.TOKEN_CLASSIFICATION: ("SPANBRIDGE_NER_TEACHER_MULTILINGUAL", f"ctranslate2:{place}"),
    }[kind_of(folder)]
