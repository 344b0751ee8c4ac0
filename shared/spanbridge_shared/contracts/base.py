"""The base of every wire model, and the field types that several of them share."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

MAX_ITEMS = 1_000
"""Most items that one call to a service may hold; the gateway cuts larger batches."""


class WireModel(BaseModel):
    """Frozen, strict about unknown fields, and no NaN or infinity, which JSON can't carry."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {type(value).__name__}")
    return value


RawText = Annotated[str, PlainValidator(_string), WithJsonSchema({"type": "string"})]
"""A string that may hold lone surrogates: pydantic's own `str` would refuse the whole batch for one bad sentence."""

LanguageCode = Annotated[str, Field(min_length=1, max_length=40, examples=["swh_Latn"])]
Label = Annotated[str, Field(min_length=1, max_length=40, examples=["PER"])]
Link = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)], Annotated[float, Field(ge=0)]]
"""(source token, target token, weight); tokens count from 0, weights lie in [0, 1]."""


class ErrorBody(WireModel):
    """The one shape of every error: the class's name, what is wrong and what would be right, and its request."""

    error: str = Field(examples=["EmptyText"])
    detail: str
    request_id: str | None = None


def one_or_many(data: Any, many: str, fields: Sequence[str]) -> Any:
    """Turn `{"source_tokens": …}` into `{"pairs": [{"source_tokens": …}]}`, so that a single item needs no list.

    For `model_validator(mode="before")`; anything else passes through for pydantic to judge.
    """
    if not isinstance(data, dict) or many in data or not any(field in data for field in fields):
        return data
    item = {field: data[field] for field in fields if field in data}
    return {key: value for key, value in data.items() if key not in fields} | {many: [item]}


def one_or_many_schema(many: str, item: type[BaseModel]) -> ConfigDict:
    """Return the configuration by which a request's JSON schema tells the flat form that `one_or_many` takes."""

    def extend(schema: dict[str, Any]) -> None:
        flat = item.model_json_schema()
        for name, shown in flat["properties"].items():
            # References would point into the item's own schema.
            schema["properties"][name] = {} if "$ref" in json.dumps(shown) else shown
        needed = [flat["required"]] if "required" in flat else [[name] for name in flat["properties"]]
        others = [name for name in schema.pop("required", []) if name != many]
        schema["anyOf"] = [{"required": [*others, *names]} for names in ([many], *needed)]

    return ConfigDict(json_schema_extra=extend)


class ServiceInfo(WireModel):
    """What a service says of itself at `GET /v1/info`; the gateway makes its `model_version` and languages from it."""

    service: str
    version: str
    model_version: str = Field(examples=["nmt-1-1f3a9c02"])


class ModelAnswer(WireModel):
    """An answer that depends on a model says which; the same string is in the cache key."""

    model_version: str
