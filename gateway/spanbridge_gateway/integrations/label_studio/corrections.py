"""What annotators finished in Label Studio, as its webhooks tell: kept in the corrections store, if there is one."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanbridge_gateway.infos import Infos
from spanbridge_gateway.integrations.label_studio.backend import LabelStudioBackend
from spanbridge_gateway.integrations.label_studio.codec import language_of
from spanbridge_gateway.integrations.label_studio.label_config import LabelledTexts, read_labelled_texts, text_at
from spanbridge_gateway.integrations.label_studio.wire import WebhookBody
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_gateway.planning import AUTO, read_language
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_shared.contracts.corrections import Correction, Entry, Unread, now
from spanbridge_shared.contracts.gateway import DEFAULT_LABELS, UNDETERMINED, Sentence
from spanbridge_shared.corrections.annotators import Hasher
from spanbridge_shared.corrections.label_studio import TOOL, Shown, Task, identifier, read_annotation, withdrawal
from spanbridge_shared.corrections.store import CorrectionStore
from spanbridge_shared.errors import ConfigurationError, InvalidRequest, RequestError, SpanbridgeError
from spanbridge_shared.text.languages import resolve_language

_log = logging.getLogger("spanbridge.integrations.label_studio")
_FINISHED = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED")
_DELETED = "ANNOTATIONS_DELETED"
_INFOS_S = 0.5
"""Label Studio waits 1 s for a webhook: what the services say of themselves may not take all of it."""


def open_corrections(pipeline: Pipeline, backend: LabelStudioBackend, settings: GatewaySettings) -> "Corrections":
    """Return what keeps corrections where the settings say; raises `ConfigurationError` where it can't."""
    if not settings.corrections:
        return Corrections(pipeline, backend, None, lambda _: "")
    store = CorrectionStore(Path(settings.corrections))
    try:
        store.prepare()
        hasher = Hasher(store.folder, settings.corrections_annotators)
    except ConfigurationError as fault:
        raise ConfigurationError(f"SPANBRIDGE_GATEWAY_CORRECTIONS: {fault.detail}") from fault
    return Corrections(pipeline, backend, store, lambda who: hasher(TOOL, who))


@dataclass(frozen=True, slots=True)
class _Event:
    """Annotations of one project, each with its task."""

    project: str
    label_config: str
    pairs: list[tuple[Any, Mapping[str, Any]]]


class Corrections:
    """Keeps what annotation events say; `hashed` turns an annotator into what is kept of them.

    Tokens, passwords and all else that a project brings are left behind.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        backend: LabelStudioBackend,
        store: CorrectionStore | None,
        hashed: Callable[[str], str],
    ) -> None:
        self._pipeline = pipeline
        self._backend = backend
        self._store = store
        self._hashed = hashed
        self._told = False

    async def take(self, body: WebhookBody) -> None:
        """Keep an event, if it is of annotations; raises `ConfigurationError` where the store can't be written."""
        if body.action not in (*_FINISHED, _DELETED):
            return
        if self._store is None:
            if not self._told:
                _log.warning("annotations are not kept: SPANBRIDGE_GATEWAY_CORRECTIONS names no folder")
            self._told = True
            return
        entries = self._deleted(body) if body.action == _DELETED else await self._finished(body)
        if not entries:
            _log.warning("an annotation event has nothing in it: have the webhook send its payload")
            return
        # Both wait for the disk, and maybe for another process.
        await asyncio.to_thread(self._store.append, entries)
        kinds = [type(each) for each in entries]
        counts = kinds.count(Correction), kinds.count(Unread), len(kinds)
        _log.info("kept %d corrections, %d that can't be read, of %d entries", *counts)

    def _deleted(self, body: WebhookBody) -> list[Entry]:
        project, time = _project(body), now()
        told = body.annotations if isinstance(body.annotations, list) else []
        return [found for each in told if (found := withdrawal(project, each, time)) is not None]

    async def _finished(self, body: WebhookBody) -> list[Entry]:
        event = _event(body)
        infos = await self._infos()
        found: list[Entry] = []
        known = (infos.labels if infos is not None else None) or frozenset(DEFAULT_LABELS)
        texts = await asyncio.to_thread(_texts, event.label_config, known)
        for annotation, task in event.pairs:
            data = task.get("data")
            data = data if isinstance(data, dict) else {}
            shown = list(_shown(data, texts))
            about = Task(
                project=event.project,
                task=identifier(task.get("id")),
                data=task.get("data"),
                shown=shown,
                now=now(),
                lang=await self._language(event.project, data, shown, infos),
                renamed=lambda label: texts.names.get(label, label),
                hashed=self._hashed,
            )
            found += read_annotation(about, annotation)
        return found

    async def _infos(self) -> Infos | None:
        """Return what the services say of themselves, None where they don't: an annotation is kept all the same."""
        try:
            async with asyncio.timeout(_INFOS_S):
                return await self._pipeline.upstreams.infos()
        except (SpanbridgeError, TimeoutError) as fault:
            _log.warning("annotations are kept without the services' labels: %s", type(fault).__name__)
            return None

    async def _language(
        self, project: str, data: Mapping[str, Any], shown: list[Shown], infos: Infos | None
    ) -> str | None:
        """Return the language by which a task would be labelled, None where that can't be told."""
        code = language_of(data) or self._backend.options_of(project).lang
        try:
            if code.lower() != AUTO:
                return resolve_language(code)
            if infos is None:
                return None
            sentences = [Sentence(text=each.text) for each in shown]
            lang = await asyncio.to_thread(read_language, code, sentences, infos)
        except RequestError:  # An unknown code, or too little text to be sure of.
            return None
        return None if lang == UNDETERMINED else lang


def _project(body: WebhookBody) -> str:
    return identifier(body.project.get("id")) if isinstance(body.project, dict) else ""


def _event(body: WebhookBody) -> _Event:
    annotations = body.annotation if isinstance(body.annotation, list) else [body.annotation]
    tasks = [each for each in (body.task if isinstance(body.task, list) else [body.task]) if isinstance(each, dict)]
    by_id = {identifier(each.get("id")): each for each in tasks}
    found: list[tuple[Any, Mapping[str, Any]]] = []
    for each in annotations:
        if isinstance(each, dict):
            task = tasks[0] if len(tasks) == 1 else by_id.get(identifier(each.get("task")), {})
            found.append((each, task))
    config = body.project.get("label_config") if isinstance(body.project, dict) else None
    return _Event(_project(body), config if isinstance(config, str) else "", found)


def _texts(label_config: str, known: frozenset[str]) -> LabelledTexts:
    try:
        return read_labelled_texts(label_config, known)
    except InvalidRequest:  # Of something else than texts: its annotations are kept as they came.
        return LabelledTexts({}, {})


def _shown(data: Mapping[str, Any], texts: LabelledTexts) -> Iterator[Shown]:
    for key in dict.fromkeys(texts.keys.values()):
        try:
            text = text_at(data, key)
        except InvalidRequest:  # Not in this task; what is labelled in it all the same can't be read.
            continue
        yield Shown(frozenset(name for name, its in texts.keys.items() if its == key), key, text)
