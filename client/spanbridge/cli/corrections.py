"""`spanbridge corrections`: what annotators made of texts."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from spanbridge.cli.about import console, table
from spanbridge.cli.options import read_options
from spanbridge.cli.session import messages
from spanbridge.corpus import open_input
from spanbridge.corrections.importing import FORMATS, Import, Imported, as_result, read_corrections
from spanbridge.formats.records import InputFormat, guess_input
from spanbridge_shared.contracts.corrections import Correction, Entry, Unread, Withdrawal
from spanbridge_shared.corrections.annotators import Annotators, Hasher
from spanbridge_shared.corrections.current import Annotations, read_current
from spanbridge_shared.corrections.store import CorrectionStore
from spanbridge_shared.text.languages import resolve_language

Command = TypeVar("Command", bound=Callable[..., Any])
_UNDECLARED = "?"

_store: Callable[[Command], Command] = click.option(
    "--store",
    "folder",
    envvar="SPANBRIDGE_GATEWAY_CORRECTIONS",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of corrections; taken from the gateway's SPANBRIDGE_GATEWAY_CORRECTIONS where it is set.",
)
_project: Callable[[Command], Command] = click.option("--project", help="Only those of this project.")


@click.group()
def corrections() -> None:
    """Keep what annotators made of texts, for evaluating and for training.

    Label Studio can send it while people work (docs/integrations/corrections.md); `add` takes it from exported files.
    """


@corrections.command()
@click.argument("file", metavar="EXPORT", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice([each.value for each in FORMATS]),
    help="[default: by EXPORT's name, such as tasks.doccano.jsonl, else label-studio]",
)
@click.option("--lang", help="Of texts that name no language themselves.")
@click.option("--project", default="", help="Of all texts.  [default: what the file says]")
@click.option("--name", "names", multiple=True, callback=read_options, help="What a label is called there: PER=Person.")
@click.option(
    "--annotators",
    type=click.Choice([each.value for each in Annotators]),
    default=Annotators.NONE.value,
    show_default=True,
    help="What is kept of the annotators that the file names.",
)
@click.option("--annotator", default="", help="Who made all of it, where each annotator has a file; kept as a hash.")
@click.option("--no-empty", is_flag=True, help="Leave out texts without entities: nobody may have looked at them.")
@_store
def add(
    file: Path, folder: Path, format_: str | None, lang: str | None, project: str, names: dict[str, Any],
    annotators: str, annotator: str, *, no_empty: bool,
) -> None:  # fmt: skip
    """Add what a tool exported; later corrections of a text replace earlier ones.

    A file that can't be read adds nothing.
    """
    store = CorrectionStore(folder)
    read_as = InputFormat(format_) if format_ else _guess(file)
    hasher = Hasher(folder, Annotators.HASHED if annotator else Annotators(annotators))
    about = Import(
        project=project,
        lang=None if lang is None else resolve_language(lang),
        names={str(theirs): ours for ours, theirs in names.items()},
        annotator=hasher(read_as.value, annotator),
        hashed=lambda who: hasher(read_as.value, who),
        empty=not no_empty,
    )
    with open_input(file, read_as) as content:
        found = read_corrections(content, str(file), read_as, about)
    new = store.missing(found.entries)
    store.append(new)
    _tell(found, new, folder, read_as, no_empty=no_empty)


def _guess(file: Path) -> InputFormat:
    found = guess_input(file)
    return found if found in FORMATS else InputFormat.LABEL_STUDIO


def _tell(found: Imported, new: Sequence[Entry], folder: Path, read_as: InputFormat, *, no_empty: bool) -> None:
    kept = [each for each in new if isinstance(each, Correction)]
    empty = sum(not each.spans for each in kept)
    told = messages()
    told.print(
        f"{len(kept):,} corrections with {sum(len(each.spans) for each in kept):,} entities → {folder}", style="green"
    )
    lines = {
        "are there already": len(found.entries) - len(new),
        "say that their text has no entities": empty,
        "texts nobody has annotated are left out": found.untouched,
        "texts without entities are left out": found.empty,
        "skipped by their annotators": sum(isinstance(each, Withdrawal) for each in new),
        "hold more than entities, such as relations, which is kept beside": sum(bool(each.others) for each in kept),
        "copied from predictions without anybody looking, and never used": sum(not each.reviewed for each in kept),
        "name no language: `spanbridge corrections declare --lang …` does": sum(each.lang is None for each in kept),
    }
    for what, count in lines.items():
        if count:
            told.print(f"{count:,} {what}", markup=False)
    if empty and read_as is InputFormat.DOCCANO and not no_empty:
        told.print("warning: doccano exports texts that nobody looked at in the same way; see --no-empty")
    for each in [each for each in new if isinstance(each, Unread)][:10]:
        told.print(f"can't be read, kept as it came: task {each.task}: {each.error}", style="yellow", markup=False)


@dataclass(slots=True)
class _Sums:
    texts: int = 0
    empty: int = 0
    entities: int = 0


@corrections.command("list")
@_store
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def list_(folder: Path, *, as_json: bool) -> None:
    """Count the corrections by language and project."""
    found = read_current(CorrectionStore(folder))
    sums: dict[tuple[str, str, str], _Sums] = {}
    for each in found.corrections:
        one = sums.setdefault((each.lang or _UNDECLARED, each.tool, each.project), _Sums())
        one.texts += 1
        one.entities += len(each.spans)
        one.empty += not each.spans
    labels = Counter(span.label for each in found.corrections for span in each.spans)
    if as_json:
        rows = [
            {"lang": None if lang == _UNDECLARED else lang, "tool": tool, "project": project, "texts": one.texts,
             "without_entities": one.empty, "entities": one.entities}
            for (lang, tool, project), one in sorted(sums.items())
        ]  # fmt: skip
        left_out = {
            "replaced": found.replaced, "withdrawn": found.withdrawn, "other_annotators": found.others,
            "unreviewed": found.unreviewed, "unread": len(found.unread), "damaged": found.damaged,
        }  # fmt: skip
        click.echo(json.dumps({"corrections": rows, "labels": dict(labels), "left_out": left_out}, ensure_ascii=False))
        return
    shown = table("language", "tool", "project", "texts", "without entities", "entities")
    for (lang, tool, project), one in sorted(sums.items()):
        shown.add_row(lang, tool, project, *(f"{count:,}" for count in (one.texts, one.empty, one.entities)))
    console().print(shown)
    console().print(", ".join(f"{label} {count:,}" for label, count in labels.most_common()), markup=False)
    _left_out(found.told())


@corrections.command()
@_store
@_project
@click.option("--lang", help="Only those of this language.")
@click.option(
    "--annotations",
    type=click.Choice([each.value for each in Annotations]),
    default=Annotations.LATEST.value,
    show_default=True,
    help="Of texts that several people annotated.",
)
@click.option("--unread", is_flag=True, help="Show what can't be read instead, as it came, and why.")
def show(folder: Path, project: str | None, lang: str | None, annotations: str, *, unread: bool) -> None:
    """Print the corrections that count as lines of JSON, which `spanbridge export` takes.

    Earlier versions, and what is listed as left out, stay in the store.
    """
    found = read_current(CorrectionStore(folder), Annotations(annotations))
    code = None if lang is None else resolve_language(lang)
    if unread:
        _lines({"task": each.task, "project": each.project, "error": each.error, "raw": each.raw}
               for each in found.unread if project in (None, each.project))  # fmt: skip
        return
    chosen = [each for each in found.corrections if project in (None, each.project) and code in (None, each.lang)]
    _lines(map(as_result, chosen))
    _left_out(found.told())


@corrections.command()
@click.option("--lang", required=True, help="The language of those that name none.")
@_project
@_store
def declare(folder: Path, project: str | None, lang: str) -> None:
    """Say of what language corrections are that name none."""
    code, store = resolve_language(lang), CorrectionStore(folder)
    found = read_current(store, Annotations.ALL).corrections
    chosen = [each for each in found if each.lang is None and project in (None, each.project)]
    store.append(each.model_copy(update={"lang": code}) for each in chosen)
    messages().print(f"{len(chosen):,} corrections are of {code} now")


def _lines(values: Iterable[dict[str, Any]]) -> None:
    for each in values:
        click.echo(json.dumps(each, ensure_ascii=False).encode("utf-8", "backslashreplace"))


def _left_out(told: Sequence[str]) -> None:
    for line in told:
        messages().print(line, style="yellow", markup=False)
