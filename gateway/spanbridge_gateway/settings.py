"""The gateway's settings, `SPANBRIDGE_GATEWAY_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from spanbridge_shared.corrections.annotators import Annotators
from spanbridge_shared.serving.config import PORT, ServiceSettings

EMBEDDED = "embedded"
_URL = "Address of the service, such as http://127.0.0.1:8001, or embedded: it runs in this process."


class GatewaySettings(ServiceSettings):
    """Where each service is: an address, or `embedded` for one that is run in this process."""

    model_config = SettingsConfigDict(env_prefix="SPANBRIDGE_GATEWAY_")

    port: int = Field(8000, ge=0, le=65535, description=PORT)
    max_body_bytes: int = Field(10_000_000, gt=0, description="Largest body of a request; above it is 413.")
    translation_url: str = Field(EMBEDDED, description=_URL)
    alignment_url: str = Field(EMBEDDED, description=_URL)
    projection_url: str = Field(EMBEDDED, description=_URL)
    ner_teacher_url: str = Field(EMBEDDED, description=_URL)
    timeout_s: float = Field(300.0, gt=0, description="Seconds that one call to a service may take.")
    chunk_sentences: int = Field(
        256, ge=1, le=1000, description="Sentences (after splitting) in one call to a service."
    )
    info_ttl_s: float = Field(30.0, ge=0, description="Seconds that what services say of themselves is believed.")
    hang_s: float = Field(
        10.0,
        gt=0,
        description="Seconds that a call waits before its service, if it runs elsewhere, must give a sign of life, and "
        "that it has for that; a service that hangs is asked for nothing until it answers.",
    )
    ready_s: float = Field(2.0, gt=0, description="Seconds that each service has to answer when /readyz is asked.")
    calibration: str = Field(
        "", description="Path of the JSON file that ensembles merge by; empty: the one that comes with the gateway."
    )
    keys: str = Field(
        "",
        repr=False,  # It may be a URL with a password.
        description="API keys: path of a file with one name:sha256[:rate[:burst]] a line, as `spanbridge keys` writes "
        "it, or redis://… of a server with the hash spanbridge:keys. Empty: open to all.",
    )
    limits_url: str = Field(
        "",
        repr=False,  # As above.
        description="redis://… where gateways share the keys' rates. Empty: the server of `keys`, else each gateway's "
        "own memory.",
    )
    max_in_flight: int = Field(500, ge=1, description="Sentences in work at which new requests are refused with 429.")
    busy_wait_s: float = Field(
        60.0, ge=0, description="Seconds that a call waits for a service whose queue is full, before it gives up."
    )
    open_metrics: bool = Field(True, description="Whether /metrics needs no API key.")
    cors_origins: list[str] = Field(
        [], description='Origins whose pages may call the gateway, JSON: ["https://example.org"], or ["*"] for any.'
    )
    corrections: str = Field(
        "", description="Folder where annotations finished in Label Studio are kept; empty: they aren't."
    )
    corrections_annotators: Annotators = Field(
        Annotators.NONE, description="What is kept of who annotated: none, or hashed by a key in that folder."
    )
    label_studio_lang: str = Field(
        "auto", description="Language of Label Studio's tasks where neither they nor their project name one."
    )
    label_studio_seconds: float = Field(
        80.0, gt=0, description="Seconds after which Label Studio, which waits 100, gets the predictions made so far."
    )
