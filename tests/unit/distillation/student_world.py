"""A small world for students: whole words for pieces, an untrained BERT, texts, and teachers that know the answers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spanbridge_distillation.columns import ScoredSpan, columns_of, rows_of_spans
from spanbridge_distillation.encode import encode
from spanbridge_distillation.gather import labels_file
from spanbridge_distillation.soft_labels import save_soft_labels, soft_labels
from spanbridge_distillation.teachers import Lesson, TeacherName
from spanbridge_distillation.texts import Sentence, Texts
from spanbridge_shared.text.bio import spans_of
from tests.support.ner_checkpoint import NAMES, sentences

LABELS = ("PER", "ORG", "LOC")
TAGS = columns_of(LABELS)


def texts(lang: str, seed: int, n: int) -> tuple[Texts, list[list[str]]]:
    """Return n sentences and their true tags, each sentence once."""
    found = {tuple(words): tags for words, tags in sentences(seed, n)}
    return Texts(lang, tuple(Sentence(words) for words in found), f"{lang}-{seed}-{n}"), list(found.values())


def rows_for(tags: Sequence[str], sure: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return soft rows with `sure` on each name's tags."""
    spans = [ScoredSpan(each.span.start, each.span.end, each.label, sure) for each in spans_of(tags)]
    return rows_of_spans(spans, len(tags), TAGS)


class FakeTeacher:
    """Knows every name in `NAMES`; counts its calls, fails on sentences with the word "fail"."""

    name = TeacherName.TRANSFER
    settings: Mapping[str, Any] = {}

    def __init__(self, version: str = "fake-1") -> None:
        self.version = version
        self.asked: list[int] = []
        self.breaks_after: int | None = None

    async def label(self, given: Sequence[Sentence], lang: str) -> Lesson:
        if self.breaks_after is not None and len(self.asked) >= self.breaks_after:
            raise ConnectionError("the network went away")
        self.asked.append(len(given))
        failed = ["fail" in each.words for each in given]
        rows = [
            None if bad else rows_for([_tag(word) for word in each.words], 0.75)
            for each, bad in zip(given, failed, strict=True)
        ]
        return Lesson(list(rows), ["EmptyText" if bad else None for bad in failed], self.version)


def _tag(word: str) -> str:
    return next((f"B-{label}" for label, names in NAMES.items() if word in names), "O")


def write_start(folder: Path) -> Path:
    """Write an untrained BERT of two layers, with a tokenizer whose pieces are words, as a transformers folder."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    words = sorted({word for tokens, _ in sentences(0, 400) for word in tokens})
    vocabulary = {word: place for place, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *words, "a"])}
    tokenizer: Any = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(
            BertConfig(
                vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
                intermediate_size=64, max_position_embeddings=32, initializer_range=0.2,
            ),
            add_pooling_layer=False,
        )  # fmt: skip
        model.save_pretrained(folder)
    return folder


def write_encoded(work: Path, start: Path, *, sure: Mapping[str, float], n: int = 300) -> Path:
    """Gather from teachers of some sureness that are always right, encode two languages, and return the folder."""
    both = [texts("swh_Latn", 1, n), texts("zul_Latn", 2, n // 2)]
    for teacher, score in sure.items():
        for each, tags in both:
            path = labels_file(work / "gathered", teacher, each.lang)
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = [rows_for(own, score) for own in tags]
            labels = soft_labels(rows, [len(own) for own in tags], len(TAGS))
            save_soft_labels(path, labels, {"fingerprint": f"{teacher}-{each.lang}-{score}"})
    encoded = work / "encoded"
    encode([each for each, _ in both], list(sure), LABELS, work / "gathered", start, None, {}, encoded)
    return encoded


def read_index(trained: Path) -> dict[str, Any]:
    """Return a trained student's index."""
    found: dict[str, Any] = json.loads((trained / "index.json").read_text(encoding="utf-8"))
    return found
