"""Converting a checkpoint and loading it: the vectors are those of transformers."""

import json

import numpy as np
import pytest

from spanbridge_shared.contracts.manifest import EncoderManifest
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.manifests import read_manifest

pytestmark = pytest.mark.torch
SENTENCES = [("Rais", "Samia", "alitembelea", "Nairobi", "."), ("a",), ("Nairobi", "\u200b", "a")]


@pytest.fixture(scope="module")
def opened(checkpoint, tmp_path_factory):
    from spanbridge_alignment.backends.convert import convert
    from spanbridge_alignment.backends.ctranslate2 import CTranslate2Encoder

    folder = tmp_path_factory.mktemp("converted") / checkpoint.name
    convert(str(checkpoint), folder, layer=3, quantization="float32", licence="MIT", name="tiny")
    return CTranslate2Encoder(folder, threads=1), folder


def test_vectors_are_those_of_hidden_state_layer(checkpoint, opened):
    import torch
    from transformers import AutoModel

    encoder, _ = opened
    model = AutoModel.from_pretrained(checkpoint).eval()
    pieces = encoder.tokenize(SENTENCES)
    found = encoder.encode([each.ids for each in pieces])
    for each, vectors in zip(pieces, found, strict=True):
        ids = torch.tensor([[*encoder._words.head, *each.ids.tolist(), *encoder._words.tail]])
        with torch.inference_mode():
            states = model(input_ids=ids, output_hidden_states=True).hidden_states
        assert len(states) == 5
        np.testing.assert_allclose(vectors, states[3][0, 1:-1].numpy(), atol=1e-4)


def test_the_template_is_the_tokenizers_own(checkpoint, opened):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    encoder, _ = opened
    (pieces,) = encoder.tokenize([("Rais", "Samia")])
    whole = [*encoder._words.head, *pieces.ids.tolist(), *encoder._words.tail]
    assert whole == tokenizer(["Rais", "Samia"], is_split_into_words=True)["input_ids"]


def test_transformers_backend_gives_the_same_pieces_and_vectors(checkpoint, opened):
    from spanbridge_alignment.backends.transformers import TransformersEncoder

    converted, _ = opened
    plain = TransformersEncoder(str(checkpoint), layer=3, threads=1)
    assert plain.window == converted.window
    ours, theirs = plain.tokenize(SENTENCES), converted.tokenize(SENTENCES)
    for left, right in zip(ours, theirs, strict=True):
        assert left.ids.tolist() == right.ids.tolist()
        assert left.words.tolist() == right.words.tolist()
    vectors = plain.encode([each.ids for each in ours])
    for left, right in zip(vectors, converted.encode([each.ids for each in theirs]), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-4)


def test_the_longest_window_fits_the_positions(opened):
    encoder, _ = opened
    longest = np.full(encoder.window, encoder.tokenize([("a",)])[0].ids[0])
    assert encoder.encode([longest])[0].shape == (encoder.window, 16)


@pytest.mark.parametrize("typed", ["</s>", "<s>", "<mask>", "[SEP]", "[CLS]", "[MASK]", "<pad>"])
def test_a_typed_special_token_is_text(opened, typed):
    encoder, folder = opened
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    special = {each["id"] for each in tokenizer["added_tokens"] if each["special"]} - {encoder._words._unknown}
    (pieces,) = encoder.tokenize([("a", typed, "a")])
    assert not special & set(pieces.ids.tolist())
    assert sorted(set(pieces.words.tolist())) == [0, 1, 2]


def test_a_word_that_vanishes_is_unknown(opened):
    encoder, _ = opened
    (pieces,) = encoder.tokenize([("a", "\x01", "\u200b", "a")])
    assert sorted(set(pieces.words.tolist())) == [0, 1, 2, 3]
    assert encoder._words._unknown in pieces.ids[pieces.words == 1]


def test_the_manifest_describes_the_folder(checkpoint, opened):
    _, folder = opened
    manifest = read_manifest(folder, EncoderManifest)
    assert (manifest.name, manifest.licence, manifest.layer, manifest.hidden_size) == ("tiny", "MIT", 3, 16)
    kind = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))["model_type"]
    # XLM-R's 64 position rows serve 62 tokens: they begin after the padding's id 1.
    assert manifest.max_tokens == {"bert": 64, "xlm-roberta": 62}[kind]


def test_converting_twice_gives_the_same_files(checkpoint, opened, tmp_path):
    from spanbridge_alignment.backends.convert import convert

    again = convert(str(checkpoint), tmp_path / "x", layer=3, quantization="float32", licence="MIT", name="tiny")
    first = read_manifest(opened[1], EncoderManifest)
    assert read_manifest(again, EncoderManifest) == first


def test_what_cannot_be_converted_is_refused(checkpoint, tmp_path):
    from spanbridge_alignment.backends.convert import convert

    with pytest.raises(ConfigurationError, match="layers 1 to 4, not 5"):
        convert(str(checkpoint), tmp_path / "deep", layer=5, licence="MIT")
    with pytest.raises(ConfigurationError, match="can't convert"):
        convert(str(checkpoint), tmp_path / "odd", layer=2, quantization="int3", licence="MIT")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("kept")
    with pytest.raises(ConfigurationError, match="not an empty folder"):
        convert(str(checkpoint), tmp_path / "full", layer=2, licence="MIT")
    assert [each.name for each in tmp_path.iterdir()] == ["full"]


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
    pytest.importorskip("transformers")
    from spanbridge_alignment.backends.convert import convert

    with pytest.raises(ConfigurationError, match="can't be loaded"):
        convert(str(tmp_path / "nothing"), tmp_path / "out", licence="MIT")
