"""`spanbridge doccano`."""

from typing import Any

import click

from spanbridge.annotation_tools.doccano import DoccanoWish, connect_doccano
from spanbridge.cli.options import connect_options, read_options
from spanbridge.cli.session import messages


@click.group()
def doccano() -> None:
    """Have doccano ask this server for labels."""


@doccano.command()
@click.option("--url", envvar="DOCCANO_URL", required=True, help="doccano, such as http://127.0.0.1:8080.")
@click.option("--username", envvar="DOCCANO_USERNAME", default="admin", show_default=True, help="A project admin.")
@click.option(
    "--password",
    envvar="DOCCANO_PASSWORD",
    show_envvar=True,
    prompt="doccano password",
    hide_input=True,
    help="Asked for where it isn't given.",
)
@connect_options("doccano")
@click.option("--lang", required=True, help="The texts' language; auto is seldom sure of a single sentence.")
@click.option("--labels", default="PER,ORG,LOC", show_default=True, help="Labels wanted, with commas.")
@click.option("--name", "names", multiple=True, callback=read_options, help="What a label is called there: PER=Person.")
@click.option("--create-labels", is_flag=True, help="Make the labels that the project lacks.")
def connect(url: str, username: str, password: str, labels: str, names: dict[str, Any], **wish: Any) -> None:
    """Set up Spanbridge as a project's auto-labelling, or renew that.

    The server must be running (`spanbridge serve`).
    """
    wanted = [each.strip() for each in labels.split(",") if each.strip()]
    named = {label: str(name) for label, name in names.items()}
    with messages().status("Connecting …"):
        made = connect_doccano(url, username, password, DoccanoWish(labels=wanted, names=named, **wish))
    for warning in made.warnings:
        messages().print(f"warning: {warning}")
    if made.missing:
        messages().print(f"warning: the project has no {', '.join(made.missing)}; --create-labels makes them")
    shown = ", ".join(ours if ours == theirs else f"{ours} as {theirs}" for ours, theirs in made.mapping.items())
    click.echo(f"{'Renewed' if made.renewed else 'Connected'}: {shown} in project “{made.project_name}” of doccano")
    click.echo(f"Next: open {made.project_url}, Start annotation, and turn on Auto Labeling in the toolbar (the wand).")
