"""From labelled English and pairs to a folder that the service loads, with a tiny encoder."""

import json
import lzma
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is in the training extra")
pytest.importorskip("transformers", reason="transformers is in the training extra")
pytest.importorskip("ctranslate2", reason="ctranslate2 is in the service's dependencies")

import numpy as np
import torch
from transformers import BertConfig, BertModel

from spanbridge_distillation.start import Start
from spanbridge_ner_teacher.core.sentences import Sentence
from training.encoder.rebuild import save_checkpoint
from training.encoder.tokenizer import SPECIALS, build_tokenizer, save_tokenizer
from training.nmt.errors import ModelFileError, StageError
from training.teacher.arrays import GOLD, PIVOT, TARGET, UNLABELLED, WEIGHTS, load_arrays
from training.teacher.blocks import unpacked
from training.teacher.calibrate import at_temperature, calibrate
from training.teacher.convert import convert, set_temperature
from training.teacher.corpus import SPECIALS as N_SPECIALS
from training.teacher.corpus import Sampler, load_corpus
from training.teacher.encode import encode
from training.teacher.evaluate import evaluate, open_folder
from training.teacher.labellers import read_labellers, said_by
from training.teacher.labels import Predictor, cross_labels, gold_labels
from training.teacher.network import Layout, tagger_of, tagging_loss
from training.teacher.parcel import pack, unpack
from training.teacher.prepare import prepare
from training.teacher.recipe import (
    DEFAULT_RECIPE,
    LabelRecipe,
    PrepareRecipe,
    Recipe,
    Round,
    TrainRecipe,
    load_recipe,
)
from training.teacher.train import FINAL, STATE, Trainer, learning_rate, round_file, train

pytestmark = pytest.mark.torch

ROUNDS = (
    Round(steps=30, shares={"gold": 1.0}, models=2, learning_rate=3e-3),
    Round(steps=10, shares={"gold": 0.5, "target": 0.5}, fresh=False, learning_rate=3e-3),
)
RECIPE = Recipe(
    prepare=PrepareRecipe(min_words=2, cap=10, nameless=1.0),
    label=LabelRecipe(sure=0.4),
    train=TrainRecipe(rounds=ROUNDS, batch_tokens=128, widths=(8, 16), checkpoint_steps=5, decay=0.9, dropout=0.1),
)
ENGLISH = [
    "Amina B-PER",
    "saw O",
    "Kano B-LOC",
    "",
    "Kano B-LOC",
    "saw O",
    "Amina B-PER",
    "",
    "we O",
    "saw O",
    "Kano B-LOC",
    "",
]
SWAHILI = ["Amina B-PER", "aliona O", "Kano B-LOC"]


def write(path: Path, *rows: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write(folder / "ner" / "english" / "ewt" / "train.txt", *ENGLISH * 4)
    for part in ("dev", "test"):
        write(folder / "ner" / "english" / "ewt" / f"{part}.txt", *ENGLISH)
    write(folder / "ner" / "english" / "wikigold" / "all.txt", *ENGLISH)
    write(folder / "ner" / "masakhaner2" / "swa" / "dev.txt", *SWAHILI)
    (folder / "parallel").mkdir()
    rows = "swh_Latn\teng_Latn\tAmina aliona Kano\tAmina saw Kano\n" + "swh_Latn\teng_Latn\tKano yetu\tour Kano\n"
    (folder / "parallel" / "tiny.tsv.xz").write_bytes(lzma.compress(rows.encode()))
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    letters = [(f"▁{letter}", -3.0) for letter in "AKsaowuy"] + [(letter, -4.0) for letter in "AKaminsoweluvyrt"]
    names = [("▁Amina", -1.0), ("▁Kano", -1.0), ("▁saw", -1.0), ("▁aliona", -1.0)]
    pieces = [*((piece, 0.0) for piece in SPECIALS), *names, *letters]
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    save_checkpoint(BertModel(config), folder)
    save_tokenizer(build_tokenizer(pieces), folder)
    return folder


@pytest.fixture(scope="module")
def encoded(data: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("work")
    for stage in ("prepared", "aligned", "encoded"):
        (work / stage).mkdir()
    prepare(data, RECIPE.prepare, 5, work / "prepared")
    pairs = (work / "prepared" / "pairs.tsv").read_text(encoding="utf-8").splitlines()
    links = ["0-0 1-1 2-2" if "saw" in row else "1-0 0-1" for row in pairs]
    write(work / "aligned" / "links.tsv", *links)
    write(work / "texts" / "swh_Latn.txt", "Amina aliona Kano", "Kano aliona Amina", "Amina aliona Kano")
    encode(
        work / "prepared",
        [work / "prepared" / "pairs.tsv"],
        work / "aligned",
        data,
        checkpoint,
        work / "encoded",
        texts=work / "texts",
    )
    return work / "encoded"


@pytest.fixture(scope="module")
def trained(encoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "trained"
    assert train(RECIPE, encoded, folder)
    return folder


def test_the_corpus_holds_words_tags_and_pairs_as_they_were_written(encoded: Path) -> None:
    corpus = load_corpus(encoded)
    assert [len(corpus.of_group(name)) for name in (GOLD, PIVOT, TARGET, UNLABELLED)] == [14, 2, 2, 2]
    assert set(corpus.groups[5:]) == {"check:ewt", "check:swa"}
    source, target = corpus.pairs[0]
    assert corpus.languages[corpus.lang[source]] == "eng_Latn"
    assert corpus.languages[corpus.lang[target]] == "swh_Latn"
    assert np.diff(corpus.link_starts).tolist() == [3, 2] or np.diff(corpus.link_starts).tolist() == [2, 3]
    assert corpus.firsts.sum() == corpus.words[-1] == len(corpus.tags)


def test_a_batch_marks_the_first_piece_of_each_word_and_frames_the_sentence(encoded: Path) -> None:
    corpus = load_corpus(encoded)
    ids, words = Layout(corpus, torch.device("cpu")).batch(np.array([0, 1]), 16)
    for row in (0, 1):
        n_pieces = int(corpus.lengths()[row])
        assert ids[row, 0] == 0
        assert ids[row, n_pieces + 1] == 2
        assert (ids[row, n_pieces + N_SPECIALS :] == 1).all()
        expected = np.arange(corpus.words[row], corpus.words[row + 1])
        assert words[row][words[row] >= 0].tolist() == expected.tolist()


def test_sentences_are_drawn_from_their_groups_at_a_width_that_holds_them(encoded: Path) -> None:
    corpus = load_corpus(encoded)
    usable = np.ones(len(corpus.group), bool)
    sampler = Sampler(corpus, {"gold": 0.5, "target": 0.5}, usable, widths=(8, 16), batch_tokens=160, temperature=0.5)
    for step in range(20):
        width, rows = sampler.draw(np.random.default_rng([0, step]))
        assert len(rows) == 160 // width
        assert (corpus.lengths()[rows] + N_SPECIALS <= width).all()
        assert {corpus.groups[group] for group in corpus.group[rows]} <= {GOLD, TARGET}


def test_labels_cross_from_the_pivot_to_the_other_side(encoded: Path) -> None:
    corpus = load_corpus(encoded)
    labels = gold_labels(corpus)
    said = np.zeros((int(corpus.words[-1]), 7), np.float16)
    said[:, 0] = 1.0
    source, target = next(pair for pair in corpus.pairs if corpus.words[pair[0] + 1] - corpus.words[pair[0]] == 3)
    said[corpus.words[source]] = np.eye(7)[1]
    english = corpus.languages.index("eng_Latn")
    cross_labels(corpus, labels, said, LabelRecipe(), own=False, pivots=[english])
    assert labels.soft[corpus.words[target]].argmax() == 1
    assert labels.usable[[source, target]].all()
    untouched = gold_labels(corpus)
    cross_labels(corpus, untouched, said, LabelRecipe(), own=False, pivots=[])
    assert not untouched.usable[[source, target]].any()


def test_the_loss_counts_words_by_their_weight_alone() -> None:
    logits = torch.tensor([[[2.0, 0.0], [0.0, 0.0], [0.0, 5.0]]])
    words = torch.tensor([[-1, 0, 1]])
    soft = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    loss = tagging_loss(logits, words, soft, torch.tensor([1.0, 0.0]), smoothing=0.0)
    assert loss.item() == pytest.approx(np.log(2))


def test_the_rate_rises_then_falls_to_nothing() -> None:
    rates = [learning_rate(step, 100, 0.1) for step in range(100)]
    assert max(rates) == rates[9] == 1.0
    assert rates[-1] == pytest.approx(1 / 90)


def test_a_run_that_stops_and_goes_on_gives_the_weights_of_one_that_does_not(
    encoded: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(10**6))
    monkeypatch.setattr("training.teacher.train.time.monotonic", lambda: float(next(calls)))
    folder = tmp_path / "trained"
    rounds = 0
    while not train(RECIPE, encoded, folder, minutes=0.25):
        rounds += 1
        assert rounds < 50
    assert rounds > 1
    one, other = (torch.load(path / FINAL, weights_only=True) for path in (trained, folder))
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], msg=name)


def test_going_on_with_other_options_is_refused(encoded: Path, trained: Path) -> None:
    with pytest.raises(StageError, match="other data or options"):
        train(replace(RECIPE, train=replace(RECIPE.train, seed=9)), encoded, trained)


def test_starting_weights_of_another_network_are_refused(encoded: Path) -> None:
    weights = unpacked(load_arrays(encoded / WEIGHTS))
    weights.pop("embeddings.LayerNorm.weight")
    with pytest.raises(ModelFileError, match=r"embeddings\.LayerNorm\.weight"):
        tagger_of(Start(dict(load_corpus(encoded).config), dict(weights), 64), 0.0)


def test_a_parcel_gives_back_weights_that_convert_to_the_same_int8(
    trained: Path, encoded: Path, checkpoint: Path, tmp_path: Path
) -> None:
    pack(trained, tmp_path / "parcel")
    unpack(tmp_path / "parcel", tmp_path / "carried")
    one, other = (torch.load(path / FINAL, weights_only=True) for path in (trained, tmp_path / "carried"))
    assert one.keys() == other.keys()
    assert torch.equal(one["head.weight"], other["head.weight"])
    for folder, name in ((trained, "a"), (tmp_path / "carried", "b")):
        convert(folder, encoded, checkpoint, RECIPE.convert, tmp_path / name)
    sentence = [Sentence("eng_Latn", tokens=("Amina", "saw", "Kano"))]
    rows = [open_folder(tmp_path / name, 1).probabilities(sentence)[0] for name in ("a", "b")]  # type: ignore[attr-defined]
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-4)


def test_a_damaged_parcel_is_refused(trained: Path, tmp_path: Path) -> None:
    pack(trained, tmp_path / "parcel")
    part = tmp_path / "parcel" / "weights.00"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelFileError, match=r"weights\.00"):
        unpack(tmp_path / "parcel", tmp_path / "carried")


@pytest.fixture(scope="module")
def served(trained: Path, encoded: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A served folder of what was trained, named `first`."""
    folder = tmp_path_factory.mktemp("served") / "first"
    convert(trained, encoded, checkpoint, replace(RECIPE.convert, name="first"), folder)
    return folder


ONWARDS = replace(
    RECIPE,
    label=replace(RECIPE.label, labellers={"first": 1.0}),
    train=replace(
        RECIPE.train,
        layers=1,
        rounds=(Round(steps=40, shares={"gold": 0.5, "unlabelled": 0.5}, learning_rate=3e-3),),
    ),
)


def test_a_shallower_teacher_learns_from_a_served_one(
    data: Path, encoded: Path, checkpoint: Path, served: Path, tmp_path: Path
) -> None:
    assert train(ONWARDS, encoded, tmp_path / "trained", start=served, labellers=[served])
    convert(tmp_path / "trained", encoded, checkpoint, ONWARDS.convert, tmp_path / "second")
    assert json.loads((tmp_path / "second" / "spanbridge.json").read_text())["kind"] == "token-classification"
    sentences = [Sentence("swh_Latn", tokens=tuple(text.split(" "))) for text in ("Kano aliona Amina",)]
    first, second = (open_folder(folder, 1).probabilities(sentences)[0] for folder in (served, tmp_path / "second"))  # type: ignore[attr-defined]
    assert first.argmax(axis=1).tolist() == second.argmax(axis=1).tolist()
    assert (tmp_path / "second" / "model.bin").stat().st_size < (served / "model.bin").stat().st_size


def test_labellers_speak_for_the_languages_that_they_read(encoded: Path, served: Path, tmp_path: Path) -> None:
    corpus = load_corpus(encoded)
    second = tmp_path / "second"
    shutil.copytree(served, second)
    manifest = json.loads((served / "spanbridge.json").read_text(encoding="utf-8"))
    write(second / "spanbridge.json", json.dumps(manifest | {"name": "second", "languages": ["swh_Latn"]}))
    with np.load(served / "head.npz") as head:
        np.savez(second / "head.npz", weight=np.zeros_like(head["weight"]), bias=np.zeros_like(head["bias"]))
    device = torch.device("cpu")
    predictor = Predictor(corpus, Layout(corpus, device), (8, 16), 128)
    alone = read_labellers([served], {"first": 1.0}, device)
    both = read_labellers([served, second], {"first": 0.25, "second": 0.75}, device)
    rows = np.concatenate([corpus.of_group(PIVOT), corpus.of_group(UNLABELLED)])
    one, mixed = said_by(alone, predictor, corpus, rows), said_by(both, predictor, corpus, rows)
    english, swahili = (
        np.concatenate([np.arange(corpus.words[row], corpus.words[row + 1]) for row in corpus.of_group(group)])
        for group in (PIVOT, UNLABELLED)
    )
    np.testing.assert_array_equal(one[english], mixed[english])
    # The second one's head is of zeros: it gives each of the 7 tags the same probability.
    np.testing.assert_allclose(mixed[swahili], 0.25 * one[swahili] + 0.75 / 7, atol=1e-3)
    with pytest.raises(StageError, match="no labeller reads eng_Latn"):
        said_by(read_labellers([second], {"second": 1.0}, device), predictor, corpus, rows)


def test_labellers_other_than_the_recipes_are_refused(encoded: Path, served: Path, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="give --labeller"):
        train(ONWARDS, encoded, tmp_path / "a", start=served)
    with pytest.raises(StageError, match="no weight for first"):
        train(RECIPE, encoded, tmp_path / "b", start=served, labellers=[served])


def test_training_without_starting_weights_is_refused(encoded: Path, served: Path, tmp_path: Path) -> None:
    shutil.copytree(encoded, tmp_path / "encoded", ignore=shutil.ignore_patterns(WEIGHTS))
    with pytest.raises(StageError, match="give --start"):
        train(RECIPE, tmp_path / "encoded", tmp_path / "trained")


@pytest.mark.parametrize("path", sorted((DEFAULT_RECIPE.parent / "recipes").glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_file_is_read(path: Path) -> None:
    assert load_recipe(path).convert.name == path.stem


def test_a_round_that_time_cut_short_is_packed_as_it_is(encoded: Path, tmp_path: Path) -> None:
    with pytest.raises(StageError):
        pack(tmp_path, tmp_path / "parcel")
    folder = tmp_path / "trained"
    assert not train(RECIPE, encoded, folder, minutes=0.0)
    state = torch.load(folder / STATE, weights_only=True)
    pack(folder, tmp_path / "parcel")
    unpack(tmp_path / "parcel", tmp_path / "carried")
    found = torch.load(tmp_path / "carried" / FINAL, weights_only=True)
    torch.testing.assert_close(found["head.weight"], state["mean"]["head.weight"])


def test_a_round_that_has_hardly_begun_is_not_packed(
    encoded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = replace(RECIPE, train=replace(RECIPE.train, rounds=(replace(ROUNDS[0], models=1), ROUNDS[1])))
    folder = tmp_path / "trained"
    calls = iter(range(10**6))
    monkeypatch.setattr("training.teacher.train.time.monotonic", lambda: float(next(calls)))
    for _ in range(100):
        if round_file(folder, 1, 0).exists():
            break
        train(first, encoded, folder, minutes=0.1)
    assert not train(first, encoded, folder, minutes=0.0)
    pack(folder, tmp_path / "parcel")
    unpack(tmp_path / "parcel", tmp_path / "carried")
    found = torch.load(tmp_path / "carried" / FINAL, weights_only=True)
    expected = torch.load(round_file(folder, 1, 0), weights_only=True)
    torch.testing.assert_close(found["head.weight"], expected["head.weight"])


def test_the_service_says_what_the_network_says_and_applies_the_temperature(
    data: Path, trained: Path, encoded: Path, checkpoint: Path, tmp_path: Path
) -> None:
    exact = replace(RECIPE.convert, quantization="float32")
    convert(trained, encoded, checkpoint, exact, tmp_path / "model")
    corpus = load_corpus(encoded)
    row = int(corpus.of_group("check:swa")[0])
    tagger = Trainer(RECIPE, encoded, trained, start=None, labellers=()).starting_network().eval()
    tagger.load_state_dict(torch.load(trained / FINAL, weights_only=True))
    ids, words = Layout(corpus, torch.device("cpu")).batch(np.array([row]), 16)
    with torch.inference_mode():
        expected = tagger(ids)[0][words[0] >= 0].softmax(dim=-1).double().numpy()
    sentence = [Sentence("swh_Latn", tokens=("Amina", "aliona", "Kano"))]
    service = open_folder(tmp_path / "model", 1)
    np.testing.assert_allclose(service.probabilities(sentence)[0], expected, atol=1e-4)  # type: ignore[attr-defined]
    set_temperature(tmp_path / "model", 2.0)
    cooler = open_folder(tmp_path / "model", 1)
    assert cooler.card.model_version != service.card.model_version
    np.testing.assert_allclose(
        cooler.probabilities(sentence)[0],  # type: ignore[attr-defined]
        at_temperature(expected, 2.0),
        atol=1e-4,
    )


def test_calibration_and_evaluation_run_through_the_service(
    data: Path, trained: Path, encoded: Path, checkpoint: Path, tmp_path: Path
) -> None:
    convert(trained, encoded, checkpoint, RECIPE.convert, tmp_path / "model")
    found = calibrate(tmp_path / "model", data, 1)
    assert 0.5 <= float(str(found["temperature"])) <= 3.0
    evaluate(tmp_path / "model", data, 0.4, tmp_path)
    table = (tmp_path / "evaluation.md").read_text(encoding="utf-8")
    assert "swa" in table
    assert "ewt test" in table
