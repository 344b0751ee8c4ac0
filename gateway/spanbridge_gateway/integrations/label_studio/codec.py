"""Between Label Studio's tasks and predictions and our sentences and results, pure. Both count code points."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from spanbridge_gateway.integrations.label_studio.label_config import TextField, text_at
from spanbridge_gateway.integrations.label_studio.project_options import ProjectOptions
from spanbridge_gateway.integrations.label_studio.wire import Prediction, Region, RegionValue, TaskBody
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.gateway import Entity, SentenceResult
from spanbridge_shared.errors import InvalidRequest

_LANGUAGE_KEYS = ("lang", "language")


@dataclass(frozen=True, slots=True)
class TaskText:
    """A text to label: `task` is its task's place in the request; several fields may show it; `lang` is its own."""

    task: int
    text: str
    fields: tuple[TextField, ...]
    lang: str | None


def texts_of(
    tasks: Sequence[TaskBody], fields: Sequence[TextField]
) -> tuple[list[TaskText], dict[int, InvalidRequest]]:
    """Return the tasks' texts in order, and, by place, the faults of tasks that lack one."""
    by_key: dict[str, list[TextField]] = defaultdict(list)
    for field in fields:
        by_key[field.key].append(field)
    texts: list[TaskText] = []
    faults: dict[int, InvalidRequest] = {}
    for place, task in enumerate(tasks):
        try:
            texts += [
                TaskText(place, text_at(task.data, key), tuple(shown), language_of(task.data))
                for key, shown in by_key.items()
            ]
        except InvalidRequest as fault:
            faults[place] = fault
    return texts, faults


def wanted_labels(fields: Sequence[TextField]) -> list[str]:
    """Return the labels that some field can show, in order."""
    return sorted({label for field in fields for label in field.labels})


def predictions(
    n_tasks: int,
    labelled: Sequence[tuple[TaskText, SentenceResult]],
    faults: Mapping[int, ErrorBody],
    model_version: str,
) -> list[Prediction | ErrorBody]:
    """Return one entry a task: its fault, or its regions in the order of its texts, fields and entities."""
    found: dict[int, list[Region]] = defaultdict(list)
    for text, result in labelled:
        found[text.task] += _regions(text, result.entities)
    return [faults[place] if place in faults else _prediction(found[place], model_version) for place in range(n_tasks)]


def version_of(models: Sequence[str], project: ProjectOptions, fields: Sequence[TextField]) -> str:
    """Return a name that changes whenever a prediction might: with any model, option or label.

    `models` are the versions of all that answers depend on.
    """
    parts: list[Any] = [list(models), project.lang, project.method, dict(project.options)]
    parts += [[field.from_name, field.to_name, field.key, dict(field.labels)] for field in fields]
    digest = blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=6).hexdigest()
    return f"spanbridge-{project.method}-{digest}"


def language_of(data: Mapping[str, Any]) -> str | None:
    """Return the language that a task names for itself."""
    given = (data.get(key) for key in _LANGUAGE_KEYS)
    return next((each.strip() for each in given if isinstance(each, str) and each.strip()), None)


def _regions(text: TaskText, entities: Sequence[Entity]) -> list[Region]:
    return [
        Region(
            id=_region_id(field, entity),
            from_name=field.from_name,
            to_name=field.to_name,
            score=entity.score,
            value=RegionValue(
                start=entity.start, end=entity.end, text=entity.text, labels=[field.labels[entity.label]]
            ),
        )
        for field in text.fields
        for entity in entities
        if entity.label in field.labels
    ]


def _region_id(field: TextField, entity: Entity) -> str:
    """Return an id that is the same whenever the prediction is; Label Studio keeps it in annotations made from it."""
    parts = [field.from_name, field.to_name, entity.start, entity.end, entity.label]
    return blake2b(json.dumps(parts).encode(), digest_size=5).hexdigest()


def _prediction(regions: list[Region], model_version: str) -> Prediction:
    score = round(sum(each.score for each in regions) / len(regions), 6) if regions else None
    return Prediction(model_version=model_version, score=score, result=regions)
