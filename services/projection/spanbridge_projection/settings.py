"""Settings of the projection service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from spanbridge_shared.serving.config import PORT, ServiceSettings


class ProjectionSettings(ServiceSettings):
    """Read from `SPANBRIDGE_PROJECTION_<NAME>`; the cache settings have no effect, since nothing is worth caching."""

    model_config = SettingsConfigDict(env_prefix="SPANBRIDGE_PROJECTION_")

    port: int = Field(8003, ge=0, le=65535, description=PORT)
    max_batch_tokens: int = Field(8_192, ge=1, description="Target tokens that one turn of the worker thread may hold.")
