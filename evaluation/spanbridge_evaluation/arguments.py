"""The options that every subcommand has."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from spanbridge.cli.options import read_options
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
    batch: int
    url: str | None
    resume_dir: Path | None
    fresh: bool


def _read_list(_: click.Context, __: click.Parameter, given: str | None) -> list[str]:
    return list(dict.fromkeys(each.strip() for each in (given or "").split(",") if each.strip()))


def _check_report(_: click.Context, __: click.Parameter, given: Path | None) -> Path | None:
    # Now, and not after an hour of measuring.
    if given is not None and not given.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {given.absolute().parent}")
    return given


_PATH = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--data", required=True, type=_PATH, help="The data set's folder or file."),
    click.option("--lang", callback=_read_list, metavar="LIST", help="Languages, parted by commas. [default: all]"),
    click.option("--split", help="Part of the data set; what there is depends on it."),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N of each language."),
    click.option("--method", help="One of `spanbridge methods`; for alignment one of the aligners."),
    click.option("--option", multiple=True, callback=read_options, metavar="NAME=VALUE", help="Of the method."),
    click.option(
        "--labels", callback=_read_list, metavar="LIST",
        help="Labels to count. [default: PER,ORG,LOC; for Europarl-NER also MISC; none for alignment and translation]",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print rows as JSON on stdout instead of a table."),
    click.option(
        "--report", type=click.Path(dir_okay=False, writable=True, path_type=Path), callback=_check_report,
        metavar="FILE.html", help="Write plots, confusion tables and the worst sentences there.",
    ),
    click.option("--compare", is_flag=True, help="Run all methods and settings that there are, in one table."),
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


def measuring(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options, and hand what was typed to it as `Arguments`."""

    @functools.wraps(command)
    def collect(**given: Any) -> None:
        own = {field.name: given.pop(field.name) for field in fields(Arguments)}
        command(Arguments(**own), **given)

    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(_OPTIONS), collect)
