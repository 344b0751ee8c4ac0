"""Small token-classification checkpoints, really trained, in the layouts that model hubs have.

`make_token_classifier(folder)` takes about ten seconds on two cores and needs torch and transformers: call it from a
session-scoped fixture, after `pytest.importorskip("torch")`. What it writes loads as `transformers:FOLDER`, and once
converted as `ctranslate2:FOLDER`. It labels PER, ORG and LOC in English and Swahili sentences made of `NAMES` and words
it knows, such as those of `sentences(seed, n)`; its longest input is 64 sub-words.
"""

import json
import random
from enum import StrEnum
from pathlib import Path
from typing import Any

NAMES = {
    "PER": ["Samia", "Suluhu", "Wangari", "Maathai", "Barack", "Obama", "Amina", "Juma", "Kagame", "Ruto"],
    "ORG": ["Safaricom", "UNESCO", "Google", "Equity", "Bank", "Umoja", "Azam"],
    "LOC": ["Nairobi", "Kampala", "Lagos", "Kigali", "Dodoma", "Mombasa", "Kenya", "Tanzania"],
}
_TEMPLATES = [
    "President {PER} visited {LOC} yesterday .",
    "{PER} works for {ORG} in {LOC} .",
    "{ORG} opened an office in {LOC} today .",
    "The people of {LOC} met {PER} , {PER} and {ORG} .",
    "Yesterday the weather was good .",
    "Rais {PER} alitembelea {LOC} jana .",
    "{PER} anafanya kazi {ORG} mjini {LOC} .",
    "{ORG} ilifungua ofisi {LOC} leo .",
    "Watu wa {LOC} walikutana na {PER} , {PER} na {ORG} .",
    "Jana hali ya hewa ilikuwa nzuri .",
]
_IOB2 = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
# Row for row the id2label of FacebookAI/xlm-roberta-large-finetuned-conll03-english: IOB1, so that B-PER isn't there.
_CONLL_IOB1 = ["B-LOC", "B-MISC", "B-ORG", "I-LOC", "I-MISC", "I-ORG", "I-PER", "O"]
_STEPS, _BATCH, _RATE = 250, 32, 3e-3


class Layout(StrEnum):
    """Whose files to imitate: `dslim/bert-base-NER`, or `FacebookAI/xlm-roberta-large-finetuned-conll03-english`."""

    BERT = "bert"
    XLM_ROBERTA = "xlm-roberta"


def sentences(seed: int, n: int) -> list[tuple[list[str], list[str]]]:
    """Return n sentences as tokens and IOB2 tags, the same for the same seed."""
    chance = random.Random(seed)
    return [_sentence(chance) for _ in range(n)]


def _sentence(chance: random.Random) -> tuple[list[str], list[str]]:
    tokens: list[str] = []
    tags: list[str] = []
    for word in chance.choice(_TEMPLATES).split():
        label = word.strip("{}")
        if label not in NAMES:
            tokens.append(word)
            tags.append("O")
            continue
        names = chance.sample(NAMES[label], chance.choice((1, 1, 2)))
        tokens += names
        tags += [f"B-{label}"] + [f"I-{label}"] * (len(names) - 1)
    return tokens, tags


def make_token_classifier(folder: Path, *, layout: Layout = Layout.BERT) -> Path:
    """Train a two-layer encoder with its own tokenizer, write it to `folder` as a hub has it, and return that."""
    import torch
    from transformers import (
        AutoTokenizer,
        BertConfig,
        BertForTokenClassification,
        XLMRobertaConfig,
        XLMRobertaForTokenClassification,
    )

    folder.mkdir(parents=True, exist_ok=True)
    words = sorted({token for tokens, _ in sentences(0, 400) for token in tokens})
    tags = _IOB2 if layout is Layout.BERT else _CONLL_IOB1
    n_pieces = _write_wordpiece(folder, words) if layout is Layout.BERT else _write_unigram(folder, words)
    size: dict[str, Any] = {
        "vocab_size": n_pieces,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 128,
        "initializer_range": 0.1,  # A 64th of BERT's width: its .02 would take thousands of steps to leave.
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "id2label": dict(enumerate(tags)),
        "label2id": dict(zip(tags, range(len(tags)), strict=True)),
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if layout is Layout.BERT:
            model: Any = BertForTokenClassification(BertConfig(max_position_embeddings=64, **size))
        else:
            # Positions 0 and 1 are the padding's, as in every RoBERTa: 66 of them hold 64 tokens.
            model = XLMRobertaForTokenClassification(
                XLMRobertaConfig(max_position_embeddings=66, pad_token_id=1, type_vocab_size=1, **size)
            )
        model.save_pretrained(folder)  # The tokenizer's class follows from config.json, as on the hub.
        _train(model, AutoTokenizer.from_pretrained(folder), tags, iob1=layout is Layout.XLM_ROBERTA)
    model.save_pretrained(folder)
    return folder


def _pieces(words: list[str], start: str, inside: str) -> list[str]:
    """Return sub-words for words: single letters, and each word in two halves, so that most words take two.

    Made by hand, because the trainers of `tokenizers` break ties differently from run to run.
    """
    letters = sorted({letter for word in words for letter in word})
    halves = [piece for word in words for piece in (start + word[:4], inside + word[4:]) if piece != inside]
    return list(dict.fromkeys([*(start + each for each in letters), *(inside + each for each in letters), *halves]))


def _write_wordpiece(folder: Path, words: list[str]) -> int:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_pieces(words, "", "##")]
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False, "model_max_length": 64}))
    return len(pieces)


def _write_unigram(folder: Path, words: list[str]) -> int:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = [*special, "▁", *(piece for piece in _pieces(words, "▁", "") if piece != "▁")]
    # Equal scores make the segmentation with the fewest pieces the best one.
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    tokenizer.add_special_tokens([*special, "<mask>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return int(tokenizer.get_vocab_size())


def _iob1(tags: list[str]) -> list[str]:
    """Return IOB2 tags in IOB1: `B-` only where the token before is in another entity of the same label."""
    before = ["O", *tags]
    return [
        f"I-{tag[2:]}" if tag.startswith("B-") and before[place][2:] != tag[2:] else tag
        for place, tag in enumerate(tags)
    ]


def _train(model: Any, tokenizer: Any, tags: list[str], *, iob1: bool) -> None:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # Matrices this small gain nothing from a second thread, and lose much on a busy machine.
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=_RATE, total_steps=_STEPS, pct_start=0.2)
    chance = random.Random(1)
    model.train()
    for _ in range(_STEPS):
        batch = [_sentence(chance) for _ in range(_BATCH)]
        encoded = tokenizer(
            [tokens for tokens, _ in batch], is_split_into_words=True, padding=True, return_tensors="pt"
        )
        labels = torch.full(encoded["input_ids"].shape, -100)
        for row, (_, gold) in enumerate(batch):
            wanted = _iob1(gold) if iob1 else gold
            words = encoded.word_ids(row)
            for place, word in enumerate(words):
                if word is not None and (place == 0 or words[place - 1] != word):
                    labels[row, place] = tags.index(wanted[word])
        loss = model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"], labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    torch.set_num_threads(threads)
