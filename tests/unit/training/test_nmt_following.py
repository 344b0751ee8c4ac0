"""A decoder of fewer layers follows the whole one, and what is frozen stays as it was."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is in the training extra")
pytest.importorskip("transformers", reason="transformers is in the training extra")
pytest.importorskip("sentencepiece", reason="sentencepiece is in the training extra")
pytest.importorskip("tqdm", reason="tqdm is in the training extra")

import json
from dataclasses import replace

import torch
from transformers import M2M100ForConditionalGeneration

from tests.unit.training.test_nmt_sampling import encoded_corpus
from training.nmt.corpus import META
from training.nmt.depth import kept
from training.nmt.errors import StageError
from training.nmt.following import output_metric
from training.nmt.network import build_network, warm_network
from training.nmt.recipe import EncodeRecipe, ModelRecipe, Recipe, TrainRecipe
from training.nmt.train import FINAL, LOG, train

pytestmark = pytest.mark.torch

SHAPE = ModelRecipe(width=32, feed_forward=64, encoder_layers=1, decoder_layers=3, heads=2, dropout=0.0)
TRAIN = TrainRecipe(
    batch_tokens=256, widths=(64, 128), steps=40, warmup_steps=5, learning_rate=3e-3, weight_decay=0.0,
    checkpoint_steps=10, frozen=("model.encoder", "model.shared"), follow=True, follow_output_steps=20, compile=False,
)  # fmt: skip
CUT = Recipe(model=replace(SHAPE, decoder_layers=2), train=TRAIN)


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoded_corpus(tmp_path_factory.mktemp("corpus"), EncodeRecipe())


@pytest.fixture(scope="module")
def whole(encoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "network"
    vocabulary = json.loads((encoded / META).read_text(encoding="utf-8"))["vocabulary"]
    torch.manual_seed(0)
    network = build_network(SHAPE, vocabulary)
    with torch.no_grad():
        # Layers that change what they read, and probabilities that are far from even, as a trained network's.
        for weight in (network.model.shared.weight, *network.model.decoder.layers.parameters()):
            weight *= 10 if weight.dim() > 1 else 1
    network.save_pretrained(folder)
    return folder


def test_the_shorter_decoder_comes_near_the_whole_one(encoded: Path, whole: Path, tmp_path: Path) -> None:
    assert train(CUT, encoded, tmp_path, warm_start=whole)
    log = [json.loads(line) for line in (tmp_path / LOG).read_text(encoding="utf-8").splitlines()]
    vocabulary = M2M100ForConditionalGeneration.from_pretrained(whole).config.vocab_size
    start = warm_network(whole, CUT.model, vocabulary).state_dict()
    final = M2M100ForConditionalGeneration.from_pretrained(tmp_path / FINAL).state_dict()
    assert log[1]["loss"] < 0.9 * log[0]["loss"]
    assert log[3]["loss"] < 0.9 * log[2]["loss"]
    for name, value in final.items():
        learnt = name.startswith(("model.decoder.layers", "model.decoder.layer_norm"))
        assert torch.equal(value, start[name]) != learnt, name


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"frozen": ()}, "wants model.encoder and model.shared frozen"),
        ({"frozen": ("model.encoder",)}, "wants model.encoder and model.shared frozen"),
        ({"frozen": ("model.encoder", "model.shared", "model.decodr")}, "no parameter begins with model.decodr"),
    ],
)
def test_what_both_decoders_read_must_be_frozen(
    encoded: Path, whole: Path, tmp_path: Path, changes: dict[str, tuple[str, ...]], told: str
) -> None:
    recipe = replace(CUT, train=replace(TRAIN, **changes))  # type: ignore[arg-type]  # not by name
    with pytest.raises(StageError, match=told):
        train(recipe, encoded, tmp_path, warm_start=whole)


def test_following_nothing_is_refused(encoded: Path, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="give --warm-start"):
        train(CUT, encoded, tmp_path)


def test_the_metric_measures_what_a_change_does_to_the_probabilities() -> None:
    """For tokens of the given frequencies, the divergence is half the squared length of a small change, times L."""
    source = torch.Generator().manual_seed(0)
    embeddings = torch.randn(50, 8, generator=source, dtype=torch.float64)
    counts = torch.randint(1000, 100_000, (50,), generator=source)
    metric = output_metric(embeddings, counts).double()
    frequencies = (counts.double() + 1) / (counts.double() + 1).sum()
    for _ in range(5):
        change = 0.01 * torch.randn(8, generator=source, dtype=torch.float64)
        moved = (frequencies.log() + embeddings @ change).log_softmax(dim=0)
        divergence = (frequencies * (frequencies.log() - moved)).sum()
        # The floor adds up to a hundredth of the mean variance.
        assert (change @ metric).square().sum().item() / 2 == pytest.approx(divergence.item(), rel=0.05)


def test_a_decoder_keeps_at_least_a_layer() -> None:
    with pytest.raises(StageError, match="not made 0 deep"):
        kept(3, 0)
