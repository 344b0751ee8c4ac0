"""What is kept of annotators: nothing, or a hash by a key of the store's own, so that trying all numbers is no use."""

import os
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

from spanbridge_shared.errors import ConfigurationError

KEY_FILE = "annotators.key"
_KEY_BYTES, _PRIVATE = 32, 0o600


class Annotators(StrEnum):
    """Whether the corrections of one annotator can be told from another's."""

    NONE = "none"
    HASHED = "hashed"


class Hasher:
    """Hashes annotators by the key in a store's folder, which the first one makes; raises `ConfigurationError`."""

    def __init__(self, folder: Path, annotators: Annotators) -> None:
        self._key = _key(folder / KEY_FILE) if annotators is Annotators.HASHED else None

    def __call__(self, tool: str, annotator: str) -> str:
        """Return the hash, or nothing where none is wanted, or nobody is named."""
        if self._key is None or not annotator:
            return ""
        return blake2b(f"{tool}\0{annotator}".encode("utf-8", "replace"), key=self._key, digest_size=8).hexdigest()


def _key(path: Path) -> bytes:
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(path)
        key = path.read_bytes()
    except OSError as fault:
        raise ConfigurationError(f"the key of annotators, {path}, can't be made or read: {fault.strerror}") from fault
    if len(key) != _KEY_BYTES:
        raise ConfigurationError(
            f"{path} holds no key of annotators; remove it, and later hashes differ from earlier ones"
        )
    return key


def _make(path: Path) -> None:
    """Make the key, whole at once; the first of several processes wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE)
    try:
        os.write(descriptor, os.urandom(_KEY_BYTES))
    finally:
        os.close(descriptor)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # The other one's counts.
    finally:
        draft.unlink()
