"""`spanbridge models`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from spanbridge import conversion
from spanbridge.cli.about import console, table
from spanbridge.cli.fetch import fetch
from spanbridge.cli.session import messages
from spanbridge.model_folders import list_models
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.config import models_dir


@click.group()
def models() -> None:
    """List the models that are here, and convert others."""


models.add_command(fetch)


@models.command("list")
@click.option("--check", is_flag=True, help="Compare every file with its checksum.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(*, check: bool, as_json: bool) -> None:
    """List the models of the models folder (SPANBRIDGE_MODELS_DIR)."""
    found = list_models(models_dir(), check=check)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
    else:
        shown = table("folder", "kind", "licence", "MB", "version", *(["files"] if check else []))
        for each in found:
            state = ["ok" if each.fault is None else "wrong"] if check else []
            shown.add_row(each.folder, each.kind, each.licence, f"{each.megabytes:.1f}", each.version, *state)
        console().print(shown)
        click.echo(f"{len(found)} models in {models_dir()}")
    if faults := [f"{each.folder}: {each.fault}" for each in found if each.fault is not None]:
        raise ConfigurationError("\n".join(faults))


@models.command()
@click.argument("source")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The model's new folder.")
@click.option("--licence", required=True, help="The weights' licence, such as CC-BY-NC-4.0; goes into the manifest.")
@click.option(
    "--kind", type=click.Choice([each.value for each in conversion.Kind]), help="[default: by the checkpoint's config]"
)
@click.option("--layer", type=click.IntRange(1), help="Of an encoder: the last layer kept, whose vectors align words.")
@click.option("--quantization", default="int8", show_default=True, help="CTranslate2's: int8, float16, float32 …")
@click.option("--name", help="[default: the source's]")
@click.option("--languages", help="Of a teacher: the FLORES codes it serves, with commas.  [default: any]")
@click.option("--overwrite", is_flag=True, help="Replace the folder.")
def convert(
    source: str,
    output: Path,
    licence: str,
    kind: str | None,
    layer: int | None,
    quantization: str,
    name: str | None,
    languages: str | None,
    *,
    overwrite: bool,
) -> None:
    """Convert a checkpoint, SOURCE, into what the services load.

    SOURCE is a folder or a hub id of an NLLB, M2M100, BERT or XLM-R checkpoint of transformers.
    """
    conversion.check_installed()
    conversion.quieten()
    options: dict[str, Any] = {"quantization": quantization, "licence": licence}
    codes = [each.strip() for each in (languages or "").split(",") if each.strip()]
    given = {"layer": layer, "name": name, "languages": codes or None}
    options |= {key: value for key, value in given.items() if value is not None}
    wanted = None if kind is None else conversion.Kind(kind)
    with messages().status(f"Converting {source} …"):
        checkpoint = conversion.read_checkpoint(source)
        conversion.convert(checkpoint, output, wanted, options, overwrite=overwrite)
    made = list_models(output.resolve().parent, check=False)
    about = next(each for each in made if each.folder == output.resolve().name)
    click.echo(f"{output}: {about.kind} model {about.version}, {about.megabytes:.1f} MB, {about.licence}")
    variable, value = conversion.setting_for(output)
    click.echo(f"Use it:  export {variable}={value}")
