"""Read the variables of a CTranslate2 model.bin (binary version 6) without loading the model."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbridge_distillation.faults import ModelFault

_VERSION = 6
# In the order of CTranslate2's DataType; bfloat16, which numpy lacks, is refused.
_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
Variables = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The specification's name and revision, and every variable; aliases are resolved."""

    name: str
    revision: int
    variables: Variables


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack(f"<{kind}", self.take(struct.calcsize(kind)))
        return int(value)

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        if len(piece) < size:
            raise ModelFault("the model file ends inside a variable: it was cut short")
        self._at += size
        return piece

    def text(self) -> str:
        return self.take(self.number("H"))[:-1].decode("utf-8")

    def array(self) -> NDArray[Any]:
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind = self.number("B")
        if kind >= len(_TYPES):
            raise ModelFault(f"variables of data type {kind} cannot be read: convert to int8, float16 or float32")
        return np.frombuffer(self.take(self.number("I")), _TYPES[kind]).reshape(shape)


def read_model_file(path: Path) -> ModelFile:
    """Return what a file holds, variables as stored: quantised weights stay integers beside their `_scale`.

    Raises `ModelFault` for another version and for a file that was cut short.
    """
    reader = _Reader(path.read_bytes())
    version = reader.number("I")
    if version != _VERSION:
        raise ModelFault(f"{path.name} has binary version {version}, this reads version {_VERSION}")
    name, revision = reader.text(), reader.number("I")
    variables = {reader.text(): reader.array() for _ in range(reader.number("I"))}
    for _ in range(reader.number("I")):
        alias = reader.text()
        variables[alias] = variables[reader.text()]
    return ModelFile(name, revision, variables)
