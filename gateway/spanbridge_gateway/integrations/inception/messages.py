"""What INCEpTION sends and takes, field by field, as its `imls.external.v1` messages have them; more is ignored."""

from pydantic import BaseModel, ConfigDict, Field


class _Message(BaseModel):
    """Frozen, but open to fields that a later INCEpTION adds: it can't be told to leave them out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Range(_Message):
    """The part of the document that predictions are wanted for, in UTF-16 units."""

    begin: int
    end: int


class Metadata(_Message):
    """Which feature of which layer to predict, and what its annotations may cover."""

    layer: str = Field(examples=["de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"])
    feature: str = Field(examples=["value"])
    projectId: int | None = None  # noqa: N815
    anchoringMode: str = "tokens"  # noqa: N815
    crossSentence: bool = False  # noqa: N815
    range: Range | None = None


class Document(_Message):
    """A document as XMI."""

    xmi: str
    documentId: int | None = None  # noqa: N815
    userId: str | None = None  # noqa: N815


class Tag(_Message):
    """A tag of a tagset."""

    tag: str
    description: str | None = None


class FeatureHandle(_Message):
    """A feature that a tagset is for."""

    layer: str | None = None
    feature: str | None = None


class Tagset(_Message):
    """The tags that a feature takes."""

    description: str | None = None
    tags: list[Tag] = []
    targets: list[FeatureHandle] = []


class PredictionRequest(_Message):
    """`POST …/predict`."""

    metadata: Metadata
    document: Document
    typeSystem: str  # noqa: N815
    tagsets: list[Tagset] | None = None


class PredictionResponse(BaseModel):
    """The document with predictions added."""

    model_config = ConfigDict(frozen=True)

    document: str
