"""The use case of Label Studio: it sends all tasks at once, and gets what could be labelled while it waits."""

import asyncio
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Sequence

from spanbridge_gateway.core.methods import Method, find_method, read_options
from spanbridge_gateway.infos import Infos
from spanbridge_gateway.integrations.label_studio.codec import (
    TaskText,
    predictions,
    texts_of,
    version_of,
    wanted_labels,
)
from spanbridge_gateway.integrations.label_studio.label_config import TextField, read_label_config
from spanbridge_gateway.integrations.label_studio.labelling import HasLeft, Labelling
from spanbridge_gateway.integrations.label_studio.project_options import ProjectOptions, read_extra_params
from spanbridge_gateway.integrations.label_studio.wire import PredictBody, Prediction, SetupBody
from spanbridge_gateway.offers import methods_for
from spanbridge_gateway.pipeline import Pipeline
from spanbridge_gateway.planning import AUTO, read_language
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_shared.contracts.base import ErrorBody
from spanbridge_shared.contracts.gateway import Sentence
from spanbridge_shared.errors import ConfigurationError, NotReady, RequestError, SpanbridgeError, UnsupportedLanguage
from spanbridge_shared.serving.service_app import error_body
from spanbridge_shared.text.languages import resolve_language

_log = logging.getLogger("spanbridge.integrations.label_studio")
_SETUP_S = 2.5
"""Label Studio waits 3 s for /setup."""
_MAX_PROJECTS = 10_000


class LabelStudioBackend:
    """Answers Label Studio's /setup and /predict.

    Only /setup carries a project's options, so that they are remembered; Label Studio sends it before each batch.
    """

    def __init__(self, pipeline: Pipeline, settings: GatewaySettings) -> None:
        self._pipeline = pipeline
        self._seconds = settings.label_studio_seconds
        self._default = ProjectOptions(settings.label_studio_lang)
        self._projects: OrderedDict[str, tuple[ProjectOptions, str]] = OrderedDict()
        try:
            _check_language(self._default.lang)
        except SpanbridgeError as fault:
            raise ConfigurationError(f"SPANBRIDGE_GATEWAY_LABEL_STUDIO_LANG: {fault.detail}") from fault

    async def set_up(self, body: SetupBody) -> str:
        """Check a project's configuration and options, remember these, and return its model version."""
        try:
            async with asyncio.timeout(_SETUP_S):
                infos = await self._pipeline.upstreams.infos()
        except TimeoutError as fault:
            raise NotReady(f"the services behind the gateway gave no answer within {_SETUP_S:g} s") from fault
        try:
            options = read_extra_params(body.extra_params, self._default.lang)
            fields = await asyncio.to_thread(read_label_config, body.label_config, infos.labels)
            _check(options, infos)
        except RequestError as fault:
            # Label Studio shows the status alone, and sends people to this log.
            _log.warning("Label Studio's /setup is refused: %s", error_body(fault).detail)
            raise
        version = self._version(infos, options, fields)
        if body.project is not None:
            self._projects[body.project] = options, version
            self._projects.move_to_end(body.project)
            if len(self._projects) > _MAX_PROJECTS:
                self._projects.popitem(last=False)
        return version

    async def predict(self, body: PredictBody, has_left: HasLeft) -> list[Prediction | ErrorBody]:
        """Return an entry a task; raises where not a single task could be labelled, or an annotator waits for one."""
        deadline = asyncio.get_running_loop().time() + self._seconds
        infos = await self._pipeline.upstreams.infos()
        options, _ = self._projects.get(body.project or "", (self._default, ""))
        fields = await asyncio.to_thread(read_label_config, body.label_config, infos.labels)
        texts, missing = await asyncio.to_thread(texts_of, body.tasks, fields)
        faults: dict[int, SpanbridgeError] = dict(missing)
        labelling = Labelling(self._pipeline, options, wanted_labels(fields), deadline, has_left)
        for lang, group in (await self._by_language(texts, options, infos, faults)).items():
            await labelling.label(group, lang)
        faults |= labelling.faults
        if faults and (len(faults) == len(body.tasks) or _is_waited_for(body)):
            raise faults[min(faults)]
        if faults:
            names = ", ".join(sorted({type(each).__name__ for each in faults.values()}))
            _log.warning("%d of Label Studio's %d tasks have no prediction: %s", len(faults), len(body.tasks), names)
        bodies = {place: error_body(fault) for place, fault in faults.items()}
        version = self._version(infos, options, fields)
        return await asyncio.to_thread(predictions, len(body.tasks), labelling.labelled, bodies, version)

    def options_of(self, project: str) -> ProjectOptions:
        """Return the options of the project of that number as it was last set up, else the default ones."""
        found = (options for uid, (options, _) in reversed(self._projects.items()) if uid.partition(".")[0] == project)
        return next(found, self._default)

    def versions(self) -> list[str]:
        """Return the versions that projects were set up with, the latest first."""
        return list(dict.fromkeys(version for _, version in reversed(self._projects.values())))

    def _version(self, infos: Infos, options: ProjectOptions, fields: Sequence[TextField]) -> str:
        models = [infos.model_version]
        if options.method == Method.ENSEMBLE:
            models.append(self._pipeline.calibration.version)
        return version_of(models, options, fields)

    async def _by_language(
        self,
        texts: Sequence[TaskText],
        options: ProjectOptions,
        infos: Infos,
        faults: dict[int, SpanbridgeError],
    ) -> dict[str, list[TaskText]]:
        """Return the texts by FLORES code: the task's own language, the project's, or what theirs is found to be."""
        asked: dict[str, list[TaskText]] = defaultdict(list)
        for text in texts:
            asked[text.lang or options.lang].append(text)
        groups: dict[str, list[TaskText]] = defaultdict(list)
        for code, group in asked.items():
            sentences = [Sentence(text=each.text) for each in group]
            try:
                # All undeclared texts at once: one alone is often too short to be sure of.
                lang = await asyncio.to_thread(read_language, code, sentences, infos)
            except RequestError as fault:
                faults |= {each.task: fault for each in group}
            else:
                groups[lang] += group
        return groups


def _check(options: ProjectOptions, infos: Infos) -> None:
    """Raise `RequestError` where a project's method or language can't be had."""
    spec = find_method(options.method)
    read_options(spec, dict(options.options))
    lang = _check_language(options.lang)
    if lang == AUTO or spec.method in (served := methods_for(lang, infos)):
        return
    told = f"these do: {', '.join(served)}" if served else "no method does; GET /v1/languages lists those served"
    raise UnsupportedLanguage(f"the method {spec.method} doesn't serve {lang}; {told}")


def _check_language(lang: str) -> str:
    return AUTO if lang.lower() == AUTO else resolve_language(lang)


def _is_waited_for(body: PredictBody) -> bool:
    return body.params is not None and body.params.context is not None
