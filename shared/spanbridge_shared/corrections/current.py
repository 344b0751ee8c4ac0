"""Which of a store's entries count, pure: later versions replace earlier ones, and of several annotators one is heard.

An annotation's version is replaced by a later one of the same text. A deletion is final; a version that can't be read,
or that skips the task, ends the earlier ones, as the annotator no longer stands by them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from spanbridge_shared.contracts.corrections import Correction, Entry, Reason, Unread, Withdrawal
from spanbridge_shared.corrections.store import CorrectionStore

Version = tuple[datetime, int]
"""When an entry was made, and its place among all: what comes later counts."""


class Annotations(StrEnum):
    """Of a text that several people annotated: the latest annotation, or all of them."""

    LATEST = "latest"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Current:
    """The corrections that count, in the order in which their tasks first came, and how many entries don't, and why.

    `others` counts annotations of tasks that have a later one by somebody else, `unreviewed` predictions that a tool
    copied without anybody looking, `damaged` lines of the file.
    """

    corrections: tuple[Correction, ...]
    replaced: int = 0
    withdrawn: int = 0
    others: int = 0
    unreviewed: int = 0
    unread: tuple[Unread, ...] = ()
    damaged: int = 0

    def told(self) -> list[str]:
        """Return what is left out, in lines for people; earlier versions aren't worth one."""
        counts = {
            "withdrawn in the tool": self.withdrawn,
            "by other annotators, earlier": self.others,
            "copied from predictions without anybody looking": self.unreviewed,
            "that can't be read (`spanbridge corrections show --unread` tells why)": len(self.unread),
            "in damaged lines of the file": self.damaged,
        }
        return [f"left out: {count:,} {what}" for what, count in counts.items() if count]


@dataclass(slots=True)
class _Ends:
    """When annotations were ended: for good, or as of a version."""

    deleted: set[tuple[str, ...]] = field(default_factory=set)
    ended: dict[tuple[str, ...], tuple[Version, Entry]] = field(default_factory=dict)

    def add(self, version: Version, entry: Withdrawal | Unread) -> None:
        key = _annotation(entry)
        if isinstance(entry, Withdrawal) and entry.reason is Reason.DELETED:
            self.deleted.add(key)
        elif key not in self.ended or self.ended[key][0] < version:
            self.ended[key] = version, entry


def read_current(store: CorrectionStore, which: Annotations = Annotations.LATEST) -> Current:
    """Read a store, and judge it; raises as `CorrectionStore.read` does."""
    kept = store.read()
    found = current(kept.entries, which)
    return Current(
        found.corrections, found.replaced, found.withdrawn, found.others, found.unreviewed, found.unread,
        len(kept.damaged),
    )  # fmt: skip


def current(entries: Sequence[Entry], which: Annotations = Annotations.LATEST) -> Current:
    """Judge entries, given in the order in which they came."""
    latest: dict[tuple[str, ...], tuple[Version, Correction]] = {}
    ends = _Ends()
    n_corrections = 0
    for place, entry in enumerate(entries):
        version = entry.time, place
        if not isinstance(entry, Correction):
            ends.add(version, entry)
            continue
        n_corrections += 1
        key = (*_annotation(entry), entry.task, entry.field, entry.text)
        if key in latest and latest[key][0] >= version:
            continue
        if entry.lang is None and key in latest:
            # What was declared of a text holds for its later versions.
            entry = entry.model_copy(update={"lang": latest[key][1].lang})
        # It takes the place of the first version.
        latest[key] = version, entry
    standing = [each for each in latest.values() if not _is_ended(each, ends)]
    reviewed = [each for each in standing if each[1].reviewed]
    chosen = reviewed if which is Annotations.ALL else _latest_of_each_text(reviewed)
    return Current(
        corrections=tuple(correction for _, correction in chosen),
        replaced=n_corrections - len(latest),
        withdrawn=len(latest) - len(standing),
        others=len(reviewed) - len(chosen),
        unreviewed=len(standing) - len(reviewed),
        unread=tuple(_still_unread(ends, latest.values())),
    )


def _annotation(entry: Entry) -> tuple[str, ...]:
    """Return what an annotation is known by; a tool that doesn't number them has one a task."""
    return entry.tool, entry.project, entry.annotation or f"task {entry.task}"


def _is_ended(found: tuple[Version, Correction], ends: _Ends) -> bool:
    version, correction = found
    key = _annotation(correction)
    return key in ends.deleted or (key in ends.ended and version < ends.ended[key][0])


def _latest_of_each_text(found: Sequence[tuple[Version, Correction]]) -> list[tuple[Version, Correction]]:
    latest: dict[tuple[str, ...], tuple[Version, Correction]] = {}
    for each in found:
        one = each[1]
        key = one.tool, one.project, one.task, one.field, one.text
        if key not in latest or latest[key][0] < each[0]:
            latest[key] = each
    return list(latest.values())


def _still_unread(ends: _Ends, corrections: Iterable[tuple[Version, Correction]]) -> list[Unread]:
    """Return what can't be read and was neither deleted nor annotated anew."""
    newest: dict[tuple[str, ...], Version] = {}
    for version, correction in corrections:
        key = _annotation(correction)
        newest[key] = max(version, newest.get(key, version))
    return [
        entry
        for key, (version, entry) in ends.ended.items()
        if isinstance(entry, Unread) and key not in ends.deleted and not (key in newest and newest[key] > version)
    ]
