"""Weights carried in small files: what is converted from them is what the weights themselves give."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is in the training extra")
pytest.importorskip("transformers", reason="transformers is in the training extra")
pytest.importorskip("ctranslate2", reason="ctranslate2 is in the translation service's dependencies")
pytest.importorskip("tqdm", reason="tqdm is in the training extra")

import numpy as np
import torch
from transformers import M2M100ForConditionalGeneration

from spanbridge_distillation.ctranslate2_file import read_model_file
from training.nmt import checkpoints, parcel
from training.nmt.batches import Cursor
from training.nmt.convert import write_ctranslate2
from training.nmt.errors import ModelFileError, StageError
from training.nmt.network import build_network
from training.nmt.parcel import pack, quantised, restored, unpack
from training.nmt.recipe import ConvertRecipe, ModelRecipe
from training.nmt.stages import write_json
from training.parcels import INDEX

SHAPE = ModelRecipe(width=32, feed_forward=64, encoder_layers=1, decoder_layers=1, heads=2)
VOCABULARY = 64


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the final weights of a random network and the meta data of a corpus, and parts of 10 kB."""
    torch.manual_seed(1)
    build_network(SHAPE, VOCABULARY).save_pretrained(tmp_path / "trained" / "final")
    (tmp_path / "encoded").mkdir()
    write_json(tmp_path / "encoded" / "meta.json", {"shards": {"swh_Latn-eng_Latn": {"pairs": 1, "dropped": 0}}})
    monkeypatch.setattr(parcel, "PART_BYTES", 10_000)
    return tmp_path


def test_a_parcel_converts_to_the_same_int8_model(space: Path) -> None:
    pack(space / "trained", space / "encoded", 1, space / "parcel")
    parts = sorted(path.name for path in (space / "parcel").glob("weights.*"))
    assert len(parts) > 2
    assert all((space / "parcel" / part).stat().st_size <= 10_000 for part in parts)
    unpack(space / "parcel", SHAPE, space / "there", space / "there-encoded")
    assert (space / "there-encoded" / "meta.json").read_text() == (space / "encoded" / "meta.json").read_text()
    variables = []
    for name in ("trained", "there"):
        network = M2M100ForConditionalGeneration.from_pretrained(space / name / "final")
        output = space / f"{name}-model"
        output.mkdir()
        write_ctranslate2(network, [f"t{number}" for number in range(VOCABULARY)], ConvertRecipe(), output)
        variables.append(read_model_file(output / "model.bin").variables)
    straight, carried = variables
    assert straight.keys() == carried.keys()
    for name, value in straight.items():
        if value.dtype == np.int8:
            assert np.array_equal(value, carried[name]), name
        else:
            assert np.allclose(value, carried[name], rtol=1e-6), name


def test_a_row_of_zeros_survives() -> None:
    weights = {parcel._EMBEDDINGS: torch.tensor([[0.0, 0.0], [1.0, -0.5]])}
    back = restored(quantised(weights))
    assert torch.allclose(back["lm_head.weight"], weights[parcel._EMBEDDINGS], atol=1 / 254)


def test_the_last_checkpoints_are_packed_while_there_are_no_final_weights(space: Path) -> None:
    weights = build_network(SHAPE, VOCABULARY).state_dict()
    state = checkpoints.Checkpoint(7, weights, {}, Cursor(0, 0, ()), checkpoints.rng_state())
    (space / "running").mkdir()
    checkpoints.save(space / "running", state, keep=1)
    pack(space / "running", space / "encoded", 4, space / "parcel")
    unpack(space / "parcel", SHAPE, space / "there", space / "encoded")
    unpacked = M2M100ForConditionalGeneration.from_pretrained(space / "there" / "final").state_dict()
    for name, weight in weights.items():
        step = weight.abs().amax(dim=1, keepdim=True) / 127 if weight.dim() == 2 else torch.tensor(0.0)
        assert ((unpacked[name] - weight).abs() <= step * 0.501).all(), name


def test_nothing_trained_is_refused(space: Path) -> None:
    with pytest.raises(StageError, match="run `train` first"):
        pack(space / "nowhere", space / "encoded", 1, space / "parcel")


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_damaged_part_is_refused(space: Path, damage: str) -> None:
    pack(space / "trained", space / "encoded", 1, space / "parcel")
    part = space / "parcel" / "weights.01"
    data = part.read_bytes()
    part.unlink()
    if damage == "changed":
        part.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelFileError, match=r"weights\.01 .* missing or damaged"):
        unpack(space / "parcel", SHAPE, space / "there", space / "encoded")


def test_a_parcel_of_another_network_is_refused(space: Path) -> None:
    pack(space / "trained", space / "encoded", 1, space / "parcel")
    with pytest.raises(ModelFileError, match="another network"):
        unpack(space / "parcel", ModelRecipe(width=64, heads=2), space / "there", space / "encoded")
    assert not (space / "there" / "final").exists()
    assert (space / "parcel" / INDEX).is_file()
