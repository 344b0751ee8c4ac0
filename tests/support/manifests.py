"""The Kubernetes manifests as they lie there, without the patches, which kubectl alone applies."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"

Manifest = dict[str, Any]


def kustomization(path: Path) -> Manifest:
    """Return a folder's kustomization."""
    found: Manifest = yaml.safe_load((path / "kustomization.yaml").read_text())
    return found


def documents(name: str) -> list[Manifest]:
    """Return every document that a kustomization names, with those of the bases and components under it."""
    return _documents(FOLDER / name)


def _documents(path: Path) -> list[Manifest]:
    if path.is_file():
        return [each for each in yaml.safe_load_all(path.read_text()) if each is not None]
    about = kustomization(path)
    below = [*about.get("resources", []), *about.get("components", [])]
    return [each for name in below for each in _documents((path / name).resolve())]


def named(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    """Return the documents of a kind by their names; a name that comes twice is a fault."""
    found = [each for each in manifests if each["kind"] == kind]
    by_name = {each["metadata"]["name"]: each for each in found}
    if len(by_name) < len(found):
        raise ValueError(f"two of kind {kind} have one name")
    return by_name


def kubectl() -> str | None:
    """Return where kubectl is, None where it isn't installed."""
    return shutil.which("kubectl")


def rendered(path: Path) -> list[Manifest]:
    """Return what `kubectl kustomize` makes of a folder; asks no cluster."""
    command = [kubectl() or "kubectl", "kustomize", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [each for each in yaml.safe_load_all(done.stdout) if each is not None]
