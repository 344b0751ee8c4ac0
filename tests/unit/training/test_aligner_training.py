"""Training end to end on an invented encoder: it learns links, stops, goes on and is carried. Needs torch."""

import json
import lzma
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch comes with the training extra")
transformers = pytest.importorskip("transformers", reason="transformers comes with the training extra")
pytest.importorskip("tokenizers", reason="tokenizers come with the training extra")

from training.aligner import parcel as parcels
from training.aligner.batches import Batches, pair_weights
from training.aligner.carried import CHECKS, EMBEDDINGS, LISTS, META, PAIRS, STUDENT, TEACHER, WEIGHTS, write_lines
from training.aligner.load import load_corpus
from training.aligner.parcel import pack, quantised, unpack
from training.aligner.recipe import DEFAULT_RECIPE, Recipe, TrainRecipe, load_recipe
from training.aligner.train import FINAL, LOG, STATE, learning_rate, train
from training.encoder.tokenizer import BOS_ID, EOS_ID, PAD_ID, SPECIALS, build_tokenizer
from training.nmt.errors import ModelFileError, RecipeError, StageError
from training.parcels import INDEX, restored
from training.teacher.arrays import save_arrays
from training.teacher.blocks import packed

WORDS = [f"{a}{b}" for a in "kmnpst" for b in "aeiou"]
FOREIGN = [word[::-1] for word in WORDS]
PIECES = [(name, 0.0) for name in SPECIALS] + [(f"▁{word}", -3.0) for word in (*WORDS, *FOREIGN)] + [("▁rare", -9.0)]
KEPT = list(range(len(PIECES) - 1))
RECIPE = TrainRecipe(
    steps=60,
    layers=2,
    batch_tokens=512,
    widths=(8, 16),
    pseudo_pairs=3,
    pseudo_words=4,
    learning_rate=3e-3,
    warmup_steps=5,
    distil_steps=5,
    distil_weight=0.1,
    unknown_trust=0.0,
    average_decay=0.9,
    check_steps=20,
    dropout=0.0,
)


def invented_pairs(n: int) -> list[tuple[list[str], list[str], str]]:
    rng = np.random.default_rng(5)
    pairs = []
    for _ in range(n):
        chosen = rng.choice(len(WORDS), size=int(rng.integers(3, 9)), replace=False)
        order = rng.permutation(len(chosen))
        source, target = [WORDS[i] for i in chosen], [FOREIGN[chosen[i]] for i in order]
        pairs.append((source, target, " ".join(f"{i}-{j}" for j, i in enumerate(order))))
    return pairs


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoded")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(PIECES), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    weights = transformers.BertModel(config, add_pooling_layer=False).state_dict()
    arrays = packed({name: value.numpy() for name, value in weights.items()})
    save_arrays(folder / WEIGHTS, arrays | {"kept": np.array(KEPT)})
    (folder / META).write_text(json.dumps({"config": config.to_dict()}), encoding="utf-8")
    for name, pieces in ((STUDENT, PIECES[:-1]), (TEACHER, PIECES)):
        (folder / name).write_bytes(lzma.compress(build_tokenizer(pieces).to_str().encode()))
    pairs = invented_pairs(220)
    lines = [f"0\txxx_Latn\teng_Latn\t{' '.join(s)}\t{' '.join(t)}\t{links}" for s, t, links in pairs[:200]]
    write_lines(folder / PAIRS, lines)
    write_lines(folder / LISTS, [f"wordfreq-xx\t{word}" for word in FOREIGN])
    write_lines(
        folder / CHECKS, [f"en-xx\t{' '.join(s)}\t{' '.join(t)}\t{links}\t{links}" for s, t, links in pairs[200:]]
    )
    return folder


@pytest.fixture(scope="module")
def trained(encoded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "trained"
    assert train(RECIPE, encoded, folder)
    return folder


def test_it_learns_the_links(trained: Path) -> None:
    log = [json.loads(line) for line in (trained / LOG).read_text().splitlines()]
    assert [record["step"] for record in log] == [0, 20, 40, 60]
    assert log[0]["f1_mean"] < 50
    assert log[-1]["f1_mean"] > 90


def test_a_stopped_run_goes_on_to_the_same_weights(encoded: Path, trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "trained"
    assert not train(RECIPE, encoded, folder, minutes=1e-3)
    step = torch.load(folder / STATE, weights_only=True)["step"]
    assert 0 <= step < RECIPE.steps
    assert train(RECIPE, encoded, folder)
    whole, halves = (torch.load(path / FINAL, weights_only=True) for path in (trained, folder))
    assert all(torch.equal(value, halves[name]) for name, value in whole.items())


def test_other_options_do_not_go_on_with_the_run(encoded: Path, trained: Path) -> None:
    with pytest.raises(StageError, match="other data or options"):
        train(TrainRecipe(steps=7), encoded, trained)


def test_batches_hold_the_sentences_of_their_pairs(encoded: Path) -> None:
    corpus = load_corpus(encoded, RECIPE)
    batches = Batches(corpus, RECIPE, torch.device("cpu"))
    tokenizer = build_tokenizer(PIECES[:-1])
    lines = [line.split("\t") for line in lzma.decompress((encoded / PAIRS).read_bytes()).decode().splitlines()]
    sources = {tuple(tokenizer.encode(line[3].split(), is_pretokenized=True).ids): line for line in lines}
    seen = 0
    for step in range(6):
        batch = batches.batch(step)
        n = len(batch.links)
        for row in range(n):
            ids = [i for i in batch.student.ids[row].tolist() if i != PAD_ID]
            assert ids[0] == BOS_ID
            assert ids[-1] == EOS_ID
            assert len(ids) == 2 + int((batch.student.words[row] >= 0).sum())
            if batch.supervision[row] == 0:
                line = sources[tuple(ids)]
                links = {f"{i}-{j}" for i, j in batch.links[row].nonzero().tolist()}
                assert links == set(line[5].split())
                target = [i for i in batch.student.ids[n + row].tolist() if i != PAD_ID]
                assert target == tokenizer.encode(line[4].split(), is_pretokenized=True).ids
                seen += 1
    assert seen
    assert torch.equal(batches.batch(3).student.ids, batches.batch(3).student.ids)


def test_a_small_language_is_drawn_more_often_than_its_size_says() -> None:
    group = np.array([0] * 900 + [1] * 100)
    weights = pair_weights(group, ["big", "small"], TrainRecipe(temperature=0.5, group_weights={"small": 2.0}))
    shares = [weights[group == number].sum() for number in (0, 1)]
    assert shares[1] / shares[0] == pytest.approx(2 * (100 / 900) ** 0.5)


def test_rounded_weights_stay_within_half_a_step_and_round_trip_exactly() -> None:
    weights = {
        "a.weight": torch.randn(5, 8),
        "b.bias": torch.randn(8),
        "x.position_embeddings.weight": torch.randn(4, 8),
    }
    arrays = quantised(weights)
    back = restored(arrays)
    assert arrays["a.weight"].dtype == np.int8
    assert torch.equal(back["b.bias"], weights["b.bias"])
    assert torch.equal(back["x.position_embeddings.weight"], weights["x.position_embeddings.weight"])
    step = weights["a.weight"].abs().max(dim=1).values / 127
    assert ((back["a.weight"] - weights["a.weight"]).abs() <= step[:, None] * 0.5001).all()
    again = quantised(back)
    assert np.array_equal(arrays["a.weight"], again["a.weight"])


def test_a_parcel_makes_the_checkpoint_and_damage_is_found(
    encoded: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcels, "PART_BYTES", 10_000)
    weights = torch.load(trained / FINAL, weights_only=True)
    config = json.loads((encoded / META).read_text())["config"] | {"vocab_size": len(weights[EMBEDDINGS])}
    pack(weights, {"config": config}, tmp_path / "parcel")
    (tmp_path / "tokenizer.json").write_text(build_tokenizer(PIECES[:-1]).to_str(), encoding="utf-8")
    unpack(tmp_path / "parcel", tmp_path / "tokenizer.json", tmp_path / "checkpoint")
    network = transformers.BertModel.from_pretrained(tmp_path / "checkpoint")
    # The converter reads the tokenizer through transformers, which without its settings adds special tokens of its own.
    assert len(transformers.AutoTokenizer.from_pretrained(tmp_path / "checkpoint")) == len(PIECES) - 1
    rounded = restored(quantised(weights))
    assert all(torch.allclose(value, rounded[name]) for name, value in network.state_dict().items() if name in rounded)
    part = tmp_path / "parcel" / "weights.01"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(ModelFileError, match=r"weights\.01"):
        unpack(tmp_path / "parcel", tmp_path / "tokenizer.json", tmp_path / "again")
    assert (tmp_path / "parcel" / INDEX).is_file()


def test_the_written_recipe_has_the_keys_that_the_stages_read(tmp_path: Path) -> None:
    recipe = load_recipe(DEFAULT_RECIPE)
    assert isinstance(recipe, Recipe)
    assert recipe.train.layers == recipe.encode.layers
    (tmp_path / "wrong.toml").write_text("[train]\nstep = 3\n")
    with pytest.raises(RecipeError, match="unknown keys step"):
        load_recipe(tmp_path / "wrong.toml")


def test_the_learning_rate_rises_stays_and_falls() -> None:
    rates = [learning_rate(step, RECIPE) for step in range(1, RECIPE.steps + 1)]
    assert rates[: RECIPE.warmup_steps] == sorted(rates[: RECIPE.warmup_steps])
    assert max(rates) == RECIPE.learning_rate
    assert rates[-1] < 0.1 * RECIPE.learning_rate
