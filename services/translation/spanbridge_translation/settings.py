"""Settings of the translation service, read from `SPANBRIDGE_TRANSLATION_*`."""

from enum import StrEnum

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from spanbridge_shared.serving.config import PORT, ServiceSettings


class BackendKind(StrEnum):
    """What translates."""

    CTRANSLATE2 = "ctranslate2"
    TRANSFORMERS = "transformers"
    STUB = "stub"


class Device(StrEnum):
    """Where the model runs; `auto` takes a GPU where there is one."""

    CPU = "cpu"
    CUDA = "cuda"
    AUTO = "auto"


class TranslationSettings(ServiceSettings):
    """Which model translates, and where it runs."""

    model_config = SettingsConfigDict(env_prefix="SPANBRIDGE_TRANSLATION_")

    port: int = Field(8001, ge=0, le=65535, description=PORT)
    max_batch_tokens: int = Field(1_024, ge=1, description="Padded tokens that one model call may hold.")
    max_score_tokens: int = Field(
        256,
        ge=1,
        description="Padded tokens that one model call may hold where given translations are scored. On a CPU larger "
        "calls are slower, on a GPU faster.",
    )
    backend: BackendKind = Field(
        BackendKind.CTRANSLATE2, description="What translates; transformers needs PyTorch, stub is for tests."
    )
    model: str = Field("nmt", description="A name inside the models folder, or a path; for transformers also a hub id.")
    device: Device = Field(Device.CPU, description="cpu, cuda, or auto: a GPU where there is one.")
    compute_type: str = Field(
        "auto",
        description="CTranslate2's arithmetic (int8, float32, float16 …); auto is int8 on the CPU, else as stored.",
    )
    no_repeat_ngram: int = Field(
        0,
        ge=0,
        le=20,
        description="No run of this many sub-words comes twice in a translation; 0 allows any. Values of 3 to 5 change "
        "BLEU by 0.1 at most, and forbid a long name to come twice.",
    )
