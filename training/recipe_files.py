"""Recipes in TOML: a table a section, every key a field of the section's dataclass."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from training.nmt.errors import RecipeError


def section(kind: type[Any], name: str, values: Mapping[str, Any]) -> Any:
    """Build a section's dataclass, arrays as tuples; raises RecipeError for keys that it doesn't know."""
    known = {entry.name for entry in fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise RecipeError(f"[{name}] has unknown keys {', '.join(unknown)}; it knows {', '.join(sorted(known))}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def read_tables(path: Path, sections: Mapping[str, type[Any]]) -> dict[str, dict[str, Any]]:
    """Read a file's tables; raises RecipeError for one that is no section."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    unknown = sorted(set(tables) - set(sections))
    if unknown:
        raise RecipeError(f"{path.name} has unknown tables {', '.join(unknown)}; it knows {', '.join(sections)}")
    return tables
