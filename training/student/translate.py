"""Stage `translate`: the chosen sentences in English, by models/nmt on whatever device there is.

CTranslate2 on two cores would take an hour; the same weights in PyTorch take two minutes on a GPU. Needs no service and
no CTranslate2.
"""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from tqdm import tqdm
from transformers import M2M100ForConditionalGeneration

from training.nmt.dequantise import load_dequantised
from training.nmt.errors import DataError, ModelFileError
from training.nmt.layout import EOS, PAD_ID
from training.student.layout import ENGLISH_TEXTS, RUNNING, TEXTS

logger = logging.getLogger(__name__)

_ENGLISH = "eng_Latn"
_LONGEST = 126
"""Pieces of a sentence that the network reads, beside its language code and `</s>`; it was trained on 128 in all."""


@dataclass(frozen=True)
class _Line:
    """A sentence: its language, its place in the language's file, and the ids that the network reads."""

    lang: str
    place: int
    ids: tuple[int, ...]


def translate(
    texts: Path, model: Path, output: Path, *, beam: int, batch_tokens: int, minutes: float | None = None
) -> None:
    """Write `english/LANG.jsonl`, a line {"text", "english"} for each line of `texts/texts/LANG.txt`, in its order.

    `texts/LANG.txt` of the output are the lines that were translated.
    What is translated is the same line of `texts/running/LANG.txt`.
    Every language is read, short sentences first. Where `minutes` end it, the longest sentences are left out.
    """
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    known = set(json.loads((model / "spanbridge.json").read_text(encoding="utf-8"))["languages"])
    sources, running = (_lines(texts / kind) for kind in (TEXTS, RUNNING))
    if unknown := sorted(set(sources) - known):
        raise DataError(f"{model.name} doesn't translate {', '.join(unknown)}")
    lines = [
        _Line(lang, place, _ids(tokenizer, text, lang))
        for lang, found in running.items()
        for place, text in enumerate(found)
    ]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = load_dequantised(model / "model.bin").to(device)
    if device.type == "cuda":
        network = network.half()
    network.generation_config.decoder_start_token_id = _id(tokenizer, EOS)
    english = _all(network, tokenizer, lines, beam, batch_tokens, minutes)
    _write(output, sources, english)


def _lines(folder: Path) -> dict[str, list[str]]:
    return {path.stem: path.read_text(encoding="utf-8").split("\n")[:-1] for path in sorted(folder.iterdir())}


def _ids(tokenizer: Tokenizer, text: str, lang: str) -> tuple[int, ...]:
    pieces: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return (_id(tokenizer, lang), *pieces[:_LONGEST], _id(tokenizer, EOS))


def _id(tokenizer: Tokenizer, token: str) -> int:
    found: int | None = tokenizer.token_to_id(token)
    if found is None:
        raise ModelFileError(f"tokenizer.json has no token {token}")
    return found


def _all(
    network: M2M100ForConditionalGeneration,
    tokenizer: Tokenizer,
    lines: Sequence[_Line],
    beam: int,
    batch_tokens: int,
    minutes: float | None,
) -> dict[tuple[str, int], str]:
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    found: dict[tuple[str, int], str] = {}
    with tqdm(total=len(lines), desc="translate", unit="sentence", mininterval=5) as bar:
        for batch in _batches(lines, batch_tokens):
            if deadline is not None and time.monotonic() > deadline:
                logger.warning("out of time: %d of %d sentences", len(found), len(lines))
                break
            for line, text in zip(batch, _generate(network, tokenizer, batch, beam), strict=True):
                found[line.lang, line.place] = text
            bar.update(len(batch))
    return found


def _batches(lines: Sequence[_Line], batch_tokens: int) -> Iterator[list[_Line]]:
    batch: list[_Line] = []
    for line in sorted(lines, key=lambda each: len(each.ids)):
        if batch and (len(batch) + 1) * len(line.ids) > batch_tokens:
            yield batch
            batch = []
        batch.append(line)
    if batch:
        yield batch


def _generate(
    network: M2M100ForConditionalGeneration, tokenizer: Tokenizer, batch: Sequence[_Line], beam: int
) -> list[str]:
    width = max(len(line.ids) for line in batch)
    ids = torch.tensor([[*line.ids, *[PAD_ID] * (width - len(line.ids))] for line in batch], device=network.device)
    with torch.inference_mode():
        answers: Tensor = network.generate(
            input_ids=ids,
            attention_mask=ids != PAD_ID,
            forced_bos_token_id=_id(tokenizer, _ENGLISH),
            num_beams=beam,
            do_sample=False,
            max_length=min(128, 2 * width + 10),
            pad_token_id=PAD_ID,
            eos_token_id=_id(tokenizer, EOS),
        )
    special = {PAD_ID, _id(tokenizer, EOS), _id(tokenizer, _ENGLISH)}
    return [tokenizer.decode([each for each in row if each not in special]) for row in answers.tolist()]


def _write(output: Path, sources: dict[str, list[str]], english: dict[tuple[str, int], str]) -> None:
    for kind in (ENGLISH_TEXTS, TEXTS):
        (output / kind).mkdir(parents=True)
    for lang, texts in sources.items():
        rows = [
            {"text": text, "english": english[lang, place]}
            for place, text in enumerate(texts)
            if (lang, place) in english
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (output / ENGLISH_TEXTS / f"{lang}.jsonl").write_text(lines, encoding="utf-8")
        (output / TEXTS / f"{lang}.txt").write_text("".join(f"{row['text']}\n" for row in rows), encoding="utf-8")
