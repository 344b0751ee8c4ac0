"""The recipe, stage by stage, on an invented language of 24 words and a network of 32."""

import itertools
import json
import lzma
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is in the training extra")
pytest.importorskip("transformers", reason="transformers is in the training extra")
pytest.importorskip("ctranslate2", reason="ctranslate2 is in the translation service's dependencies")
pytest.importorskip("sentencepiece", reason="sentencepiece is in the training extra")
pytest.importorskip("sacrebleu", reason="sacrebleu is in the training extra")
pytest.importorskip("tqdm", reason="tqdm is in the training extra")

import numpy as np
import torch
from transformers import M2M100ForConditionalGeneration

from spanbridge_distillation.faults import ModelFault
from training.nmt import checkpoints
from training.nmt.__main__ import main
from training.nmt.batches import IGNORED_LABEL, BatchStream
from training.nmt.corpus import load_corpus
from training.nmt.dequantise import load_dequantised
from training.nmt.errors import StageError
from training.nmt.evaluate import Translations, evaluate
from training.nmt.layout import EOS_ID, PAD_ID
from training.nmt.prepare import Pair, read_shard, rejection
from training.nmt.recipe import EvaluateRecipe, PrepareRecipe, TrainRecipe, load_recipe
from training.nmt.stages import run_stage
from training.nmt.train import Trainer, learning_rate, train

RECIPE = """
[prepare]
languages = ["swh_Latn", "eng_Latn"]
[tokenizer]
pieces = 150
lines = 2000
threads = 1
[model]
width = 32
feed_forward = 64
encoder_layers = 1
decoder_layers = 1
heads = 2
[train]
steps = 60
batch_tokens = 512
widths = [8, 16, 32]
warmup_steps = 10
learning_rate = 1e-2
checkpoint_steps = 20
keep_checkpoints = 2
average = 2
[convert]
name = "tiny"
[evaluate]
sentences = 5
threads = 1
"""
WORDS = (
    "one two three four five six seven eight nine ten cat dog sees eats big small red blue runs here there now not and"
)
DEVELOPMENT = "cat sees dog here", "rat reeb enog tac"


def _sentence(source: random.Random) -> tuple[str, str]:
    english = source.choices(WORDS.split(), k=source.randint(3, 7))
    return " ".join(word[::-1] for word in english), " ".join(english)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small spend their time handing work between threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DATA folder, a recipe, and WORK with the stages up to `encode`."""
    root = tmp_path_factory.mktemp("recipe")
    (root / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    for folder in ("parallel", "mt_dev"):
        (root / "data" / folder).mkdir(parents=True)
    source = random.Random(3)
    rows = [("swh_Latn", "eng_Latn", *_sentence(source)) for _ in range(400)]
    rows += [rows[0], ("swh_Latn", "eng_Latn", "", "empty"), ("bam_Latn", "fra_Latn", "i ni ce", "bonjour")]
    rows += [("swh_Latn", "eng_Latn", DEVELOPMENT[1], "anything"), ("swh_Latn", "eng_Latn", "../a/b.sw", "../a/b.en")]
    text = "".join("\t".join(row) + "\n" for row in rows)
    (root / "data" / "parallel" / "toy.tsv.xz").write_bytes(lzma.compress(text.encode()))
    (root / "data" / "parallel" / "README.md").write_text("| toy | CC0-1.0 | 400 | swh |\n", encoding="utf-8")
    development = f"{DEVELOPMENT[1]}\t{DEVELOPMENT[0]}\n" * 5
    (root / "data" / "mt_dev" / "swh_Latn.tsv").write_text(development, encoding="utf-8")
    for stage in ("prepare", "tokenizer", "encode"):
        assert _run(root, stage) == 0
    return root


@pytest.fixture(scope="module")
def trained(space: Path) -> Path:
    """WORK with the model trained in one go and converted."""
    assert _run(space, "train") == 0
    assert _run(space, "convert", "--card", str(space / "card.md")) == 0
    return space / "work"


def _run(root: Path, stage: str, *extra: str) -> int:
    folders = ["--data", str(root / "data"), "--work", str(root / "work"), "--recipe", str(root / "recipe.toml")]
    return main([stage, *folders, *extra])


def test_prepare_filters_and_counts(space: Path) -> None:
    summary = json.loads((space / "work" / "prepared" / "summary.json").read_text(encoding="utf-8"))
    dropped = summary["dropped"]["toy"]
    assert dropped["empty"] == 1
    assert dropped["path"] == 1
    assert dropped["duplicate"] >= 1
    assert dropped["held out"] >= 1
    pairs = list(read_shard(space / "work" / "prepared" / "swh_Latn-eng_Latn.tsv.xz"))
    assert len(pairs) == summary["corpora"]["toy"] == len(set(pairs))
    assert not (space / "work" / "prepared" / "bam_Latn-fra_Latn.tsv.xz").exists()


@pytest.mark.parametrize(
    ("text", "translation", "reason"),
    [
        ("Habari ya leo", "News of today", None),
        ("", "x", "empty"),
        ("a" * 1001, "b" * 1000, "long"),
        ("ndiyo", "a very long sentence that says yes", "ratio"),
        ("12 34 56", "1234 5678", "letters"),
        ("This was not translated", "This was not translated", "untranslated"),
        ("New York", "New York", None),
    ],
)
def test_rejection(text: str, translation: str, reason: str | None) -> None:
    assert rejection(Pair("toy", "swh_Latn", "eng_Latn", text, translation), PrepareRecipe()) == reason


def test_a_stage_is_skipped_until_its_input_changes(tmp_path: Path) -> None:
    source, output, builds = tmp_path / "in.txt", tmp_path / "out", []

    def build(folder: Path) -> None:
        builds.append(folder)
        (folder / "result").write_text(source.read_text())

    source.write_text("first")
    assert run_stage(output, inputs=[source], options={"a": (1, 2)}, build=build)
    assert not run_stage(output, inputs=[source], options={"a": (1, 2)}, build=build)
    source.write_text("second")
    assert run_stage(output, inputs=[source], options={"a": (1, 2)}, build=build)
    assert run_stage(output, inputs=[source], options={"a": (1, 2)}, build=build, force=True)
    assert (output / "result").read_text() == "second"
    assert len(builds) == 3


def test_a_failed_stage_leaves_the_old_output(tmp_path: Path) -> None:
    def good(folder: Path) -> None:
        (folder / "result").write_text("old")

    def bad(folder: Path) -> None:
        (folder / "result").write_text("half")
        raise StageError("broken")

    run_stage(tmp_path / "out", inputs=[], options={}, build=good)
    with pytest.raises(StageError):
        run_stage(tmp_path / "out", inputs=[], options={"changed": True}, build=bad)
    assert (tmp_path / "out" / "result").read_text() == "old"


def test_batches_have_few_shapes_and_shifted_labels(space: Path) -> None:
    recipe = load_recipe(space / "recipe.toml").train
    stream = BatchStream(load_corpus(space / "work" / "encoded", recipe), recipe)
    batches = [batch for batch, _ in zip(stream, range(60), strict=False)]
    assert {batch.source.shape for batch in batches} <= {(512 // width, width) for width in recipe.widths}
    for batch in batches[:5]:
        counted = batch.labels != IGNORED_LABEL
        assert (batch.decoder_input[:, 0] == EOS_ID).all()
        assert (batch.decoder_input[:, 1:][counted[:, 1:]] == batch.labels[:, :-1][counted[:, 1:]]).all()
        assert (batch.decoder_input[~counted] == PAD_ID).all()
        assert ((batch.source == EOS_ID).sum(axis=1) == 1).all()


def test_a_cursor_takes_the_stream_up_again(space: Path) -> None:
    recipe = load_recipe(space / "recipe.toml").train
    shards = load_corpus(space / "work" / "encoded", recipe)
    # Enough batches to cross a chunk, where the cursor carries what waits in the buckets.
    batches = [batch for batch, _ in zip(BatchStream(shards, recipe), range(1300), strict=False)]
    assert batches[-1].cursor.chunk >= 1
    for place in (0, 7, len(batches) - 5):
        resumed = BatchStream(shards, recipe, cursor=batches[place].cursor)
        for old, new in zip(batches[place + 1 : place + 5], resumed, strict=False):
            assert np.array_equal(old.source, new.source)
            assert np.array_equal(old.labels, new.labels)


def test_learning_rate_warms_up_and_decays() -> None:
    recipe = TrainRecipe(steps=300, warmup_steps=100, learning_rate=1.0, min_learning_rate=0.1)
    rates = [learning_rate(step, recipe) for step in (50, 100, 200, 300)]
    assert rates == pytest.approx([0.5, 1.0, 0.55, 0.1])


def test_a_killed_run_goes_on_to_the_same_weights(space: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, folder = load_recipe(space / "recipe.toml"), space / "killed"
    advance = Trainer._advance

    def killed_at_33(trainer: Trainer, body: object, tensors: list[torch.Tensor]) -> torch.Tensor:
        if trainer.step == 33:
            raise KeyboardInterrupt
        return advance(trainer, body, tensors)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_advance", killed_at_33)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, space / "work" / "encoded", folder)
    assert [path.name for path in checkpoints.existing(folder)] == ["step-00000020.pt"]
    assert train(recipe, space / "work" / "encoded", folder)
    straight, resumed = (
        M2M100ForConditionalGeneration.from_pretrained(path / "final").state_dict()
        for path in (trained / "checkpoints", folder)
    )
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_the_time_budget_stops_and_a_later_call_finishes(space: Path) -> None:
    recipe, encoded, folder = load_recipe(space / "recipe.toml"), space / "work" / "encoded", space / "slots"
    assert not train(recipe, encoded, folder, minutes=0)
    assert not (folder / "final").exists()
    assert train(recipe, encoded, folder, minutes=5)
    assert (folder / "final").is_dir()


def test_other_options_do_not_continue_a_run(space: Path, trained: Path) -> None:
    recipe = load_recipe()
    with pytest.raises(StageError, match="other data or options"):
        train(recipe, space / "work" / "encoded", trained / "checkpoints")


def test_training_learns(trained: Path) -> None:
    records = [json.loads(line) for line in (trained / "checkpoints" / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [20, 40, 60]
    assert records[-1]["loss"] < records[0]["loss"]


def test_average_is_the_mean_of_the_last_checkpoints(trained: Path) -> None:
    kept = checkpoints.existing(trained / "checkpoints")
    assert [path.name for path in kept] == ["step-00000040.pt", "step-00000060.pt"]
    first, second = (checkpoints.load(path).weights["model.shared.weight"] for path in kept)
    final = M2M100ForConditionalGeneration.from_pretrained(trained / "checkpoints" / "final")
    assert torch.allclose(final.state_dict()["model.shared.weight"], (first + second) / 2, atol=1e-6)


def test_the_converted_model_translates(space: Path, trained: Path) -> None:
    translations = Translations(trained / "model", EvaluateRecipe(threads=1))
    texts = [text for text, _ in read_shard(trained / "prepared" / "swh_Latn-eng_Latn.tsv.xz")][:8]
    together = translations.translate(texts, "swh_Latn", "eng_Latn")
    assert together == [translations.translate([text], "swh_Latn", "eng_Latn")[0] for text in texts]
    assert all(together)
    assert _run(space, "evaluate") == 0
    results = json.loads((trained / "evaluation" / "evaluation.json").read_text(encoding="utf-8"))
    assert [score["language"] for score in results["scores"]] == ["swh_Latn"]
    assert "| toy | CC0-1.0 |" in (space / "card.md").read_text(encoding="utf-8")


def test_a_set_translated_within_milliseconds_is_scored(
    space: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: times rounded to hundredths became zero, and the speed a division by it."""
    clock = itertools.count(step=0.001)
    monkeypatch.setattr("training.nmt.evaluate.time.perf_counter", lambda: next(clock))
    evaluate(trained / "model", space / "data", EvaluateRecipe(sentences=5, threads=1), tmp_path)
    assert "| 5000 |" in (tmp_path / "evaluation.md").read_text(encoding="utf-8")


def test_dequantised_weights_are_within_half_a_step(trained: Path) -> None:
    """An int8 weight is off by at most half its row's step, the row's maximum / 127."""
    original = M2M100ForConditionalGeneration.from_pretrained(trained / "checkpoints" / "final").state_dict()
    restored = load_dequantised(trained / "model" / "model.bin").state_dict()
    assert original.keys() == restored.keys()
    for name, weight in original.items():
        if weight.dim() == 2:
            step = weight.abs().amax(dim=1, keepdim=True) / 127
            assert ((restored[name] - weight).abs() <= step * 0.501).all(), name
        else:
            assert torch.equal(restored[name], weight), name


def test_a_damaged_model_file_is_refused(trained: Path, tmp_path: Path) -> None:
    data = (trained / "model" / "model.bin").read_bytes()
    (tmp_path / "short.bin").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelFault, match="cut short"):
        load_dequantised(tmp_path / "short.bin")


def test_a_damaged_model_is_told_in_one_line(
    space: Path, trained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "model.bin").write_bytes((trained / "model" / "model.bin").read_bytes()[:1000])
    assert _run(space, "dequantise", "--model", str(tmp_path)) == 1
    assert "ModelFault: the model file ends inside a variable: it was cut short" in caplog.text


def test_an_unknown_recipe_key_is_refused(space: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("[train]\nstep = 3\n", encoding="utf-8")
    assert main(["train", "--work", str(tmp_path), "--recipe", str(tmp_path / "recipe.toml")]) == 1


def test_the_shipped_recipe_holds_the_defaults() -> None:
    from training.nmt.recipe import Recipe

    assert load_recipe() == Recipe()
