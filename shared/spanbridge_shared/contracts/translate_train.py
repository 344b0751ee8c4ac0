"""Translate-train: `POST /v1/translate-train`, from labelled English to labelled sentences of another language."""

from enum import StrEnum

from pydantic import Field, StrictInt

from spanbridge_shared.contracts.base import ErrorBody, Label, LanguageCode, ModelAnswer, RawText, WireModel
from spanbridge_shared.contracts.gateway import MAX_SENTENCES, GivenEntity, Identifier
from spanbridge_shared.contracts.options import MarkerStyle


class TrainMethod(StrEnum):
    """How entities get from the English sentence to its translation."""

    MARKER = "marker"
    ALIGN = "align"


class EnglishSentence(WireModel):
    """A labelled English sentence as text or as tokens, not both; without `id` its place counts.

    Entities count code points of a text, tokens of a list of tokens; they may not overlap.
    """

    id: Identifier | None = None
    text: RawText | None = None
    tokens: list[RawText] | None = None
    entities: list[GivenEntity] = []


class TranslateTrainOptions(WireModel):
    """Options of `POST /v1/translate-train`; all but the beam are for `method: "marker"`."""

    beam: int = Field(4, ge=1, le=16, description="Beam size of the translation; 1 is fastest.")
    marker_style: MarkerStyle = Field(MarkerStyle.QUOTES, description="What marks an entity.")
    match_by_order: bool = Field(
        True,
        description="Where all markers came back and names tell nothing else, entities keep their order.",
    )


class TranslateTrainRequest(WireModel):
    """Translate labelled English sentences, with their entities."""

    sentences: list[EnglishSentence] = Field(
        min_length=1,
        max_length=MAX_SENTENCES,
        examples=[[{"text": "Samia visited Nairobi.", "entities": [{"start": 14, "end": 21, "label": "LOC"}]}]],
    )
    lang: LanguageCode = Field(description='Target: FLORES code ("swh_Latn"), ISO 639-1 or 639-3.')
    method: TrainMethod = Field(
        TrainMethod.MARKER,
        description="`marker` translates with entities marked (EasyProject); `align` translates plainly, aligns and "
        "projects with the default candidates method.",
    )
    options: TranslateTrainOptions = TranslateTrainOptions()


class TranslatedEntity(WireModel):
    """An entity `[start, end)` in code points of the result's `text`; `source` is its place in the English `entities`.

    `score` in [0, 1]: for `marker` the similarity of what was marked with the entity and its own translation, 0 where
    the order alone told which it is; for `align` the quality of the match.
    """

    start: StrictInt
    end: StrictInt
    text: str
    label: Label
    score: float
    source: int


class LostEntity(WireModel):
    """An English entity that the translation doesn't have, or not where it could be found; `source` as above."""

    source: int
    text: str
    label: Label


class TranslatedSentence(WireModel):
    """One sentence's translation, `tags` IOB2 and one per token; with `error` there are no entities.

    `translation_score` is the mean log-probability per target token, `via` the languages in between, if any. A sentence
    with `lost` entities is labelled only in part.
    """

    id: Identifier
    text: str
    lang: str
    tokens: list[str] = []
    tags: list[str] = []
    entities: list[TranslatedEntity] = []
    lost: list[LostEntity] = []
    source_text: str = Field("", description="The English text that was translated.")
    translation_score: float | None = None
    via: list[str] = []
    error: ErrorBody | None = None


class TranslateTrainResponse(ModelAnswer):
    """One result per sentence, in the request's order."""

    results: list[TranslatedSentence]
