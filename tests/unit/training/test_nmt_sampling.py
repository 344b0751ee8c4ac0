"""What is drawn: corpora by weight, pairs with merges left out; and a warm start under the recipe's dropout."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is in the training extra")
pytest.importorskip("transformers", reason="transformers is in the training extra")
pytest.importorskip("sentencepiece", reason="sentencepiece is in the training extra")
pytest.importorskip("tqdm", reason="tqdm is in the training extra")

import lzma

import numpy as np
import torch

from training.nmt.batches import IGNORED_LABEL, BatchStream
from training.nmt.corpus import Shard, load_corpus
from training.nmt.encode import encode
from training.nmt.errors import DataError, StageError
from training.nmt.layout import EOS_ID, PAD_ID
from training.nmt.network import build_network, warm_network
from training.nmt.recipe import DEFAULT_RECIPE, EncodeRecipe, ModelRecipe, Recipe, TrainRecipe, load_recipe
from training.nmt.stages import write_json

TOKENIZER = Path(__file__).parents[3] / "models" / "nmt" / "tokenizer.json"
SENTENCES = [f"Rais Samia alitembelea Nairobi jana mara {number}" for number in range(40)]
TRAIN = TrainRecipe(batch_tokens=512, widths=(64, 128))


def encoded_corpus(folder: Path, recipe: EncodeRecipe) -> Path:
    """40 pairs, every fourth of the corpus `news`, the others of `bible`."""
    prepared, output = folder / "prepared", folder / "encoded"
    prepared.mkdir()
    output.mkdir()
    rows = [f"{'news' if number % 4 == 0 else 'bible'}\t{text}\t{text}!\n" for number, text in enumerate(SENTENCES)]
    (prepared / "swh_Latn-eng_Latn.tsv.xz").write_bytes(lzma.compress("".join(rows).encode()))
    write_json(prepared / "summary.json", {"corpora": {"news": 10, "bible": 30}})
    encode(prepared, folder / "linked", TOKENIZER, Recipe(encode=recipe, train=TRAIN), output)
    return output


def _drawn(shards: list[Shard], batches: int) -> np.ndarray:
    stream = BatchStream(shards, TRAIN)
    return np.concatenate([stream._draw(chunk)[:, 1] for chunk in range(batches)])


def test_a_corpus_is_drawn_by_its_weight(tmp_path: Path) -> None:
    encoded = encoded_corpus(tmp_path, EncodeRecipe())
    for weights, share in (({}, 0.25), ({"news": 6.0}, 18 / 27), ({"news": 0.0}, 0.0)):
        rows = _drawn(load_corpus(encoded, replace(TRAIN, corpus_weights=weights)), 1)
        assert (rows % 4 == 0).mean() == pytest.approx(share, abs=0.01)
        assert set(rows % 4) >= {1, 2, 3}


def test_an_unknown_corpus_is_refused(tmp_path: Path) -> None:
    encoded = encoded_corpus(tmp_path, EncodeRecipe())
    with pytest.raises(DataError, match="corpus_weights names sports"):
        load_corpus(encoded, replace(TRAIN, corpus_weights={"sports": 2.0}))


def test_copies_spell_the_same_text_in_other_pieces(tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    [shard] = load_corpus(encoded_corpus(tmp_path, EncodeRecipe(copies=3, merge_dropout=0.3)), TRAIN)
    rows = np.split(shard.text.ids, shard.text.offsets[1:-1])
    assert len(rows) == 3 * len(SENTENCES)
    assert {tokenizer.decode(row.tolist()) for row in rows} == set(SENTENCES)
    served = [tokenizer.encode(text, add_special_tokens=False).ids for text in SENTENCES]
    assert [row.tolist() for row in rows[: len(SENTENCES)]] == served
    assert np.mean([len(row) for row in rows[len(SENTENCES) :]]) > np.mean([len(row) for row in served])


def test_a_batch_holds_whole_pairs_between_code_and_end(tmp_path: Path) -> None:
    [shard] = shards = load_corpus(encoded_corpus(tmp_path, EncodeRecipe(copies=2, merge_dropout=0.5)), TRAIN)
    pairs = set()
    for text, translation in zip(
        np.split(shard.text.ids, shard.text.offsets[1:-1]),
        np.split(shard.translation.ids, shard.translation.offsets[1:-1]),
        strict=True,
    ):
        sides = [shard.text.code, *text, EOS_ID], [shard.translation.code, *translation, EOS_ID]
        pairs |= {tuple(map(tuple, sides)), tuple(map(tuple, sides[::-1]))}
    for batch, _ in zip(BatchStream(shards, TRAIN), range(50), strict=False):
        for source, labels in zip(batch.source, batch.labels, strict=True):
            assert (tuple(source[source != PAD_ID]), tuple(labels[labels != IGNORED_LABEL])) in pairs


def test_a_warm_start_has_the_dropout_of_the_recipe(tmp_path: Path) -> None:
    """Regression: the folder's dropout was kept, whatever the recipe said."""
    shape = ModelRecipe(width=32, feed_forward=64, encoder_layers=1, decoder_layers=1, heads=2, dropout=0.1)
    build_network(shape, 64).save_pretrained(tmp_path)
    network = warm_network(tmp_path, replace(shape, dropout=0.3), 64)
    assert {layer.dropout for layer in (*network.model.encoder.layers, *network.model.decoder.layers)} == {0.3}
    assert network.model.encoder.dropout == network.model.decoder.dropout == 0.3
    with pytest.raises(StageError, match="d_model 32"):
        warm_network(tmp_path, replace(shape, width=16), 64)
    with pytest.raises(StageError, match="vocab_size 64"):
        warm_network(tmp_path, shape, 128)


def test_a_warm_start_may_have_a_deeper_encoder_and_a_shallower_decoder(tmp_path: Path) -> None:
    shape = ModelRecipe(width=32, feed_forward=64, encoder_layers=2, decoder_layers=3, heads=2, dropout=0.1)
    before = build_network(shape, 64).eval()
    before.save_pretrained(tmp_path)
    after = warm_network(tmp_path, replace(shape, encoder_layers=5, decoder_layers=1, dropout=0.3), 64)
    assert {layer.dropout for layer in after.model.encoder.layers} == {0.3}
    ids = torch.randint(4, 64, (2, 7))
    memory = [network.eval().model.encoder(input_ids=ids).last_hidden_state for network in (before, after)]
    assert torch.allclose(*memory, atol=1e-6)
    kept = before.model.decoder.layers[2].state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in after.model.decoder.layers[0].state_dict().items())
    # The layers that add nothing can learn to: a gradient reaches what their output passes through.
    after.train()(input_ids=ids, labels=ids).loss.backward()
    assert all(layer.fc2.weight.grad.abs().sum() > 0 for layer in after.model.encoder.layers)
    with pytest.raises(StageError, match="not cut to 1"):
        warm_network(tmp_path, replace(shape, encoder_layers=1), 64)
    with pytest.raises(StageError, match="not made 4 deep"):
        warm_network(tmp_path, replace(shape, decoder_layers=4), 64)


@pytest.mark.parametrize("path", sorted((DEFAULT_RECIPE.parent / "recipes").glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_file_is_read(path: Path) -> None:
    assert load_recipe(path).convert.name == path.stem
