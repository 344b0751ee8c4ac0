"""The gateway's settings, `SPANBRIDGE_GATEWAY_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from spanbridge_shared.serving.config import ServiceSettings

EMBEDDED = "embedded"


class GatewaySettings(ServiceSettings):
    """Where each service is: an address, or `embedded` for one that is run in this process."""

    model_config = SettingsConfigDict(env_prefix="SPANBRIDGE_GATEWAY_")

    port: int = Field(8000, ge=0, le=65535)
    max_body_bytes: int = Field(10_000_000, gt=0)
    translation_url: str = EMBEDDED
    alignment_url: str = EMBEDDED
    projection_url: str = EMBEDDED
    ner_teacher_url: str = EMBEDDED
    timeout_s: float = Field(300.0, gt=0, description="Seconds that one call to a service may take.")
    chunk_sentences: int = Field(
        256, ge=1, le=1000, description="Sentences (after splitting) in one call to a service."
    )
    info_ttl_s: float = Field(30.0, ge=0, description="Seconds that what services say of themselves is believed.")
    calibration: str = Field(
        "", description="Path of the JSON file that ensembles merge by; empty: the one that comes with the gateway."
    )
