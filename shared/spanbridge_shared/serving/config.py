"""Settings that every service has, where models are found, and how settings' faults are told."""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from spanbridge_shared.errors import ConfigurationError


class ServiceSettings(BaseSettings):
    """Read from the environment, `SPANBRIDGE_<SERVICE>_<NAME>`; each service subclasses it with its prefix and port."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    log_level: str = Field("INFO", pattern="^(?i:debug|info|warning|error|critical)$")
    log_format: str = Field("json", pattern="^(json|text)$")
    max_body_bytes: int = Field(
        64_000_000, gt=0, description="Largest body; what the gateway makes of its own 10 MB must fit."
    )
    cache_url: str = Field("memory://", description="memory:// (bounded, this process) or none://.")
    cache_items: int = Field(50_000, ge=1, description="Most entries of memory://.")
    cache_bytes: int = Field(128_000_000, ge=1, description="Most bytes of values in memory://.")
    max_queue: int = Field(4_000, ge=1, description="Most sentences waiting; more are refused with 429.")
    max_batch_tokens: int = Field(2_048, ge=1, description="Padded tokens that one model call may hold.")
    batch_wait_ms: float = Field(
        0.0, ge=0, description="How long an idle model waits for company for a first sentence."
    )
    threads: int = Field(
        default_factory=lambda: min(4, os.cpu_count() or 1), ge=1, description="CPU threads that a model uses in all."
    )
    threads_per_call: int = Field(
        1, ge=1, description="CPU threads within one model call; small models gain more from several calls at once."
    )

    @property
    def parallel_calls(self) -> int:
        """Model calls that may run at once."""
        return max(1, self.threads // self.threads_per_call)


Settings = TypeVar("Settings", bound=BaseSettings)


def load_settings(kind: type[Settings]) -> Settings:
    """Read settings from the environment; raises `ConfigurationError` that names each wrong variable."""
    prefix = kind.model_config.get("env_prefix", "")
    try:
        return kind()
    except ValidationError as fault:
        wrong = (f"{prefix}{next(iter(each['loc']), '')}".upper() + f": {each['msg']}" for each in fault.errors())
        raise ConfigurationError("; ".join(wrong)) from fault
    except SettingsError as fault:  # A list or a mapping that isn't JSON; the message names the field.
        raise ConfigurationError(f"{prefix.upper()}…: {fault}; lists and mappings are given as JSON") from fault


def models_dir() -> Path:
    """Return the folder of the embedded models: `SPANBRIDGE_MODELS_DIR`, else `models/` here, else the checkout's."""
    if named := os.environ.get("SPANBRIDGE_MODELS_DIR"):
        return Path(named)
    here = Path.cwd() / "models"
    checkout = Path(__file__).resolve().parents[3] / "models"
    return here if here.is_dir() else checkout


def model_path(name: str) -> Path:
    """Return a model's folder, given as a path or as a name inside `models_dir()`."""
    path = Path(name)
    return path if path.is_absolute() or path.is_dir() else models_dir() / name
