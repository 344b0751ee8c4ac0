"""The stages one after the other; each is skipped, or continued, where its results are there already."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from spanbridge_distillation.corrections import Corrected
from spanbridge_distillation.encode import encode
from spanbridge_distillation.faults import DistillationFault
from spanbridge_distillation.gather import Gathered, gather
from spanbridge_distillation.opening import opened_teachers
from spanbridge_distillation.plan import Plan, Stage
from spanbridge_distillation.texts import Texts
from spanbridge_shared.contracts.manifest import MANIFEST_FILE
from spanbridge_shared.errors import ConfigurationError

ENCODED, TRAINED = "encoded", "trained"
Seen = Callable[[int], None]


def distil(plan: Plan, console: Console) -> None:
    """Do every stage up to the last one wanted, and say what came of it; raises as the stages do.

    Their own `DistillationFault`s become `ConfigurationError`s.
    """
    try:
        _distil(plan, console)
    except DistillationFault as fault:
        raise ConfigurationError(str(fault)) from fault


def _distil(plan: Plan, console: Console) -> None:
    licence = _licence(plan)
    corrected = plan.corrected(plan.read())
    texts = corrected.texts
    for line in corrected.told.lines() if corrected.told else ():
        console.print(line, markup=False)
    gathered = gather_all(plan, texts, console)
    for each in gathered:
        failed = ", ".join(f"{count} {name}" for name, count in sorted(each.failures.items()))
        told = f", failed: {failed}" if failed else ""
        console.print(f"{each.teacher}: {each.lang}, {each.sentences:,} sentences{told}", markup=False)
    if not plan.goes_on_after(Stage.GATHER):
        return
    encoded = plan.work / ENCODED
    sources = plan.read_sources()
    encode(texts, plan.teachers, plan.labels, plan.gathered, plan.start, plan.layers, sources, encoded, corrected.gold)
    if not plan.goes_on_after(Stage.ENCODE):
        console.print(f"To train elsewhere, carry {encoded}", markup=False)
        return
    if not _trained(plan, console) or not plan.goes_on_after(Stage.TRAIN):
        return
    _finish(plan, gathered, corrected, licence, console)


def gather_all(plan: Plan, texts: Sequence[Texts], console: Console) -> list[Gathered]:
    """Have every teacher label every language; raises as `gather` and `opened_teachers` do."""
    return asyncio.run(_gather_all(plan, texts, console))


async def _gather_all(plan: Plan, texts: Sequence[Texts], console: Console) -> list[Gathered]:
    found = []
    options = dict(plan.projection_options)
    async with opened_teachers(plan.teachers, plan.addresses, plan.labels, options) as teachers:
        for teacher in teachers:
            for each in texts:
                with _bar(console, f"{teacher.name} {each.lang}", len(each.sentences)) as seen:
                    found.append(
                        await gather(teacher, each, plan.labels, plan.gathered, parallel=plan.parallel, seen=seen)
                    )
    return found


def _trained(plan: Plan, console: Console) -> bool:
    """Train, where the student wasn't trained elsewhere; False where the time was up first."""
    if plan.trained is not None:
        return True
    try:
        from spanbridge_distillation.train import train
    except ModuleNotFoundError as fault:
        raise ConfigurationError(
            f"training needs {fault.name}, which the services don't: pip install 'spanbridge[distillation]'"
        ) from fault
    done = train(plan.work, plan.recipe, minutes=plan.minutes)
    if not done:
        console.print("The time is up; the same command goes on training.")
    return done


def _finish(plan: Plan, gathered: Sequence[Gathered], corrected: Corrected, licence: str, console: Console) -> None:
    from spanbridge_distillation.convert import convert
    from spanbridge_distillation.report import write_report

    log = convert(
        plan.work / ENCODED, plan.trained or plan.work / TRAINED, plan.model, name=plan.name, licence=licence,
        overwrite=True, languages=plan.serves or [each.lang for each in corrected.texts],
    )  # fmt: skip
    page = write_report(plan.out, gathered, log, plan.model, corrected.told)
    console.print(f"{plan.name} → {plan.model}; {page} tells the rest", style="green", markup=False)
    console.print(f"SPANBRIDGE_NER_TEACHER_STUDENT=ctranslate2:{plan.model.resolve()} has ner_teacher serve it")


def _licence(plan: Plan) -> str:
    """Return the student's licence: what was said, else that of the model it starts from."""
    if plan.licence is not None:
        return plan.licence
    path = plan.start / MANIFEST_FILE
    if not path.is_file():
        raise ConfigurationError(f"--licence must say under what the student may be used: {plan.start} has no manifest")
    found: str = json.loads(path.read_text(encoding="utf-8"))["licence"]
    return found


@contextmanager
def _bar(console: Console, doing: str, total: int) -> Iterator[Seen]:
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.advance(task, done)
