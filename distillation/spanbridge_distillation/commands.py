"""`spanbridge distill`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from spanbridge.cli.options import read_options
from spanbridge_distillation.corrections import CorrectionsUse
from spanbridge_distillation.faults import DistillationFault
from spanbridge_distillation.opening import Addresses
from spanbridge_distillation.plan import Plan, Stage, pair_files
from spanbridge_distillation.recipe import Alpha, Consistency, Loss, Recipe, changed
from spanbridge_distillation.teachers import TeacherName
from spanbridge_shared.contracts.gateway import DEFAULT_LABELS
from spanbridge_shared.serving.config import model_path

_FOLDER = click.Path(file_okay=False, path_type=Path)
_CHOICES = ("alpha", "weights", "loss", "consistency", "hard", "curriculum", "min_confidence", "min_mean", "steps")


def _read_list(_: click.Context, __: click.Parameter, given: str | None) -> list[str]:
    return list(dict.fromkeys(each.strip() for each in (given or "").split(",") if each.strip()))


def _read_teachers(context: click.Context, parameter: click.Parameter, given: str | None) -> tuple[TeacherName, ...]:
    found = _read_list(context, parameter, given)
    if wrong := [each for each in found if each not in [name.value for name in TeacherName]]:
        raise click.BadParameter(f"{wrong[0]!r} is none of {', '.join(TeacherName)}")
    if not found:
        raise click.BadParameter("name at least one")
    return tuple(map(TeacherName, found))


def _read_weights(context: click.Context, parameter: click.Parameter, given: str | None) -> dict[str, float] | None:
    if given is None:
        return None
    pairs = [each.partition("=") for each in _read_list(context, parameter, given)]
    try:
        return {name: float(value) for name, _, value in pairs}
    except ValueError as fault:
        raise click.BadParameter(f"{given!r} is not TEACHER=NUMBER,…") from fault


def _of(kind: Any) -> click.Choice[str]:
    return click.Choice([each.value for each in kind])


_OPTIONS = (
    click.option("--lang", "langs", multiple=True, help="Language of the --unlabelled file in the same place."),
    click.option(
        "--unlabelled", multiple=True, required=True, metavar="[LANG=]FILE", help="A sentence a line; repeatable."
    ),
    click.option(
        "--teacher", "teachers", default="transfer,projection", show_default=True, callback=_read_teachers,
        metavar="LIST", help="Any of transfer, projection, llm.",
    ),
    click.option("--out", required=True, type=_FOLDER, help="Folder of all results."),
    click.option(
        "--corrections", type=_FOLDER, metavar="DIR", help="What annotators corrected, by `spanbridge corrections`."
    ),
    click.option(
        "--corrections-use", type=_of(CorrectionsUse), help="Leave corrected sentences out of the text, so that they "
        "stay a fair test, or add them as gold, instead.  [default: leave-out]",
    ),
    click.option("--url", envvar="SPANBRIDGE_URL", help="A running gateway, for projection; else it runs in here."),
    click.option(
        "--teacher-url", envvar="SPANBRIDGE_GATEWAY_NER_TEACHER_URL", default="embedded", show_default=True,
        help="A running ner_teacher service, for transfer and llm.",
    ),
    click.option(
        "--labels", default=",".join(DEFAULT_LABELS), show_default=True, callback=_read_list, metavar="LIST"
    ),
    click.option("--tokenized", is_flag=True, help="Lines are words between blanks."),
    click.option("--limit", type=click.IntRange(min=1), help="Only the first N sentences of each language."),
    click.option(
        "--translations", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
        help='LANG.jsonl of {"text", "english"}: these lines are not translated again.',
    ),
    click.option(
        "--option", "options", multiple=True, callback=read_options, metavar="NAME=VALUE",
        help="Of method candidates, for projection.",
    ),
    click.option(
        "--parallel", default=2, show_default=True, type=click.IntRange(1, 64), help="Parts asked for at once."
    ),
    click.option("--weights", callback=_read_weights, metavar="LIST", help="Of teachers: transfer=.6,projection=.4."),
    click.option("--alpha", type=_of(Alpha), help="Weights by similarity, which needs --source.  [default: uniform]"),
    click.option(
        "--source", "sources", multiple=True, metavar="TEACHER=FILE",
        help="Text of a teacher's own language, for --alpha."
    ),
    click.option("--hard", is_flag=True, default=None, help="Learn the best tag of each word, not probabilities."),
    click.option("--min-confidence", type=float, help="Words below it aren't learnt.  [default: 0]"),
    click.option("--min-mean", type=float, help="Sentences whose mean confidence is below it neither.  [default: 0]"),
    click.option("--consistency", type=_of(Consistency), help="Words on which teachers disagree.  [default: off]"),
    click.option("--curriculum", is_flag=True, default=None, help="Sentences on which teachers agree come first."),
    click.option("--loss", type=_of(Loss), help="[default: mse]"),
    click.option("--steps", type=click.IntRange(min=1), help="[default: 3000]"),
    click.option(
        "--set", "choices", multiple=True, callback=read_options, metavar="NAME=VALUE", help="Any choice of the recipe."
    ),
    click.option("--start", default="teacher", show_default=True, help="Model whose encoder the student begins with."),
    click.option("--layers", type=click.IntRange(min=1), help="Keep only the first N of its layers."),
    click.option("--minutes", type=click.FloatRange(min=0), help="Train so long; the same command goes on."),
    click.option("--trained", type=_FOLDER, metavar="DIR", help="A student trained elsewhere: none is trained here."),
    click.option("--name", default="student-1", show_default=True, help="Of the model, in its manifest."),
    click.option("--licence", help="Of the model.  [default: that of --start]"),
    click.option("--serves", callback=_read_list, metavar="LIST", help="Languages, or *.  [default: those trained]"),
    click.option(
        "--stop-after", type=_of(Stage), default=Stage.CONVERT.value, show_default=True, help="The last stage done."
    ),
)  # fmt: skip


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_options
def distill(**given: Any) -> None:
    """Teach a student from unlabelled text.

    Teachers label the text softly, their labels are combined, a student learns them, and becomes a folder that the
    ner_teacher service serves. The same command continues a stopped run. No gold label is read, but of corrections
    where --corrections-use add says so.
    """
    from spanbridge.cli.session import messages, set_up_logs
    from spanbridge_distillation.running import distil

    set_up_logs(None, None)
    distil(plan_of(given), messages())


def plan_of(given: Mapping[str, Any]) -> Plan:
    """Return the plan of what was typed; raises `ConfigurationError` and `BadParameter` where that doesn't fit."""
    return Plan(
        files=pair_files(given["langs"], given["unlabelled"]),
        teachers=given["teachers"],
        labels=tuple(given["labels"]),
        out=given["out"],
        addresses=Addresses(given["url"], given["teacher_url"]),
        tokenized=given["tokenized"],
        limit=given["limit"],
        translations=given["translations"],
        projection_options=given["options"],
        parallel=given["parallel"],
        start=model_path(given["start"]),
        layers=given["layers"],
        sources=_sources(given["sources"], given["teachers"]),
        recipe=_recipe(given),
        minutes=given["minutes"],
        trained=given["trained"],
        name=given["name"],
        licence=given["licence"],
        serves=tuple(given["serves"]),
        stop_after=Stage(given["stop_after"]),
        corrections=given["corrections"],
        corrections_use=_corrections_use(given),
    )


def _corrections_use(given: Mapping[str, Any]) -> CorrectionsUse:
    if given["corrections"] is None and given["corrections_use"] is not None:
        raise click.BadParameter("name the store as --corrections", param_hint="--corrections-use")
    return CorrectionsUse(given["corrections_use"] or CorrectionsUse.LEAVE_OUT)


def _recipe(given: Mapping[str, Any]) -> Recipe:
    chosen = {name: given[name] for name in _CHOICES if given[name] is not None}
    try:
        return changed(Recipe(), {**given["choices"], **chosen})
    except DistillationFault as fault:
        raise click.BadParameter(str(fault), param_hint="--set") from fault


def _sources(written: Sequence[str], teachers: Sequence[TeacherName]) -> dict[str, Path]:
    pairs = [each.partition("=") for each in written]
    if wrong := [name for name, _, path in pairs if name not in list(teachers) or not path]:
        raise click.BadParameter(f"{wrong[0]!r} is not TEACHER=FILE of one of --teacher", param_hint="--source")
    return {name: Path(path) for name, _, path in pairs}
