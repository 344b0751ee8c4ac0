"""Settings of the language-model teacher, `SPANBRIDGE_NER_TEACHER_LLM_*`."""

import json
from typing import Any, Self

import httpx
from pydantic import Field, SecretStr, field_validator, model_validator

from spanbridge_ner_teacher.core.llm_prompt import KNOWN_LABELS
from spanbridge_shared.serving.config import ServiceSettings


class LlmSettings(ServiceSettings):
    """Where the language model is, what it is asked, and how often."""

    llm_url: str = Field(
        "",
        description="Base address of an OpenAI-compatible API, as far as before /chat/completions, for example "
        "http://127.0.0.1:11434/v1. With llm_model it makes the teacher `llm`.",
    )
    llm_model: str = Field("", description="The model's name as the API knows it.")
    llm_key: SecretStr = Field(SecretStr(""), description="Sent as bearer token; empty: none is sent.")
    llm_labels: dict[str, str] = Field(
        default_factory=lambda: {label: KNOWN_LABELS[label] for label in ("PER", "ORG", "LOC")},
        description="Labels to ask for, as JSON: a list, or an object from label to what it stands for.",
        min_length=1,
    )
    llm_examples: str = Field(
        "", description='JSONL file of solved sentences: {"text", "lang", "entities": [{"text", "label"}]} a line.'
    )
    llm_samples: int = Field(1, ge=1, le=100, description="Answers asked for each sentence; a score is their share.")
    llm_min_share: float = Field(0.5, gt=0, le=1, description="Spans that fewer samples give are left out.")
    llm_temperature: float | None = Field(
        None, ge=0, le=2, description="Default: 0 for one sample, else 0.7, as published for self-consistency."
    )
    llm_max_tokens: int = Field(1_024, ge=16, description="Longest answer; one that is cut off can't be used.")
    llm_extra: dict[str, Any] = Field(
        default_factory=dict,
        description="Fields put into every request as they are, as JSON; null takes a field out, for example "
        '{"max_tokens": null, "max_completion_tokens": 4000}.',
    )
    llm_concurrency: int = Field(4, ge=1, le=256, description="Requests under way at once.")
    llm_requests_per_minute: float | None = Field(None, gt=0, description="Most requests a minute. Default: no limit.")
    llm_timeout_s: float = Field(60.0, gt=0, description="Longest wait for one answer.")
    llm_retries: int = Field(2, ge=0, le=10, description="More tries after a time-out, 429, 5xx or a lost connection.")
    llm_backoff_s: float = Field(
        0.5, ge=0, description="Wait before the first retry, doubled for each further one; Retry-After goes before."
    )
    llm_price_in: float = Field(0.0, ge=0, description="Price of a million prompt tokens, in any currency.")
    llm_price_out: float = Field(0.0, ge=0, description="Price of a million answer tokens, in the same currency.")

    @field_validator("llm_url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if not url:
            return url
        try:
            parts = httpx.URL(url)
        except httpx.InvalidURL:
            parts = httpx.URL("")
        # The messages must not quote the address: it may be one with a password in it.
        if not parts.host or parts.scheme not in ("http", "https"):
            raise ValueError("write an address such as http://127.0.0.1:8000/v1")
        if parts.userinfo or parts.query or parts.fragment:
            raise ValueError("write the address without user, password, query and fragment; a key goes into llm_key")
        return url.rstrip("/")

    @field_validator("llm_key")
    @classmethod
    def _check_key(cls, key: SecretStr) -> SecretStr:
        stripped = key.get_secret_value().strip()
        if not (stripped.isascii() and stripped.isprintable()) or " " in stripped:
            raise ValueError("a key is printable ASCII without spaces")
        return SecretStr(stripped)

    @field_validator("llm_extra")
    @classmethod
    def _check_extra(cls, fields: dict[str, Any]) -> dict[str, Any]:
        if own := sorted({"messages", "model", "stream"} & set(fields)):
            raise ValueError(f"{', '.join(own)} can't be changed here")
        json.dumps(fields, allow_nan=False)  # A ValueError, which tells of NaN and infinity.
        return fields

    @field_validator("llm_labels", mode="before")
    @classmethod
    def _with_meanings(cls, given: Any) -> Any:
        if isinstance(given, list) and all(isinstance(label, str) for label in given):
            return {label: KNOWN_LABELS.get(label, "") for label in given}
        return given

    @field_validator("llm_labels")
    @classmethod
    def _check_labels(cls, labels: dict[str, str]) -> dict[str, str]:
        for label in labels:
            if not 0 < len(label) <= 40 or label != label.strip() or label == "O":
                raise ValueError(f"{label[:40]!r} is no label: write 1 to 40 characters, and not O")
        if len({label.upper() for label in labels}) < len(labels):
            raise ValueError("two labels differ in nothing but their case")
        return labels

    @model_validator(mode="after")
    def _check_samples(self) -> Self:
        if self.llm_samples > 1 and self.llm_temperature == 0:
            raise ValueError("llm_temperature is 0, so that all llm_samples would be the same; raise it")
        return self
