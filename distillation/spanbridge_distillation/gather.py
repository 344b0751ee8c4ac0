"""Stage `gather`: each teacher's soft labels of each language, in parts that outlive an interruption."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spanbridge_distillation.columns import columns_of
from spanbridge_distillation.faults import DataFault
from spanbridge_distillation.soft_labels import (
    fingerprint_of,
    joined,
    load_soft_labels,
    save_soft_labels,
    soft_labels,
)
from spanbridge_distillation.teachers import Teacher
from spanbridge_distillation.texts import Texts
from spanbridge_shared.errors import ConfigurationError

PART_SENTENCES = 256
"""As many as the gateway hands its services in one call: more would only be lost by an interruption."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one teacher said of one language: how many sentences failed, by error, and whose models answered."""

    teacher: str
    lang: str
    sentences: int
    failures: dict[str, int]
    model_version: str


def labels_file(folder: Path, teacher: str, lang: str) -> Path:
    """Where a teacher's labels of a language lie."""
    return folder / teacher / f"{lang}.npz"


async def gather(
    teacher: Teacher, texts: Texts, labels: Sequence[str], folder: Path, *, parallel: int, seen: Callable[[int], None]
) -> Gathered:
    """Write `folder/TEACHER/LANG.npz`; parts that an interrupted run left beside it are not asked for again.

    `parallel` parts are under way at once; `seen` is told how many sentences more are done. Raises as the teacher does,
    and `ConfigurationError` where its models changed since the first part.
    """
    path = labels_file(folder, teacher.name, texts.lang)
    asked = fingerprint_of(
        teacher=teacher.name, lang=texts.lang, labels=list(labels), texts=texts.digest, settings=dict(teacher.settings)
    )
    if path.exists():
        _, about = load_soft_labels(path)
        if about["fingerprint"] == asked:
            seen(len(texts.sentences))
            return _told(teacher, texts, about)
    parts = _Parts(path.with_suffix(".parts"), asked, teacher, texts, len(columns_of(labels)), seen)
    await _make_all(parts, parallel)
    found = [load_soft_labels(parts.file(number)) for number in range(parts.count)]
    about = {
        "fingerprint": asked,
        "model_version": found[0][1]["model_version"],
        "failures": dict(sum((Counter(each["failures"]) for _, each in found), Counter())),
    }
    save_soft_labels(path, joined([each for each, _ in found]), about)
    shutil.rmtree(parts.folder)
    return _told(teacher, texts, about)


async def _make_all(parts: "_Parts", parallel: int) -> None:
    gate = asyncio.Semaphore(parallel)
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(parts.count):
                group.create_task(parts.make(number, gate))
    except BaseExceptionGroup as faults:
        # One fault stops all parts; people are told the first.
        raise faults.exceptions[0] from faults


def _told(teacher: Teacher, texts: Texts, about: dict[str, object]) -> Gathered:
    failures, version = about["failures"], about["model_version"]
    if not isinstance(failures, dict) or not isinstance(version, str):
        raise DataFault(f"the {teacher.name} labels of {texts.lang} are of another version: remove them")
    return Gathered(teacher.name, texts.lang, len(texts.sentences), failures, version)


class _Parts:
    """The parts of one language's labels while they are made."""

    def __init__(
        self, folder: Path, asked: str, teacher: Teacher, texts: Texts, n_tags: int, seen: Callable[[int], None]
    ) -> None:
        self.folder, self._asked, self._teacher, self._texts = folder, asked, teacher, texts
        self._n_tags, self._seen = n_tags, seen
        self.count = -(-len(texts.sentences) // PART_SENTENCES)
        self._version: str | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def file(self, number: int) -> Path:
        return self.folder / f"{number:05d}.npz"

    async def make(self, number: int, gate: asyncio.Semaphore) -> None:
        sentences = self._texts.sentences[number * PART_SENTENCES : (number + 1) * PART_SENTENCES]
        if not self._is_kept(number):
            async with gate:
                lesson = await self._teacher.label(sentences, self._texts.lang)
            self._check(lesson.model_version)
            failures = Counter(error for error in lesson.errors if error is not None)
            labels = soft_labels(lesson.rows, [len(each.words) for each in sentences], self._n_tags)
            about = {"fingerprint": self._asked, "model_version": lesson.model_version, "failures": dict(failures)}
            save_soft_labels(self.file(number), labels, about)
        self._seen(len(sentences))

    def _is_kept(self, number: int) -> bool:
        if not self.file(number).exists():
            return False
        _, about = load_soft_labels(self.file(number))
        if about["fingerprint"] != self._asked:
            return False
        self._check(about["model_version"])
        return True

    def _check(self, version: str) -> None:
        # A batch of which nothing could be sent has no version.
        if version and self._version not in (None, version):
            raise ConfigurationError(
                f"the models changed since {self.folder} was begun, from {self._version} to {version}: remove it"
            )
        self._version = version or self._version
