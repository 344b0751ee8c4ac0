"""`spanbridge label-studio`."""

from typing import Any

import click

from spanbridge.annotation_tools.label_studio import LabelStudioWish, connect_label_studio
from spanbridge.cli.options import connect_options
from spanbridge.cli.session import messages


@click.group("label-studio")
def label_studio() -> None:
    """Have Label Studio ask this server for predictions."""


@label_studio.command()
@click.option("--url", envvar="LABEL_STUDIO_URL", required=True, help="Label Studio, such as http://127.0.0.1:8080.")
@click.option(
    "--token",
    envvar="LABEL_STUDIO_API_KEY",
    show_envvar=True,
    prompt="Label Studio token",
    hide_input=True,
    help="Personal access token or legacy token, from Account & Settings; asked for where it isn't given.",
)
@connect_options("Label Studio")
@click.option("--lang", help="The tasks' language; else each task's `lang`, or what is found.  [default: auto]")
@click.option("--title", default="Spanbridge", show_default=True, help="What the model is called in the project.")
def connect(url: str, token: str, **wish: Any) -> None:
    """Register Spanbridge as a project's model, or renew that.

    The server must be running (`spanbridge serve`), and the project needs a labelling interface with <Labels>.
    """
    with messages().status("Connecting …"):
        made = connect_label_studio(url, token, LabelStudioWish(**wish))
    for warning in made.warnings:
        messages().print(f"warning: {warning}")
    click.echo(
        f"{'Renewed' if made.renewed else 'Connected'}: {made.model_version or 'the model'} in project "
        f"“{made.project_title}” of Label Studio {made.version}"
    )
    click.echo(f"Next: open {made.tasks_url}, select the tasks, Actions > Retrieve Predictions.")
    click.echo("A large project takes several times: each call labels what it can in 80 seconds, and goes on there.")
