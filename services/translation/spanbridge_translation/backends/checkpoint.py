"""Reading an NLLB or M2M100 checkpoint: its `tokenizer.json`, built where it has none, and its language tokens."""

import json
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from spanbridge_shared.errors import ConfigurationError, UnknownLanguage
from spanbridge_shared.text.languages import languages, resolve_language

MODEL_TYPE = "m2m_100"
_TOKENIZER_FILES = ["*.json", "*.model"]
_NLLB_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")
_M2M100_CODE = re.compile(r"__([a-z]{2,3})__")
_M2M100_ODD_CODES = {"ns": "nso_Latn"}
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint less its weights; `languages` maps FLORES codes to language tokens, `vocabulary` ids to tokens."""

    config: dict[str, Any]
    layout: Literal["nllb", "m2m100"]
    tokenizer_json: str
    languages: dict[str, str]
    vocabulary: list[str]
    max_tokens: int


def open_checkpoint(source: str) -> Checkpoint:
    """Read a folder or a hub id; raises `ConfigurationError` where it isn't an NLLB or M2M100 checkpoint."""
    _check_extra()
    folder = Path(source) if Path(source).is_dir() else _download(source)
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if config.get("model_type") != MODEL_TYPE:
        raise ConfigurationError(
            f"{source} is no NLLB or M2M100 checkpoint: its config.json has to say model_type {MODEL_TYPE!r}"
        )
    tokenizer_json = _tokenizer_json(folder, source, int(config["vocab_size"]))
    ids = _ids(tokenizer_json)
    found, layout = _languages(ids)
    if not found:
        raise ConfigurationError(f"{source}: its tokenizer has no language tokens such as 'eng_Latn' or '__en__'")
    return Checkpoint(
        config=config,
        layout=layout,
        tokenizer_json=tokenizer_json,
        languages=found,
        vocabulary=_vocabulary(ids, int(config["vocab_size"])),
        max_tokens=min(_LONGEST, int(config["max_position_embeddings"])) - 2,
    )


def _check_extra() -> None:
    absent = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if absent:
        raise ConfigurationError(f"a checkpoint needs {' and '.join(absent)}: install the `convert` extra")


def _download(source: str) -> Path:
    """Fetch configuration and tokenizer from the hub; the weights are left to whoever loads them."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(source, allow_patterns=_TOKENIZER_FILES))
    except (HFValidationError, OSError) as fault:
        raise ConfigurationError(f"{source} is neither a folder nor a hub id that can be fetched: {fault}") from fault


def _tokenizer_json(folder: Path, source: str, rows: int) -> str:
    ready = folder / "tokenizer.json"
    if ready.is_file():
        return ready.read_text(encoding="utf-8")
    if not ((folder / "vocab.json").is_file() and (folder / "sentencepiece.bpe.model").is_file()):
        raise ConfigurationError(
            f"{source} has neither tokenizer.json (NLLB) nor vocab.json and sentencepiece.bpe.model (M2M100)"
        )
    from spanbridge_translation.backends.sentencepiece import tokenizer_json

    vocabulary: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    added = _m2m100_tokens(folder, len(vocabulary))
    return tokenizer_json((folder / "sentencepiece.bpe.model").read_bytes(), vocabulary, added, rows)


def _m2m100_tokens(folder: Path, first: int) -> dict[str, int]:
    """Return the language tokens' ids: they follow the vocabulary, in an order that only M2M100's tokenizer knows."""
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

    path = folder / "tokenizer_config.json"
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    codes: list[str] = FAIRSEQ_LANGUAGE_CODES[told.get("language_codes", "m2m100")]
    return {f"__{code}__": first + place for place, code in enumerate(codes)}


def _ids(tokenizer_json: str) -> dict[str, int]:
    from spanbridge_translation.backends.subwords import Subwords

    return Subwords(tokenizer_json).ids


def _languages(ids: dict[str, int]) -> tuple[dict[str, str], Literal["nllb", "m2m100"]]:
    nllb = {token: token for token in ids if _NLLB_CODE.fullmatch(token) and token in languages()}
    if nllb:
        return dict(sorted(nllb.items())), "nllb"
    m2m100: dict[str, str] = {}
    for token in ids:
        if (match := _M2M100_CODE.fullmatch(token)) and (code := _flores(match.group(1))):
            m2m100[code] = token
    return dict(sorted(m2m100.items())), "m2m100"


def _flores(code: str) -> str | None:
    """Return the FLORES code of one of M2M100's; None for the two (br, fy) that FLORES-200 lacks."""
    try:
        return _M2M100_ODD_CODES.get(code) or resolve_language(code)
    except UnknownLanguage:
        return None


def _vocabulary(ids: dict[str, int], size: int) -> list[str]:
    """Return a token for each of the model's rows; rows without one get fairseq's filler names."""
    by_id = {place: token for token, place in ids.items()}
    fillers = iter(range(size))
    return [by_id.get(place) or f"madeupword{next(fillers)}" for place in range(size)]
