"""`spanbridge.json`, the manifest beside every model's weights: what the model is, and the checksums of its files."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,80}$")
    licence: str
    files: dict[str, str] = Field(description="File name → sha256 in hexadecimal.")


class TranslationManifest(_Manifest):
    """A CTranslate2 sequence-to-sequence model with `tokenizer.json`.

    `languages` maps FLORES codes to the tokenizer's language tokens (NLLB `swh_Latn`, M2M100 `__sw__`); `pairs` are the
    directions the model was trained in, None where every direction is served. Token limits leave out special tokens.
    """

    kind: Literal["translation"]
    layout: Literal["nllb", "m2m100"]
    languages: dict[str, str]
    pairs: list[tuple[str, str]] | None
    max_source_tokens: int
    max_target_tokens: int


class EncoderManifest(_Manifest):
    """A CTranslate2 encoder cut after its alignment layer, with `tokenizer.json`."""

    kind: Literal["encoder"]
    layer: int
    hidden_size: int
    max_tokens: int
    prefix: str = ""


class TokenClassifierManifest(_Manifest):
    """A CTranslate2 encoder, `tokenizer.json`, and `head.npz` with `weight` (n_labels, hidden) and `bias` (n_labels,).

    `labels` are IOB2 tags and `O`, one per row of the head; `languages` are FLORES codes, `["*"]` for any.
    """

    kind: Literal["token-classification"]
    labels: list[str]
    languages: list[str]
    max_tokens: int
    temperature: float = 1.0
    prefix: str = ""


Manifest = Annotated[TranslationManifest | EncoderManifest | TokenClassifierManifest, Field(discriminator="kind")]
MANIFEST_FILE = "spanbridge.json"
MANIFEST: TypeAdapter[TranslationManifest | EncoderManifest | TokenClassifierManifest] = TypeAdapter(Manifest)
