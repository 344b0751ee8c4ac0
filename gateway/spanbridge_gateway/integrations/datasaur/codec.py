"""Between Datasaur's documents and sentences with entities, pure. Both count code points."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from spanbridge_shared.contracts.base import RawText
from spanbridge_shared.contracts.gateway import SentenceResult

Key = StrictInt | StrictStr


class _Message(BaseModel):
    """Frozen, and open to fields that Datasaur adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class DatasaurSentence(_Message):
    """A sentence and its number."""

    id: Key
    text: RawText


class DatasaurDocument(_Message):
    """A file of a project."""

    id: Key | None = None
    sentences: list[DatasaurSentence]


class DatasaurRequest(_Message):
    """What Datasaur sends: a project and its documents."""

    id: Key | None = Field(None, examples=["project"])
    name: str | None = None
    documents: list[DatasaurDocument] = Field(
        examples=[[{"id": "1", "sentences": [{"id": 0, "text": "Samia yuko Nairobi."}]}]]
    )


class DatasaurEntity(_Message):
    """A label in code points of its sentence."""

    label: str
    start_char: int
    end_char: int
    layer: int = 0


class SentenceLabels(_Message):
    """The entities of the sentence of this number."""

    id: Key
    entities: list[DatasaurEntity]


class DocumentLabels(_Message):
    """The sentences of a document, in order."""

    id: Key | None
    labels: list[SentenceLabels]


class DatasaurResponse(_Message):
    """What Datasaur takes."""

    id: Key | None
    documents: list[DocumentLabels]


def texts_of(request: DatasaurRequest) -> list[str]:
    """Return the texts of all sentences, in order."""
    return [sentence.text for document in request.documents for sentence in document.sentences]


def response_of(request: DatasaurRequest, results: Sequence[SentenceResult]) -> DatasaurResponse:
    """Return the answer; `results` belong to `texts_of(request)`. A sentence that failed has no entities."""
    left = iter(results)
    return DatasaurResponse(
        id=request.id,
        documents=[
            DocumentLabels(
                id=document.id,
                labels=[SentenceLabels(id=each.id, entities=_entities(next(left))) for each in document.sentences],
            )
            for document in request.documents
        ],
    )


def _entities(result: SentenceResult) -> list[DatasaurEntity]:
    return [DatasaurEntity(label=each.label, start_char=each.start, end_char=each.end) for each in result.entities]
