"""The alignment service's settings, read from `SPANBRIDGE_ALIGNMENT_<NAME>`."""

from enum import StrEnum

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from spanbridge_shared.serving.config import PORT, ServiceSettings


class BackendKind(StrEnum):
    """Which kind of encoder is used."""

    CTRANSLATE2 = "ctranslate2"
    TRANSFORMERS = "transformers"
    STUB = "stub"


class Device(StrEnum):
    """Where CTranslate2 runs the encoder; `auto` takes a GPU where there is one."""

    CPU = "cpu"
    CUDA = "cuda"
    AUTO = "auto"


class AlignmentSettings(ServiceSettings):
    """Port 8002; the carried encoder unless another is named."""

    model_config = SettingsConfigDict(env_prefix="SPANBRIDGE_ALIGNMENT_")

    port: int = Field(8002, ge=0, le=65535, description=PORT)
    backend: BackendKind = Field(
        BackendKind.CTRANSLATE2, description="What runs the encoder; transformers needs PyTorch, stub is for tests."
    )
    model: str = Field("encoder", description="A name in models/ or a path; for transformers a hub id or a path.")
    device: Device = Field(Device.CPU, description="cpu, cuda, or auto: a GPU where there is one.")
    layer: int = Field(8, ge=1, description="transformers: the layer whose vectors are compared.")
    softmax_scale: float = Field(
        8.0, gt=0, description="softmax: factor on dot products; 1 for mBERT, as published, 8 for the carried encoder."
    )
    max_batch_tokens: int = Field(512, ge=1, description="Padded tokens that one model call may hold.")
    max_cells: int = Field(
        4_000_000, ge=1, description="Most cells of one pair's matrix, and of all matrices that one answer shows."
    )
