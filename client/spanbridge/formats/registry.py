"""Every file format, in one place: what reads it, and what writes it as a whole from finished documents.

To add one, write a module with a reader and a writer of `Document`s, name it in `records.py`, and enter both here.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from spanbridge.formats.argilla import argilla_records, read_argilla
from spanbridge.formats.brat import build_brat, read_brat
from spanbridge.formats.conllu import build_conllu, read_conllu
from spanbridge.formats.datasaur import build_datasaur, read_datasaur
from spanbridge.formats.docbin import build_docbin, read_docbin
from spanbridge.formats.doccano import doccano_lines, doccano_relation_lines, read_doccano
from spanbridge.formats.documents import Document, as_record, as_result, from_tags, words_of
from spanbridge.formats.huggingface import huggingface_lines, read_huggingface
from spanbridge.formats.inception import build_inception, read_inception
from spanbridge.formats.json_files import write_array, write_lines
from spanbridge.formats.label_studio import label_studio_tasks, read_label_studio
from spanbridge.formats.labelled import read_labelled_conll
from spanbridge.formats.prodigy import prodigy_lines, read_prodigy
from spanbridge.formats.readers import READERS
from spanbridge.formats.records import CorpusError, InputFormat, OutputFormat, Record
from spanbridge.formats.results import read_results
from spanbridge.formats.writers import encode_conll
from spanbridge_shared.contracts.gateway import SentenceResult
from spanbridge_shared.text.bio import LabelledSpan, tags_of
from spanbridge_shared.text.spans import Span

DocumentReader = Callable[[BinaryIO, str], Iterator[Document]]


@dataclass(frozen=True, slots=True)
class Target:
    """Where documents go: the output's name, and the models whose work they are."""

    output: Path
    model_version: str


Builder = Callable[[Iterable[Document], Target], Iterator[bytes]]


def _read_conll(file: BinaryIO, name: str) -> Iterator[Document]:
    for number, record in enumerate(read_labelled_conll(file, name), start=1):
        tokens = record.sentence.tokens or []
        spans = [LabelledSpan(Span(each.start, each.end), each.label) for each in record.sentence.entities]
        place = f"{name}, sentence {number}"
        yield from_tags(place, str(number), tokens, tags_of(spans, len(tokens)), meta=dict(record.meta))


def _read_text(file: BinaryIO, name: str) -> Iterator[Document]:
    for record in READERS[InputFormat.TEXT](file, name):
        sentence = record.sentence
        yield Document(f"{name}:{sentence.id}", sentence.id or "", sentence.text or "")


def _build_conll(documents: Iterable[Document], _: Target) -> Iterator[bytes]:
    for document in documents:
        words = words_of(document)
        record = Record(as_record(document).sentence, dict(document.meta))
        result = SentenceResult(
            id=document.id, text=document.text, lang="und", entities=[], tokens=words.tokens, tags=words.tags
        )
        try:
            yield encode_conll(record, result)
        except UnicodeEncodeError as fault:
            raise CorpusError(f"{document.place}: a lone surrogate, which UTF-8 can't hold") from fault


def _build_docbin(documents: Iterable[Document], _: Target) -> Iterator[bytes]:
    yield build_docbin(json.dumps(as_result(each) | {"tokens": words_of(each).tokens}).encode() for each in documents)


DOCUMENT_READERS: dict[InputFormat, DocumentReader] = {
    InputFormat.TEXT: _read_text,
    InputFormat.JSONL: read_results,
    InputFormat.CONLL: _read_conll,
    InputFormat.CONLLU: read_conllu,
    InputFormat.SPACY: read_docbin,
    InputFormat.HUGGINGFACE: read_huggingface,
    InputFormat.BRAT: read_brat,
    InputFormat.LABEL_STUDIO: read_label_studio,
    InputFormat.DOCCANO: read_doccano,
    InputFormat.PRODIGY: read_prodigy,
    InputFormat.ARGILLA: read_argilla,
    InputFormat.DATASAUR: read_datasaur,
    InputFormat.INCEPTION: read_inception,
}
"""What reads a format with the marks in it; JSONL is that of results."""


def _unlabelled(reader: DocumentReader) -> Callable[[BinaryIO, str], Iterator[Record]]:
    return lambda file, name: map(as_record, reader(file, name))


RECORD_READERS: dict[InputFormat, Callable[[BinaryIO, str], Iterator[Record]]] = {
    format_: READERS.get(format_) or _unlabelled(reader) for format_, reader in DOCUMENT_READERS.items()
}
"""What reads a format to be labelled anew."""


BUILDERS: dict[OutputFormat, Builder] = {
    OutputFormat.JSONL: lambda documents, _: write_lines(map(as_result, documents)),
    OutputFormat.CONLL: _build_conll,
    OutputFormat.CONLLU: lambda documents, _: build_conllu(documents),
    OutputFormat.SPACY: _build_docbin,
    OutputFormat.HUGGINGFACE: lambda documents, _: write_lines(huggingface_lines(documents)),
    OutputFormat.BRAT: lambda documents, _: build_brat(documents),
    OutputFormat.LABEL_STUDIO: lambda documents, to: write_array(label_studio_tasks(documents, to.model_version)),
    OutputFormat.DOCCANO: lambda documents, _: write_lines(doccano_lines(documents)),
    OutputFormat.DOCCANO_RELATIONS: lambda documents, _: write_lines(doccano_relation_lines(documents)),
    OutputFormat.PRODIGY: lambda documents, _: write_lines(prodigy_lines(documents)),
    OutputFormat.ARGILLA: lambda documents, to: _build_argilla(documents, to),
    OutputFormat.DATASAUR: lambda documents, _: build_datasaur(documents),
    OutputFormat.INCEPTION: lambda documents, to: build_inception(documents, bare=to.output.suffix.lower() == ".xmi"),
}
"""What writes a format as a whole."""


def _build_argilla(documents: Iterable[Document], to: Target) -> Iterator[bytes]:
    records = argilla_records(documents, to.model_version)
    return write_lines(records) if to.output.suffix.lower() in (".jsonl", ".ndjson") else write_array(records)


FOLDERS = frozenset({OutputFormat.BRAT, OutputFormat.INCEPTION})
"""Formats of several files: a zip, or, where the output's name has no suffix, a folder."""
