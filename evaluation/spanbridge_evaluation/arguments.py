"""The options that every subcommand has."""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from spanbridge.cli.options import read_options
from spanbridge_evaluation.calibration.folds import DEFAULT_FOLDS
from spanbridge_shared.contracts.gateway import MAX_SENTENCES


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was typed; None where nothing was, and the data set's own default counts."""

    data: Path
    lang: list[str]
    split: str | None
    limit: int | None
    method: str | None
    option: dict[str, Any]
    labels: list[str]
    as_json: bool
    report: Path | None
    compare: bool
    presets: list[str]
    keep_caches: bool
    batch: int
    url: str | None
    resume_dir: Path | None
    fresh: bool

    @property
    def compares(self) -> bool:
        """Whether several settings are to be compared."""
        return self.compare or bool(self.presets)


_ALL = "all"
_SPLIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")


def _check_split(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    # It becomes part of file names and patterns.
    if given is not None and _SPLIT.fullmatch(given) is None:
        raise click.BadParameter(f"{given[:40]!r} is no name of a part, such as dev or test")
    return given


def _read_list(_: click.Context, __: click.Parameter, given: str | None) -> list[str]:
    found = list(dict.fromkeys(each.strip() for each in (given or "").split(",") if each.strip()))
    return [] if found == [_ALL] else found


def _check_report(_: click.Context, __: click.Parameter, given: Path | None) -> Path | None:
    # Now, and not after an hour of measuring.
    if given is not None and not given.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {given.absolute().parent}")
    return given


_PATH = click.Path(path_type=Path)
_COMMON = (
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N of each language."),
    click.option("--json", "as_json", is_flag=True, help="Print rows as JSON on stdout instead of a table."),
    click.option(
        "--batch", default=64, show_default=True, type=click.IntRange(1, MAX_SENTENCES), help="Sentences at once."
    ),
    click.option("--url", envvar="SPANBRIDGE_URL", help="A running server; else all runs in here."),
    click.option(
        "--resume-dir", type=click.Path(file_okay=False, path_type=Path),
        help="Where an unfinished run keeps its batches. [default: the user's cache folder]",
    ),
    click.option("--fresh", is_flag=True, help="Forget an unfinished run instead of continuing it."),
)  # fmt: skip
_DATA = (
    click.option("--data", required=True, type=_PATH, help="The data set's folder or file."),
    click.option("--lang", callback=_read_list, metavar="LIST", help="Languages, parted by commas. [default: all]"),
    click.option("--split", callback=_check_split, help="Part of the data set; what there is depends on it."),
)


def _report(told: str) -> Callable[..., Any]:
    path = click.Path(dir_okay=False, writable=True, path_type=Path)
    return click.option("--report", type=path, callback=_check_report, metavar="FILE.html", help=told)


_KEEP_CACHES = click.option(
    "--keep-caches", is_flag=True,
    help="Compare with caches: much quicker, but seconds are left out of the table, as a setting gains from those "
    "before it. The same holds for --url.",
)  # fmt: skip
_LABELS = click.option("--labels", callback=_read_list, metavar="LIST", help="Labels to count. [default: PER,ORG,LOC]")
_FOLDS = click.option(
    "--folds", default=DEFAULT_FOLDS, show_default=True, type=click.IntRange(2, 100),
    help="Parts that take turns in being left out of fitting: languages from 5 on, else sentences.",
)  # fmt: skip
_OPTIONS = (
    *_DATA,
    click.option("--method", help="One of `spanbridge methods`; for alignment one of the aligners."),
    click.option("--option", multiple=True, callback=read_options, metavar="NAME=VALUE", help="Of the method."),
    click.option(
        "--labels", callback=_read_list, metavar="LIST",
        help="Labels to count. [default: PER,ORG,LOC; for Europarl-NER also MISC; none for alignment and translation]",
    ),
    _report("Write plots, confusion tables and the worst sentences there."),
    click.option(
        "--compare", is_flag=True,
        help="Run all presets (`spanbridge evaluate presets`), aligners or beams in one table. The services in here "
        "run without caches then, so that seconds compare: each setting translates and aligns anew.",
    ),
    click.option(
        "--presets", callback=_read_list, metavar="LIST", help="Compare these presets alone, parted by commas."
    ),
    _KEEP_CACHES,
)  # fmt: skip
_SWEEPING = (
    click.option("--data", type=_PATH, help="The folder with all data sets; without it, where to get them is said."),
    click.option(
        "--out", default=Path("build/eval"), show_default=True, type=click.Path(file_okay=False, path_type=Path),
        help="Where tables, rows and pages go.",
    ),
    click.option("--full", is_flag=True, help="All sentences of each set, however long it takes."),
)  # fmt: skip


_CALIBRATING = (
    *_DATA,
    _LABELS,
    click.option(
        "--out", required=True, type=click.Path(dir_okay=False, writable=True, path_type=Path), callback=_check_report,
        metavar="FILE.json", help="Write the calibration there.",
    ),
    click.option(
        "--members", callback=_read_list, metavar="LIST",
        help="Of candidates, student, transfer. [default: those that the server has]",
    ),
    _FOLDS,
)  # fmt: skip
_CONTEST = (
    *_DATA,
    _LABELS,
    click.option(
        "--methods", callback=_read_list, metavar="LIST",
        help="Of transfer, heuristic, candidates-align, candidates-ner, candidates-fused, student, ensemble, llm, and, "
        "only where they are named, candidates-ner-spans and candidates-nmt, which is slow. [default: the others]",
    ),
    _report("Write table and plots there, with confusion tables."),
    _KEEP_CACHES,
    click.option(
        "--cross-fit", is_flag=True,
        help="Merge the ensemble by numbers fitted on the other --folds of this data, not by the server's own.",
    ),
    _FOLDS,
)  # fmt: skip


def measuring(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options, and hand what was typed to it as `Arguments`."""

    @functools.wraps(command)
    def collect(**given: Any) -> None:
        own = {field.name: given.pop(field.name) for field in fields(Arguments)}
        command(Arguments(**own), **given)

    return _with_options(collect, (*_OPTIONS, *_COMMON))


def sweeping(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command over all data sets its options; each set's own folder comes into `Arguments` later."""

    @functools.wraps(command)
    def collect(*, data: Path | None, out: Path, full: bool, **given: Any) -> None:
        command(_filled(given | {"data": out}), data, out, full=full)

    return _with_options(collect, (*_SWEEPING, *_COMMON))


def calibrating(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that fits an ensemble's numbers its options."""

    @functools.wraps(command)
    def collect(*, out: Path, members: list[str], folds: int, **given: Any) -> None:
        command(_filled(given), out, members, folds)

    return _with_options(collect, (*_CALIBRATING, *_COMMON))


def contesting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that sets methods beside each other its options; `folds` is None without --cross-fit."""

    @functools.wraps(command)
    def collect(*, methods: list[str], cross_fit: bool, folds: int, **given: Any) -> None:
        command(_filled(given | {"compare": True}), methods, folds if cross_fit else None)

    return _with_options(collect, (*_CONTEST, *_COMMON))


def _filled(given: Mapping[str, Any]) -> Arguments:
    """Return arguments for a command that lacks some of the options."""
    lacking: dict[str, Any] = {
        "lang": [], "split": None, "method": None, "option": {}, "labels": [], "report": None, "compare": False,
        "presets": [], "keep_caches": False,
    }  # fmt: skip
    return Arguments(**{**lacking, **given})


def _with_options(command: Callable[..., None], options: Sequence[Callable[..., Any]]) -> Callable[..., None]:
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)
