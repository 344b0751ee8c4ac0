"""Checksums, sizes, vocabularies and loading times: what needs no data."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import ctranslate2

from spanbridge.model_folders import ModelFolder, list_models
from training.check.findings import Finding, at_most
from training.nmt.stages import sha256

MEGABYTES: Mapping[str, float] = {"nmt": 60, "encoder": 30, "teacher": 40, "student": 40}
"""What each folder may hold at most, in 10^6 bytes."""
FIRST_THREE, FIRST_THREE_MEGABYTES = ("nmt", "encoder", "teacher"), 130
ENCODERS, PIECES, SECONDS = ("encoder", "teacher", "student"), 45_000, 1.0
_CHECKSUMS = "checksums"


def check_folders(models: Path) -> list[Finding]:
    """Look at every folder of `models` that has a manifest; one without limits is an unmet finding."""
    found = {each.folder: each for each in list_models(models, check=True)}
    findings = [_checksums(each) for each in found.values()]
    for name, each in found.items():
        if name not in MEGABYTES:
            findings.append(Finding(name, "limits", "none are known", "an entry in MEGABYTES", met=False))
            continue
        findings.append(at_most(name, "size", each.megabytes, MEGABYTES[name], "MB"))
        findings.append(at_most(name, "loading", _seconds(models / name, each.kind), SECONDS, "s"))
    together = sum(found[name].megabytes for name in FIRST_THREE if name in found)
    findings.append(at_most("+".join(FIRST_THREE), "size", together, FIRST_THREE_MEGABYTES, "MB"))
    return findings + _vocabularies({name: models / name for name in ENCODERS if name in found})


def _checksums(found: ModelFolder) -> Finding:
    told = found.fault or "as in the manifest"
    return Finding(found.folder, _CHECKSUMS, told, "as in the manifest", met=found.fault is None)


def _seconds(folder: Path, kind: str) -> float:
    # The second of two: the first one also reads the file from the disk, which says nothing about the model.
    opened: Callable[..., object] = ctranslate2.Translator if kind == "translation" else ctranslate2.Encoder
    opened(str(folder), device="cpu", intra_threads=2)
    started = time.perf_counter()
    opened(str(folder), device="cpu", intra_threads=2)
    return time.perf_counter() - started


def _vocabularies(folders: Mapping[str, Path]) -> list[Finding]:
    """The encoders share one tokenizer, of at most `PIECES` pieces."""
    tokenizers = {name: sha256(folder / "tokenizer.json") for name, folder in folders.items()}
    same = len(set(tokenizers.values())) <= 1
    findings = [Finding("+".join(folders), "tokenizer", "one" if same else "different ones", "one", met=same)]
    for name, folder in folders.items():
        pieces = len(json.loads((folder / "vocabulary.json").read_text(encoding="utf-8")))
        findings.append(at_most(name, "vocabulary", pieces, PIECES, "pieces"))
    return findings
