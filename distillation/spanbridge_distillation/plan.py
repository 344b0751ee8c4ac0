"""What is to be distilled: languages and files, teachers, the recipe, and where everything goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from spanbridge_distillation.corrections import Corrected, CorrectionsUse, with_corrections
from spanbridge_distillation.opening import Addresses
from spanbridge_distillation.recipe import Recipe
from spanbridge_distillation.teachers import TeacherName
from spanbridge_distillation.texts import Texts, read_texts
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.text.languages import resolve_language


class Stage(StrEnum):
    """The stages in order."""

    GATHER = "gather"
    ENCODE = "encode"
    TRAIN = "train"
    CONVERT = "convert"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command was told; `files` are (language as typed, file).

    `start` is the model whose encoder the student begins with, `layers` of it or all; `trained` a student that was
    trained elsewhere; `serves` the languages that its manifest names, those of `files` where it is empty; `corrections`
    a store of what annotators made of texts.
    """

    files: tuple[tuple[str, Path], ...]
    teachers: tuple[TeacherName, ...]
    labels: tuple[str, ...]
    out: Path
    addresses: Addresses
    tokenized: bool
    limit: int | None
    translations: Path | None
    projection_options: Mapping[str, Any]
    parallel: int
    start: Path
    layers: int | None
    sources: Mapping[str, Path]
    recipe: Recipe
    minutes: float | None
    trained: Path | None
    name: str
    licence: str | None
    serves: tuple[str, ...]
    stop_after: Stage
    corrections: Path | None = None
    corrections_use: CorrectionsUse = CorrectionsUse.LEAVE_OUT

    @property
    def work(self) -> Path:
        """The folder that the stages hand on, and that another machine may train on."""
        return self.out / "work"

    @property
    def gathered(self) -> Path:
        """Soft labels, a folder a teacher."""
        return self.work / "gathered"

    @property
    def model(self) -> Path:
        """The folder that is served."""
        return self.out / "model"

    def goes_on_after(self, stage: Stage) -> bool:
        """Say whether a stage isn't the last one wanted."""
        return self.stop_after is not stage

    def read(self) -> list[Texts]:
        """Read every file; raises as `read_texts` does."""
        return [
            read_texts(path, lang, tokenized=self.tokenized, limit=self.limit, translations=self._translations())
            for lang, path in self.files
        ]

    def corrected(self, texts: list[Texts]) -> Corrected:
        """Apply the corrections, if there are any; raises as `with_corrections` does."""
        if self.corrections is None:
            return Corrected(texts, [], None)
        return with_corrections(texts, self.corrections, self.corrections_use, self.labels)

    def _translations(self) -> Path | None:
        return self.translations if TeacherName.PROJECTION in self.teachers else None

    def read_sources(self) -> dict[str, Texts]:
        """Read the texts of the teachers' own languages, as words between blanks; their language is of no account."""
        return {
            name: read_texts(path, "eng_Latn", tokenized=True, limit=None, translations=None)
            for name, path in self.sources.items()
        }


def pair_files(langs: Sequence[str], unlabelled: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    """Pair languages with files: `LANG=FILE`, or as many --lang as --unlabelled, in that order.

    >>> [(lang, str(path)) for lang, path in pair_files(["swa"], ["a.txt"])]
    [('swa', 'a.txt')]
    >>> [(lang, str(path)) for lang, path in pair_files([], ["swa=a.txt", "zul=b.txt"])]
    [('swa', 'a.txt'), ('zul', 'b.txt')]

    Raises `ConfigurationError` where they don't pair, or a language comes twice, and `UnknownLanguage`.
    """
    if langs and len(langs) == len(unlabelled):
        found = [(lang, Path(path)) for lang, path in zip(langs, unlabelled, strict=True)]
    elif not langs and all("=" in each for each in unlabelled):
        found = [(name, Path(path)) for name, _, path in (each.partition("=") for each in unlabelled)]
    else:
        raise ConfigurationError("give each --lang its own --unlabelled FILE, or --unlabelled LANG=FILE alone")
    codes = [resolve_language(lang) for lang, _ in found]
    if twice := [code for code in codes if codes.count(code) > 1]:
        raise ConfigurationError(f"{twice[0]} is given twice; put its sentences into one file")
    return tuple(found)
