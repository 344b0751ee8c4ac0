"""`spanbridge languages` and `spanbridge methods`."""

import sys

import click
from rich import box
from rich.console import Console
from rich.table import Table

from spanbridge.cli.session import opened, url_option
from spanbridge_shared.contracts.gateway import LanguagesResponse, MethodInfo, MethodsResponse, OptionInfo

_PIPE_WIDTH = 240


def console() -> Console:
    """Return stdout as a console; wide where no terminal limits it, so that no row is broken in a pipe."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def table(*headers: str) -> Table:
    """Return an empty table in the one style."""
    found = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        found.add_column(header, overflow="fold")
    return found


@click.command()
@url_option
@click.option("--json", "as_json", is_flag=True, help="Print what `GET /v1/languages` answers.")
def languages(url: str | None, *, as_json: bool) -> None:
    """List the languages that can be labelled from text alone."""
    with opened(url) as client:
        found = client.languages()
    if as_json:
        click.echo(LanguagesResponse(languages=found).model_dump_json(indent=2))
        return
    shown = table("code", "language", "other codes", "via", "methods")
    for each in found:
        shown.add_row(each.code, each.name, ", ".join(each.aliases), ", ".join(each.via), ", ".join(each.methods))
    console().print(shown)


@click.command()
@url_option
@click.option("--json", "as_json", is_flag=True, help="Print what `GET /v1/methods` answers.")
def methods(url: str | None, *, as_json: bool) -> None:
    """List the methods, their options, and the labels."""
    with opened(url) as client:
        found, labels = client.methods(), client.labels()
    if as_json:
        click.echo(MethodsResponse(methods=found, labels=labels).model_dump_json(indent=2))
        return
    for method in found:
        _show(method)
    console().print(f"labels: {', '.join(labels)}")


def _show(method: MethodInfo) -> None:
    console().print(f"[bold]{method.name}[/bold]  {method.description}")
    shown = table("option", "default", "values", "meaning")
    for option in method.options:
        default = "" if option.default is None else str(option.default)
        shown.add_row(option.name, default, _values(option), option.description)
    console().print(shown)


def _values(option: OptionInfo) -> str:
    if option.choices:
        return ", ".join(option.choices)
    if option.minimum is None and option.maximum is None:
        return option.type
    low = "…" if option.minimum is None else f"{option.minimum:g}"
    high = "…" if option.maximum is None else f"{option.maximum:g}"
    return f"{option.type}, {low} to {high}"
