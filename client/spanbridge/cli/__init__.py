"""The `spanbridge` command."""

from importlib.metadata import entry_points
from typing import Any

import click

from spanbridge.cli.about import languages, methods
from spanbridge.cli.corrections import corrections
from spanbridge.cli.doccano import doccano
from spanbridge.cli.export import export
from spanbridge.cli.keys import keys
from spanbridge.cli.label_studio import label_studio
from spanbridge.cli.models import models
from spanbridge.cli.project import project
from spanbridge.cli.serve import serve
from spanbridge.cli.translate_train import translate_train
from spanbridge_shared.errors import SpanbridgeError

COMMANDS = "spanbridge.commands"
"""Entry points by which other packages add commands."""

_ELSEWHERE = {
    "compare": "spanbridge[evaluation]",
    "distill": "spanbridge[distillation]",
    "evaluate": "spanbridge[evaluation]",
}
"""Commands of packages that may be missing, and what has them."""


class CommandFailed(click.ClickException):
    """An expected failure: its message on stderr, and exit code 1."""

    def show(self, file: Any = None) -> None:
        """Write the message."""
        click.echo(f"spanbridge: {self.message}", file=file, err=file is None)


class CommandGroup(click.Group):
    """Tells expected failures in one line, and finds the commands of other packages when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List own commands and those of other packages."""
        return sorted({*super().list_commands(ctx), *entry_points(group=COMMANDS).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; fails for one whose package isn't installed, naming it."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for found in entry_points(group=COMMANDS, name=cmd_name):
            command: click.Command = found.load()
            return command
        if cmd_name in _ELSEWHERE:
            raise CommandFailed(f"{cmd_name} isn't installed here; pip install '{_ELSEWHERE[cmd_name]}' adds it")
        return None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except SpanbridgeError as fault:
            raise CommandFailed(fault.detail) from fault


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="spanbridge", message="spanbridge %(version)s")
def main() -> None:
    """Label named entities in languages without labelled data.

    A sentence is translated to English, the English is labelled, the words are aligned, and the entities are projected
    back. `serve` does that for others, `project` for a file. `translate-train` makes training data from labelled
    English.
    """


for command in (serve, project, export, translate_train, languages, methods, models):
    main.add_command(command)
for group in (keys, label_studio, doccano, corrections):
    main.add_command(group)
