"""Stage `convert`: the trained student as a folder that the ner_teacher service loads."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanbridge import conversion
from spanbridge_distillation.corpus import TOKENIZER, read_meta
from spanbridge_distillation.faults import ModelFault
from spanbridge_distillation.start import HEAD
from spanbridge_distillation.trained import load_trained
from spanbridge_shared.contracts.manifest import MANIFEST_FILE

_VOCABULARY = "vocabulary.json"
_ENCODER = "encoder."


def convert(
    encoded: Path,
    trained: Path,
    output: Path,
    *,
    name: str,
    licence: str,
    overwrite: bool,
    languages: Sequence[str] = (),
    temperature: float = 1.0,
) -> list[Any]:
    """Write encoder (int8), head, tokenizer and manifest to `output`; return the training's log.

    `languages` are those that the manifest names, the corpus' own where there are none. Raises `DataFault` and
    `ModelFault` as the files that it reads do, and `ConfigurationError` where torch or transformers is missing, or
    `output` exists and may not be replaced.
    """
    conversion.check_installed()
    conversion.quieten()
    meta = read_meta(encoded)
    weights, log = load_trained(trained)
    options = {"licence": licence, "name": name, "languages": list(languages) or meta["languages"]}
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = Path(scratch) / "checkpoint"
        _save_checkpoint(weights, meta, encoded / TOKENIZER, checkpoint)
        conversion.convert(
            conversion.read_checkpoint(str(checkpoint)), output, conversion.Kind.TOKEN_CLASSIFICATION,
            {"quantization": "int8", **options},
            overwrite=overwrite,
        )  # fmt: skip
    # The tokenizer as it was given: transformers would write it with settings of its own.
    shutil.copyfile(encoded / TOKENIZER, output / TOKENIZER)
    # Longer inputs than it was trained on are cut into windows.
    widths = log[0].get("recipe", {}).get("widths", []) if log else []
    _finish(output, temperature, min([int(meta["max_tokens"]), *widths[-1:]]))
    return log


def _save_checkpoint(
    weights: dict[str, NDArray[np.float32]], meta: dict[str, Any], tokenizer_file: Path, folder: Path
) -> None:
    """Write a transformers token-classification folder."""
    import torch
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast, logging

    logging.disable_progress_bar()
    names = dict(enumerate(meta["tags"]))
    model = BertForTokenClassification(
        BertConfig(**meta["config"], id2label=names, label2id={tag: number for number, tag in names.items()})
    )
    renamed = {_checkpoint_name(name): torch.from_numpy(value.copy()) for name, value in weights.items()}
    outcome = model.load_state_dict(renamed, strict=False)
    if outcome.missing_keys or outcome.unexpected_keys:
        raise ModelFault(f"the trained weights lack {outcome.missing_keys[:3]}, unknown {outcome.unexpected_keys[:3]}")
    model.save_pretrained(folder)
    tokenizer: Any = Tokenizer.from_file(str(tokenizer_file))
    # CTranslate2 doesn't load an encoder whose config lacks one of them.
    named = {"bos_token": meta["before"][0], "eos_token": meta["after"][-1], "unk_token": meta["unknown"]}
    special = {name: tokenizer.id_to_token(token) for name, token in {**named, "pad_token": meta["pad"]}.items()}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=meta["max_tokens"], **special)
    fast.save_pretrained(folder)


def _checkpoint_name(name: str) -> str:
    """Return transformers' name of a weight.

    >>> _checkpoint_name("encoder.encoder.layer.0.output.dense.bias"), _checkpoint_name("head.bias")
    ('bert.encoder.layer.0.output.dense.bias', 'classifier.bias')
    """
    if name.startswith(HEAD):
        return f"classifier.{name.removeprefix(HEAD)}"
    return f"bert.{name.removeprefix(_ENCODER)}"


def _finish(folder: Path, temperature: float, max_tokens: int) -> None:
    """Rewrite CTranslate2's vocabulary without indentation, a third of its size then, and renew the manifest."""
    if (folder / _VOCABULARY).is_file():
        pieces = json.loads((folder / _VOCABULARY).read_text(encoding="utf-8"))
        written = json.dumps(pieces, ensure_ascii=False, separators=(",", ":"))
        (folder / _VOCABULARY).write_text(written + "\n", encoding="utf-8")
    path = folder / MANIFEST_FILE
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]}
    manifest |= {"temperature": temperature, "max_tokens": max_tokens}
    path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
