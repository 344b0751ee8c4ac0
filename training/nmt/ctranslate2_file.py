"""Read the variables of a CTranslate2 model.bin (binary version 6) without loading the model."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.nmt.errors import ModelFileError

_VERSION = 6
# In the order of CTranslate2's DataType; bfloat16, which numpy lacks, is refused.
_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)


@dataclass(frozen=True)
class ModelFile:
    """The specification's name and revision, and every variable; aliases are resolved."""

    name: str
    revision: int
    variables: dict[str, NDArray[np.generic]]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack(f"<{kind}", self.take(struct.calcsize(kind)))
        return int(value)

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        if len(piece) < size:
            raise ModelFileError("the model file ends inside a variable: it was cut short")
        self._at += size
        return piece

    def text(self) -> str:
        return self.take(self.number("H"))[:-1].decode("utf-8")

    def array(self) -> NDArray[np.generic]:
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind = self.number("B")
        if kind >= len(_TYPES):
            raise ModelFileError(f"variables of data type {kind} cannot be read: convert to int8, float16 or float32")
        return np.frombuffer(self.take(self.number("I")), _TYPES[kind]).reshape(shape)


def read_model_file(path: Path) -> ModelFile:
    """Every variable of `path` as stored: quantised weights stay integers beside their `_scale`."""
    reader = _Reader(path.read_bytes())
    version = reader.number("I")
    if version != _VERSION:
        raise ModelFileError(f"{path.name} has binary version {version}, this reads version {_VERSION}")
    name, revision = reader.text(), reader.number("I")
    variables = {}
    for _ in range(reader.number("I")):
        key = reader.text()
        variables[key] = reader.array()
    for _ in range(reader.number("I")):
        alias = reader.text()
        variables[alias] = variables[reader.text()]
    return ModelFile(name, revision, variables)
