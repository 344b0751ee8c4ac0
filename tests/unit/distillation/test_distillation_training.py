"""Training on a toy world: the student learns its teachers' tags, a stopped run goes on exactly, parcels travel."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from spanbridge_distillation import train as training
from spanbridge_distillation.corpus import NO_WORD, load_corpus
from spanbridge_distillation.encode import encode
from spanbridge_distillation.faults import DataFault, ModelFault
from spanbridge_distillation.network import Layout
from spanbridge_distillation.recipe import Loss, Recipe, changed
from spanbridge_distillation.sampler import Sampler
from spanbridge_distillation.start import read_start, restored
from spanbridge_distillation.teaching import teach
from spanbridge_distillation.texts import Sentence, Texts
from spanbridge_distillation.train import Trainer, main, train
from spanbridge_distillation.trained import load_trained, quantised
from tests.support.ner_checkpoint import sentences
from tests.unit.distillation.student_world import LABELS, read_index, texts, write_encoded, write_start

pytestmark = pytest.mark.torch

RECIPE = Recipe(
    steps=60, batch_tokens=512, widths=(16, 24), learning_rate=3e-3, head_rate=1.0, decay=0.9, checkpoint_steps=30,
    held_out=20, dropout=0.1, word_dropout=0.02, lower=0.05,
)  # fmt: skip


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_start(tmp_path_factory.mktemp("start") / "bert")


@pytest.fixture(scope="session")
def encoded(tmp_path_factory: pytest.TempPathFactory, start: Path) -> Path:
    return write_encoded(tmp_path_factory.mktemp("work"), start, sure={"transfer": 0.9, "projection": 0.7})


@pytest.mark.parametrize("loss", list(Loss))
def test_the_student_learns_its_teachers_tags(encoded: Path, tmp_path: Path, loss: Loss) -> None:
    choices = {"loss": loss.value, "steps": 250, "checkpoint_steps": 100, "learning_rate": 5e-3, "batch_tokens": 2048}
    recipe = changed(RECIPE, {**choices, "dropout": 0.0})
    before = Trainer(load_corpus(encoded), recipe, encoded, torch.device("cpu")).agreement()
    assert train(tmp_path, recipe, encoded=encoded)
    log = read_index(tmp_path / "trained")["log"]
    assert log[-1]["agreement"] > 0.95 > before
    assert [line["step"] for line in log[1:]] == [100, 200, 250]
    assert log[0]["languages"][0]["weights"] == {"transfer": 0.5, "projection": 0.5}


def test_a_stopped_run_goes_on_exactly(encoded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = changed(RECIPE, {"steps": 20, "checkpoint_steps": 5})
    assert train(tmp_path / "whole", recipe, encoded=encoded)
    clock = iter(range(10_000))
    monkeypatch.setattr(training.time, "monotonic", lambda: float(next(clock)))
    assert not train(tmp_path / "stopped", recipe, minutes=7 / 60, encoded=encoded)
    monkeypatch.undo()
    assert not (tmp_path / "stopped" / "trained").exists()
    assert train(tmp_path / "stopped", recipe, encoded=encoded)
    whole, log = load_trained(tmp_path / "whole" / "trained")
    stopped, same_log = load_trained(tmp_path / "stopped" / "trained")
    assert log == same_log
    assert all(np.array_equal(whole[name], stopped[name]) for name in whole)


def test_another_recipe_does_not_go_on_with_the_same_state(encoded: Path, tmp_path: Path) -> None:
    assert not train(tmp_path, RECIPE, minutes=0.0, encoded=encoded)
    with pytest.raises(DataFault, match="other data or choices"):
        train(tmp_path, changed(RECIPE, {"loss": "kl"}), encoded=encoded)


def test_weights_are_rounded_as_served_and_a_damaged_parcel_is_told(encoded: Path, tmp_path: Path) -> None:
    assert train(tmp_path, changed(RECIPE, {"steps": 2}), encoded=encoded)
    folder = tmp_path / "trained"
    weights, _ = load_trained(folder)
    again = restored(quantised(weights))
    assert all(np.allclose(again[name], value, atol=1e-6) for name, value in weights.items())
    part = folder / "weights.00"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(ModelFault, match=r"weights\.00"):
        load_trained(folder)


def test_batches_hold_each_word_at_its_first_subword(encoded: Path) -> None:
    corpus = load_corpus(encoded)
    ids, words = Layout(corpus, torch.device("cpu")).batch(np.array([0, corpus.n_sentences]), 24)
    length = int(corpus.words[1])
    assert ids[0, 0] == 0
    assert ids[0, length + 1] == 2
    assert set(ids[0, length + 2 :].tolist()) == {1}
    # The lower-case copy is of the same words.
    assert words[0].tolist() == words[1].tolist() == [NO_WORD, *range(length), *[NO_WORD] * (23 - length)]


def test_the_curriculum_begins_with_what_teachers_agree_on(encoded: Path) -> None:
    corpus = load_corpus(encoded)
    rows = np.arange(corpus.n_sentences)
    agreement = np.random.default_rng(0).permutation(corpus.n_sentences) / corpus.n_sentences
    recipe = changed(RECIPE, {"curriculum": True, "curriculum_from": 0.1, "lower": 0.0, "language_power": 1.0})
    sampler = Sampler(corpus, rows, agreement, recipe, recipe.widths)
    early = np.concatenate([agreement[sampler.draw(0)[1]], agreement[sampler.draw(1)[1]]])
    late = np.concatenate([agreement[sampler.draw(step)[1]] for step in (50, 51, 52)])
    assert early.min() > 0.8
    assert late.min() < 0.2
    assert sampler.draw(3)[1].tolist() == sampler.draw(3)[1].tolist()


def test_a_start_is_cut_and_frozen(start: Path, encoded: Path) -> None:
    assert read_start(start, 1).config["num_hidden_layers"] == 1
    assert not any(name.startswith("encoder.layer.1.") for name in read_start(start, 1).arrays)
    with pytest.raises(ModelFault, match="2 layers"):
        read_start(start, 3)
    recipe = changed(RECIPE, {"freeze_embeddings": True, "frozen_layers": 1, "weight_decay": 0.1})
    trainer = Trainer(load_corpus(encoded), recipe, encoded, torch.device("cpu"))
    before = {name: value.clone() for name, value in trainer.student.state_dict().items()}
    trainer.advance()
    moved = {name for name, value in trainer.student.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert all(name.startswith(("encoder.encoder.layer.1.", "head.")) for name in moved)


def test_it_trains_where_only_torch_and_the_member_are(encoded: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('spanbridge', 'spanbridge_shared', 'pydantic', 'click'))); "
        "from spanbridge_distillation.train import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["--work", str(tmp_path), "--encoded", str(encoded), "--set", "steps=1", "batch_tokens=64"]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)
    assert (tmp_path / "trained" / "index.json").is_file()


def test_faults_are_told_in_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(["--work", str(tmp_path)]) == 1
    assert "encode first" in caplog.text
    assert main(["--work", str(tmp_path), "--set", "steps=many"]) == 1


def test_learnt_weights_reach_the_labels(tmp_path: Path, start: Path) -> None:
    write_encoded(tmp_path, start, sure={"transfer": 0.9, "projection": 0.7}, n=40)
    target = [texts("swh_Latn", 1, 40)[0], texts("zul_Latn", 2, 20)[0]]
    english, swahili = _halves()
    encode(
        target, ["transfer", "projection"], LABELS, tmp_path / "gathered", start, None,
        {"transfer": english, "projection": swahili}, tmp_path / "encoded",
    )  # fmt: skip
    corpus = load_corpus(tmp_path / "encoded")
    cpu = torch.device("cpu")
    student = Trainer(corpus, RECIPE, tmp_path / "encoded", cpu).student
    _, domain = teach(corpus, changed(RECIPE, {"alpha": "domain"}), student, cpu)
    _, sentence = teach(corpus, changed(RECIPE, {"alpha": "sentence"}), student, cpu)
    assert np.allclose(domain.sum(axis=0), 1)
    for lang in range(2):
        mine = corpus.lang == lang
        assert np.allclose(domain[:, mine], sentence[:, mine].mean(axis=1, keepdims=True))
    swahili_first = [word in ("Rais", "Watu", "Jana") for word in (each[0] for each in target[0].words())]
    likes = sentence[1, : len(swahili_first)]
    assert likes[np.array(swahili_first)].mean() > likes[~np.array(swahili_first)].mean()
    plain = load_corpus(write_encoded(tmp_path / "plain", start, sure={"transfer": 0.9, "projection": 0.7}, n=20))
    with pytest.raises(DataFault, match="--source"):
        teach(plain, changed(RECIPE, {"alpha": "domain"}), student, cpu)


def _halves() -> tuple[Texts, Texts]:
    """Return English and Swahili sentences as two sources' texts."""
    found = {tuple(words) for words, _ in sentences(5, 200)}
    swahili = {words for words in found if {"Rais", "Watu", "Jana", "anafanya", "ilifungua"} & set(words)}
    return (
        Texts("eng_Latn", tuple(map(Sentence, sorted(found - swahili))), "english"),
        Texts("eng_Latn", tuple(map(Sentence, sorted(swahili))), "swahili"),
    )
