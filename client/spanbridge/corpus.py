"""A corpus to be labelled, checked as a whole before any of it is sent, and the labelling of it in batches."""

import hashlib
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from spanbridge.answers import Projection, TrainingData
from spanbridge.formats.brat import pack_folder
from spanbridge.formats.records import AnyRecord, CorpusError, InputFormat, OutputFormat
from spanbridge.formats.writers import ENCODERS, Result, encode_jsonl
from spanbridge.journal import Failure, Journal, Progress
from spanbridge.requests import AUTO
from spanbridge_shared.contracts.gateway import UNDETERMINED
from spanbridge_shared.contracts.translate_train import TranslatedSentence

STREAM = Path("-")
_BLOCK = 1 << 20

Reader = Callable[[BinaryIO, str], Iterator[AnyRecord]]
Answer = Projection | TrainingData


class Labeller(Protocol):
    """What labels a batch: a `Spanbridge`."""

    @property
    def projection(self) -> Callable[..., Projection]:
        """As `Spanbridge.projection`."""
        ...


class Translator(Protocol):
    """What translates a batch of labelled sentences: a `Spanbridge`."""

    @property
    def training_data(self) -> Callable[..., TrainingData]:
        """As `Spanbridge.training_data`."""
        ...


@dataclass(frozen=True, slots=True)
class Corpus:
    """A seekable file of sentences, and what reads it; `total` counts them."""

    file: BinaryIO
    name: str
    reader: Reader
    sha256: str
    total: int

    def records(self) -> Iterator[AnyRecord]:
        """Read it from the start."""
        self.file.seek(0)
        return self.reader(self.file, self.name)


@contextmanager
def open_corpus(path: Path, format_: InputFormat, readers: Mapping[InputFormat, Reader]) -> Iterator[Corpus]:
    """Open a file, or stdin for `-`, and read all of it once; `readers` has one for the format.

    Raises `CorpusError` for what can't be read, so that a fault in its last line is told before the first is labelled.
    """
    name = "stdin" if path == STREAM else str(path)
    with open_input(path, format_) as file:
        if path == STREAM:
            shutil.copyfileobj(sys.stdin.buffer, file)
            file.seek(0)
        digest = _sha256(file)
        total = sum(1 for _ in readers[format_](file, name))
        if total == 0:
            raise CorpusError(f"{name} has no sentences in it (read as {format_})")
        yield Corpus(file, name, readers[format_], digest, total)


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def open_input(path: Path, format_: InputFormat) -> BinaryIO:
    """Open a file, a place for stdin, or a folder as the zip that it would be; raises `CorpusError`."""
    if path.is_dir() and format_ is not InputFormat.BRAT:
        raise CorpusError(f"{path} is a folder, which only brat's format is; name a file")
    try:
        if path.is_dir():
            return io.BytesIO(pack_folder(path))
        return tempfile.TemporaryFile() if path == STREAM else path.open("rb")
    except OSError as fault:
        raise CorpusError(f"{path} can't be read: {fault.strerror}") from fault


def label_corpus(
    client: Labeller, corpus: Corpus, journal: Journal, batch: int, seen: Callable[[Progress], None]
) -> None:
    """Label what the journal has not seen yet, `batch` sentences at a time; `seen` is called after each batch.

    Raises as `Spanbridge.projection` does, and `CorpusError` where the models changed since the journal began.
    """
    settings = journal.progress.settings
    include = list(dict.fromkeys([*settings.include, *_needed(settings.output_format)]))

    def ask(chunk: Sequence[AnyRecord]) -> Projection:
        return client.projection(
            [record.sentence for record in chunk],
            journal.progress.lang or settings.lang,
            method=settings.method,
            labels=settings.labels,
            options=settings.options,
            include=include,
        )

    _in_batches(corpus, journal, batch, ask, seen)


def translate_corpus(
    client: Translator, corpus: Corpus, journal: Journal, batch: int, seen: Callable[[Progress], None]
) -> None:
    """Translate labelled sentences as `label_corpus` labels others; raises as `Spanbridge.training_data` does."""
    settings = journal.progress.settings

    def ask(chunk: Sequence[AnyRecord]) -> TrainingData:
        sentences = [record.sentence for record in chunk]
        return client.training_data(sentences, settings.lang, method=settings.method, options=settings.options)

    _in_batches(corpus, journal, batch, ask, seen)


def _in_batches(
    corpus: Corpus,
    journal: Journal,
    batch: int,
    ask: Callable[[Sequence[AnyRecord]], Answer],
    seen: Callable[[Progress], None],
) -> None:
    settings = journal.progress.settings
    encode = ENCODERS.get(settings.output_format, encode_jsonl)
    records = islice(corpus.records(), journal.progress.done, None)
    while chunk := list(islice(records, batch)):
        answer = ask(chunk)
        results: Sequence[Result] = answer.results
        _check_models(journal.progress, answer)
        data = b"".join(
            encode(record, result)
            for record, result in zip(chunk, results, strict=True)
            if not (settings.complete_only and _lost(result))
        )
        journal.append(data, _after(journal.progress, answer))
        seen(journal.progress)


def _lost(result: Result) -> int:
    return len(result.lost) if isinstance(result, TranslatedSentence) else 0


def _needed(format_: OutputFormat) -> list[str]:
    return [] if format_ is OutputFormat.JSONL else ["tokens"]


def _check_models(progress: Progress, answer: Answer) -> None:
    if progress.model_version and answer.model_version and progress.model_version != answer.model_version:
        raise CorpusError(
            f"the models have changed since this run began, from {progress.model_version} to {answer.model_version}; "
            "--overwrite starts it again"
        )


def _after(progress: Progress, answer: Answer) -> Progress:
    failures = [
        Failure(id=result.id, error=result.error.error, detail=result.error.detail)
        for result in answer.results
        if result.error is not None
    ]
    changed: dict[str, Any] = {
        "model_version": progress.model_version or answer.model_version,
        # A corpus is of one language: what its first batch was found to be holds for all of it.
        "lang": progress.lang
        or next((each.lang for each in answer.results if each.lang not in (AUTO, UNDETERMINED)), None),
        "done": progress.done + len(answer.results),
        "entities": progress.entities + sum(len(result.entities) for result in answer.results),
        "lost": progress.lost + sum(map(_lost, answer.results)),
        "incomplete": progress.incomplete + sum(map(bool, map(_lost, answer.results))),
        "failed": progress.failed + len(failures),
        "failures": [*progress.failures, *failures][: Progress.MOST_FAILURES],
    }
    return progress.model_copy(update=changed)
