"""The alignment head: what it is asked for, that it is CTranslate2's, and that training makes it follow the links."""

import json
import lzma
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is in the training extra")
pytest.importorskip("transformers", reason="transformers is in the training extra")
pytest.importorskip("ctranslate2", reason="ctranslate2 is in the translation service's dependencies")
pytest.importorskip("sentencepiece", reason="sentencepiece is in the training extra")
pytest.importorskip("tqdm", reason="tqdm is in the training extra")

import numpy as np
import torch
from transformers import M2M100ForConditionalGeneration

from training.nmt import checkpoints
from training.nmt.batches import BatchStream
from training.nmt.corpus import load_corpus
from training.nmt.encode import encode
from training.nmt.guide import TappedBody, guide_loss, head_attention, link_distribution
from training.nmt.layout import PAD_ID
from training.nmt.network import build_network
from training.nmt.recipe import EncodeRecipe, ModelRecipe, Recipe, TrainRecipe
from training.nmt.stages import write_json
from training.nmt.train import Trainer, train

TOKENIZER = Path(__file__).parents[3] / "models" / "nmt" / "tokenizer.json"
SHAPE = ModelRecipe(width=64, feed_forward=64, encoder_layers=1, decoder_layers=1, heads=2, dropout=0.0)
TWO_LAYERS = replace(SHAPE, decoder_layers=2)
WORDS = {
    "one": "moja", "two": "mbili", "three": "tatu", "four": "nne", "five": "tano", "six": "sita", "dog": "mbwa",
    "cat": "paka", "water": "maji", "house": "nyumba", "big": "kubwa", "today": "leo",
}  # fmt: skip
RECIPE = Recipe(
    model=SHAPE,
    encode=EncodeRecipe(marked_copies=1),
    train=TrainRecipe(
        steps=200,
        batch_tokens=384,
        widths=(16, 24, 32),
        warmup_steps=10,
        learning_rate=5e-3,
        checkpoint_steps=50,
        keep_checkpoints=4,
        label_smoothing=0.0,
        from_pivot=0.5,
        respelled=1,
        guide_weight=3.0,
        clip=5.0,
    ),
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small spend their time handing work between threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 sentences, translated and linked word by word, some of the words in several pieces."""
    root = tmp_path_factory.mktemp("guide")
    for folder in ("prepared", "linked", "encoded"):
        (root / folder).mkdir()
    name, source = "swh_Latn-eng_Latn.tsv.xz", random.Random(1)
    rows, lines = [], []
    for number in range(300):
        words = source.sample(sorted(WORDS), k=source.randint(2, 5))
        rows.append(f"toy\t{' '.join(WORDS[word] for word in words)}\t{' '.join(words)}\n")
        lines.append(f"{number}\t{' '.join(f'{i}-{i}' for i in range(len(words)))}\n")
    (root / "prepared" / name).write_bytes(lzma.compress("".join(rows).encode()))
    (root / "linked" / name).write_bytes(lzma.compress("".join(lines).encode()))
    write_json(root / "prepared" / "summary.json", {"corpora": {"toy": 300}})
    encode(root / "prepared", root / "linked", TOKENIZER, RECIPE, root / "encoded")
    return root / "encoded"


@pytest.fixture(scope="module")
def trained(encoded: Path) -> Path:
    folder = encoded.parent / "checkpoints"
    assert train(RECIPE, encoded, folder)
    return folder


def _tensors(encoded: Path) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    batch = next(iter(BatchStream(load_corpus(encoded, RECIPE.train), RECIPE.train)))
    guide = batch.guide
    assert guide is not None
    arrays = (guide.rows, guide.target_groups, guide.source_groups, guide.cells)
    source, decoder_input = torch.from_numpy(batch.source), torch.from_numpy(batch.decoder_input)
    return source, decoder_input, [torch.from_numpy(array) for array in arrays]


def test_the_attention_is_that_of_head_0_of_the_last_layer(encoded: Path) -> None:
    source, decoder_input, _ = _tensors(encoded)
    torch.manual_seed(0)
    network = build_network(TWO_LAYERS, 24064).eval()
    _, queries, memory = TappedBody(network.model)(source, decoder_input)
    network.set_attn_implementation("eager")
    with torch.no_grad():
        whole = network.model(
            input_ids=source,
            attention_mask=(source != PAD_ID).long(),
            decoder_input_ids=decoder_input,
            output_attentions=True,
        )
    found = head_attention(network.model, queries, memory, source).exp()
    assert torch.allclose(found, whole.cross_attentions[-1][:, 0], atol=1e-5)
    assert not torch.allclose(found, whole.cross_attentions[-1][:, 1], atol=1e-3)


def test_labels_share_their_links_equally_and_those_without_have_no_loss() -> None:
    """Two labels, the second linked to two source tokens that get 1/2 and 1/4: (-ln 1/2 - ln 1/4) / 2."""
    groups = torch.tensor([[3, 0, 3, 3]]), torch.tensor([[3, 0, 1, 3]])
    linked = link_distribution(*groups, torch.tensor([0, 1]))
    assert linked[0].tolist() == [[0] * 4, [0, 1, 1, 0], [0] * 4, [0] * 4]
    network = build_network(SHAPE, 64)
    source = torch.tensor([[5, 6, 7, 2]])
    states = torch.randn(1, 4, 64)
    loss = guide_loss(network.model, source, states, states, [torch.tensor([0]), *groups, torch.tensor([0, 1])])
    attention = head_attention(network.model, states, states, source)[0, 1]
    assert loss.item() == pytest.approx(-(attention[1] + attention[2]).item() / 2, rel=1e-5)


def test_a_batch_without_links_has_no_loss() -> None:
    network, source, states = build_network(SHAPE, 64), torch.tensor([[5, 2]]), torch.randn(1, 2, 64)
    nothing = torch.zeros(0, dtype=torch.int64)
    empty = torch.zeros((0, 2), dtype=torch.int64)
    assert guide_loss(network.model, source, states, states, [nothing, empty, empty, nothing]).item() == 0.0


def test_the_tapped_body_compiles_to_the_same_losses_and_gradients(encoded: Path) -> None:
    source, decoder_input, guide = _tensors(encoded)
    torch.manual_seed(0)
    network = build_network(TWO_LAYERS, 24064).train()
    body = TappedBody(network.model)
    weight = network.model.decoder.layers[-1].encoder_attn.q_proj.weight
    first = network.model.encoder.layers[0].fc1.weight
    results = []
    for each in (body, torch.compile(body, dynamic=True, backend="aot_eager")):
        network.zero_grad()
        _, queries, memory = each(source, decoder_input)
        loss = guide_loss(network.model, source, queries, memory, guide)
        loss.backward()
        results.append((loss.detach(), weight.grad.clone(), first.grad.clone()))
    for plain, compiled in zip(*results, strict=True):
        assert torch.allclose(plain, compiled, atol=1e-6)
    assert results[0][1].abs().sum() > 0
    assert results[0][2].abs().sum() > 0


def test_the_losses_fall_and_the_head_follows_the_links(encoded: Path, trained: Path) -> None:
    records = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert records[-1]["guide"] < 0.5 * records[0]["guide"]
    assert records[-1]["loss"] < records[0]["loss"]
    source, decoder_input, guide = _tensors(encoded)
    rows, target_groups, source_groups, cells = guide
    network = M2M100ForConditionalGeneration.from_pretrained(trained / "final").eval()
    with torch.no_grad():
        _, queries, memory = TappedBody(network.model)(source, decoder_input)
        attention = head_attention(network.model, queries[rows], memory[rows], source[rows])
    linked = link_distribution(target_groups, source_groups, cells)
    looked_at = linked.gather(2, attention.argmax(dim=-1, keepdim=True)).squeeze(-1)
    assert looked_at[linked.sum(dim=-1) > 0].mean() > 0.9


def test_a_killed_run_with_links_goes_on_to_the_same_weights(
    encoded: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance, folder = Trainer._advance, encoded.parent / "killed"

    def killed_at_70(trainer: Trainer, body: object, tensors: list[torch.Tensor]) -> torch.Tensor:
        if trainer.step == 170:
            raise KeyboardInterrupt
        return advance(trainer, body, tensors)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_advance", killed_at_70)
        with pytest.raises(KeyboardInterrupt):
            train(RECIPE, encoded, folder)
    assert [path.name for path in checkpoints.existing(folder)] == [
        "step-00000050.pt",
        "step-00000100.pt",
        "step-00000150.pt",
    ]
    assert train(RECIPE, encoded, folder)
    straight, resumed = (
        M2M100ForConditionalGeneration.from_pretrained(path / "final").state_dict() for path in (trained, folder)
    )
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_the_corpus_is_read_the_same_each_time(encoded: Path) -> None:
    recipe = replace(RECIPE.train, respelled=2, cut=0.3)
    [first], [second] = load_corpus(encoded, recipe), load_corpus(encoded, recipe)
    assert np.array_equal(first.text.ids, second.text.ids)
    assert np.array_equal(first.translation.ids, second.translation.ids)
    assert not np.array_equal(first.text.ids[: len(first.text.ids) // 3], first.text.ids[-(len(first.text.ids) // 3) :])
