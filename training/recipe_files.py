"""Recipes in TOML: a table a stage, every key a field of the stage's dataclass."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self, cast

from training.nmt.errors import RecipeError

EACH = "each"
"""Of a field's metadata: the dataclass that each table of an array of tables becomes."""


@dataclass(frozen=True)
class Stages:
    """The base of a recipe: its fields are the dataclasses of the stages, each with a default of all values."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file; keys left out keep their defaults, RecipeError is raised for unknown ones."""
        kinds = {entry.name: cast("type[Any]", entry.default_factory) for entry in fields(cls)}
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        unknown = sorted(set(tables) - set(kinds))
        if unknown:
            raise RecipeError(f"{path.name} has unknown tables {', '.join(unknown)}; it knows {', '.join(kinds)}")
        return cls(**{name: section(kinds[name], name, values) for name, values in tables.items()})

    def options(self, stage: str) -> dict[str, Any]:
        """A stage's values as plain ones, which its stamp records."""
        return asdict(getattr(self, stage))


def section(kind: type[Any], name: str, values: Mapping[str, Any]) -> Any:
    """Build a dataclass, arrays as tuples; raises RecipeError for keys that it doesn't know."""
    known = {entry.name: entry.metadata.get(EACH) for entry in fields(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise RecipeError(f"[{name}] has unknown keys {', '.join(unknown)}; it knows {', '.join(sorted(known))}")
    return kind(**{key: _value(known[key], f"{name}.{key}", value) for key, value in values.items()})


def _value(each: type[Any] | None, name: str, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return tuple(section(each, name, item) for item in value) if each else tuple(value)
