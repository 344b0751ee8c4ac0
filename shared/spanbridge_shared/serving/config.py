"""Settings that every service has, where models are found, and how settings' faults are told."""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from spanbridge_shared.errors import ConfigurationError

PORT = "Port to listen on; 0 takes a free one."


class ServiceSettings(BaseSettings):
    """Read from the environment, `SPANBRIDGE_<SERVICE>_<NAME>`; each service subclasses it with its prefix and port."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 is every one of this machine.")
    port: int = Field(8000, ge=0, le=65535, description=PORT)
    log_level: str = Field(
        "INFO", pattern="^(?i:debug|info|warning|error|critical)$", description="Least level that is logged."
    )
    log_format: str = Field("json", pattern="^(json|text)$", description="json: an object a line; text: for people.")
    otlp_endpoint: str = Field(
        default_factory=lambda: os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        description="Where spans go, OTLP over HTTP, such as http://collector:4318; empty: none are made. Default: "
        "OTEL_EXPORTER_OTLP_ENDPOINT.",
    )
    max_body_bytes: int = Field(
        64_000_000, gt=0, description="Largest body; what the gateway makes of its own 10 MB must fit."
    )
    cache_url: str = Field(
        "memory://",
        repr=False,  # It may hold a password.
        description="memory:// (bounded, this process), none://, or a Redis-compatible server that processes share: "
        "redis://user:password@host:6379/0, rediss:// (TLS; ?ssl_ca_certs=PATH) or unix://PATH?db=0.",
    )
    cache_items: int = Field(50_000, ge=1, description="Most entries of memory://.")
    cache_bytes: int = Field(128_000_000, ge=1, description="Most bytes of values in memory://.")
    cache_ttl_s: float = Field(
        2_592_000,
        gt=0,
        le=31_536_000_000,
        description="Seconds that Redis keeps a value, give or take a tenth; 30 days.",
    )
    cache_timeout_s: float = Field(0.25, gt=0, le=60, description="Seconds that one operation of Redis may take.")
    cache_lease_s: float = Field(
        5.0, gt=0, le=3_600, description="Seconds after which others take over what a dead process was computing."
    )
    secret: SecretStr = Field(
        default_factory=lambda: SecretStr(os.environ.get("SPANBRIDGE_SECRET", "")),
        description="What the gateway shows its services as X-Spanbridge-Secret; they refuse whoever doesn't. Empty: "
        "they serve anyone. Default: SPANBRIDGE_SECRET, which they and the gateway read alike.",
    )
    max_queue: int = Field(
        4_000, ge=1, description="Most sentences waiting; more are refused with 429. An empty queue takes any number."
    )
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
