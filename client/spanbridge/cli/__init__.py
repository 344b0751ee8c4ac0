"""The `spanbridge` command."""

from typing import Any

import click

from spanbridge.cli.about import languages, methods
from spanbridge.cli.models import models
from spanbridge.cli.project import project
from spanbridge.cli.serve import serve
from spanbridge_shared.errors import SpanbridgeError


class CommandFailed(click.ClickException):
    """An expected failure: its message on stderr, and exit code 1."""

    def show(self, file: Any = None) -> None:
        """Write the message."""
        click.echo(f"spanbridge: {self.message}", file=file, err=file is None)


class CommandGroup(click.Group):
    """Tells expected failures in one line."""

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
    back. `serve` does that for others, `project` for a file.
    """


for command in (serve, project, languages, methods, models):
    main.add_command(command)
