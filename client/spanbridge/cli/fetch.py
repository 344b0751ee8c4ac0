"""`spanbridge models fetch`."""

from pathlib import Path

import click

from spanbridge import conversion, full_set
from spanbridge.cli.session import messages
from spanbridge.full_set import DEFAULTS, Place
from spanbridge.model_folders import list_models


@click.command()
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder for the set, one folder a model."
)
@click.option("--translation", default=DEFAULTS[Place.TRANSLATION], show_default=True, help="Any NLLB-200.")
@click.option(
    "--alignment", default=DEFAULTS[Place.ALIGNMENT], show_default=True, help="Or sentence-transformers/LaBSE."
)
@click.option("--teacher", default=DEFAULTS[Place.TEACHER], show_default=True, help="Labels English, and all others.")
@click.option("--quantization", default="int8", show_default=True, help="CTranslate2's: int8, float16, float32 …")
def fetch(output: Path, translation: str, alignment: str, teacher: str, quantization: str) -> None:
    """Fetch the full model set from the hub, and convert it into what the services load.

    A source is a hub id, or a folder of the same name with the checkpoint in it. What is there already is kept, so give
    the same command again after a broken download.
    """
    conversion.check_installed()
    sources = {Place.TRANSLATION: translation, Place.ALIGNMENT: alignment, Place.TEACHER: teacher}
    wanted = full_set.choose(sources)
    conversion.quieten()
    with messages().status("Fetching and converting; the downloads take longest …"):
        for each, fresh in full_set.make(wanted, output, quantization=quantization):
            click.echo(f"{output / each.place}: {each.name} {'made' if fresh else 'is there already'}")
    for about in list_models(output, check=True):
        click.echo(f"{about.folder}: {about.kind} model {about.version}, {about.megabytes:.1f} MB, {about.licence}")
    click.echo(f"Use it:  export SPANBRIDGE_MODELS_DIR={output.resolve()}")
