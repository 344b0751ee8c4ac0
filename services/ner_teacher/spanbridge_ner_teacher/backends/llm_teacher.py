"""A language model behind a chat endpoint as a teacher: asked n times, each answer checked against the sentence."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from spanbridge_ner_teacher.backends.base import Labelled, TeacherCard
from spanbridge_ner_teacher.backends.llm_chat import ChatEndpoint
from spanbridge_ner_teacher.backends.llm_usage import UsageMeter
from spanbridge_ner_teacher.core.llm_answers import read_completion
from spanbridge_ner_teacher.core.llm_prompt import Example, answer_format, messages_for, read_examples
from spanbridge_ner_teacher.core.llm_spans import agreed, located, running_text
from spanbridge_ner_teacher.core.sentences import Sentence
from spanbridge_ner_teacher.llm_settings import LlmSettings
from spanbridge_shared.contracts.ner import ANY_LANGUAGE, TeacherUsage
from spanbridge_shared.errors import ConfigurationError, SentenceError
from spanbridge_shared.text.bio import LabelledSpan
from spanbridge_shared.text.languages import ENGLISH

_SAMPLING_TEMPERATURE = 0.7
"""What Wang et al. (2022) sample PaLM and GPT-3 with."""
_VERSION_HEX = 8


class LlmTeacher:
    """Labels any language; a span's score is the share of usable samples that give it.

    At least half of the samples must be usable, else the sentence has the error of the first that wasn't.
    """

    def __init__(self, model: str, settings: LlmSettings) -> None:
        """Raise `ConfigurationError` where the examples can't be read."""
        self._settings = settings
        self._labels = dict(settings.llm_labels)
        self._examples = _examples(settings.llm_examples, self._labels)
        options = _options(model, settings)
        self._meter = UsageMeter(model, settings.llm_price_in, settings.llm_price_out)
        self._endpoint = ChatEndpoint(settings, options, self._meter)
        # Few sentences with many samples keep as many requests under way as many sentences with one.
        self._pool = ThreadPoolExecutor(settings.llm_concurrency, thread_name_prefix="llm")
        self._card = TeacherCard(
            name=f"llm:{model}",
            model_version=f"llm-{model}-{self._digest(options)}",
            labels=tuple(self._labels),
            languages=(ANY_LANGUAGE,),
            parallel_calls=settings.llm_concurrency,
            remote=True,
        )

    def _digest(self, options: dict[str, Any]) -> str:
        """Return a hash of all that answers depend on, the key not among it: the prompt stands for itself."""
        settings = self._settings
        prompt = messages_for("", ENGLISH, self._labels, self._examples)
        parts = [settings.llm_url, prompt, options, settings.llm_samples, settings.llm_min_share]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:_VERSION_HEX]

    @property
    def card(self) -> TeacherCard:
        """What it is."""
        return self._card

    @property
    def usage(self) -> TeacherUsage:
        """What was asked and paid since it was opened."""
        return self._meter.total

    def stop(self) -> None:
        """Ask nothing more; sentences that wait have `TeacherUnavailable`."""
        self._endpoint.stop()

    def close(self) -> None:
        """Finish what is under way, then close threads and connections."""
        self._pool.shutdown(wait=True)
        self._endpoint.close()

    def entities(self, sentences: Sequence[Sentence]) -> list[Labelled]:
        """Return each sentence's entities, or what kept them away: `UnusableAnswer` or `TeacherUnavailable`."""
        n_samples = self._settings.llm_samples
        asked = [[self._pool.submit(self._sample, each) for _ in range(n_samples)] for each in sentences]
        return [self._agreed([future.result() for future in futures]) for futures in asked]

    def _sample(self, sentence: Sentence) -> list[LabelledSpan] | SentenceError:
        messages = messages_for(running_text(sentence), sentence.lang, self._labels, self._examples)
        try:
            reading = read_completion(self._endpoint.ask(messages), self._labels)
        except SentenceError as fault:
            self._meter.failed(type(fault).__name__)
            return fault
        found = located(sentence, reading.mentions)
        self._meter.dropped(reading.malformed + found.dropped)
        return found.spans

    def _agreed(self, samples: Sequence[list[LabelledSpan] | SentenceError]) -> Labelled:
        usable = [each for each in samples if not isinstance(each, SentenceError)]
        faults = [each for each in samples if isinstance(each, SentenceError)]
        if faults and len(usable) < len(faults):
            return faults[0]
        return agreed(usable, self._settings.llm_min_share)


def _options(model: str, settings: LlmSettings) -> dict[str, Any]:
    temperature = settings.llm_temperature
    if temperature is None:
        temperature = 0.0 if settings.llm_samples == 1 else _SAMPLING_TEMPERATURE
    options = {
        "model": model,
        "temperature": temperature,
        "max_tokens": settings.llm_max_tokens,
        "response_format": answer_format(settings.llm_labels),
    } | settings.llm_extra
    return {name: value for name, value in options.items() if value is not None}


def _examples(file: str, labels: dict[str, str]) -> tuple[Example, ...]:
    if not file:
        return ()
    try:
        lines = Path(file).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigurationError(
            f"SPANBRIDGE_NER_TEACHER_LLM_EXAMPLES: {file} can't be read as UTF-8 text ({type(fault).__name__})"
        ) from fault
    return read_examples(lines, labels, f"SPANBRIDGE_NER_TEACHER_LLM_EXAMPLES: {file}")
