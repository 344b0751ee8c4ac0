"""Real, small checkpoints: run by transformers, converted, and run by CTranslate2."""

import json
from pathlib import Path

import numpy as np
import pytest

from spanbridge_ner_teacher.backends.convert import convert
from spanbridge_ner_teacher.backends.ctranslate2_teacher import open_ctranslate2
from spanbridge_ner_teacher.backends.token_classifier import TokenClassifier
from spanbridge_ner_teacher.backends.transformers_teacher import open_transformers
from spanbridge_ner_teacher.core.labels import TagScheme
from spanbridge_ner_teacher.core.sentences import Sentence
from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.text.bio import LabelledSpan, spans_of
from tests.support.ner_checkpoint import sentences

pytestmark = pytest.mark.torch
UNSEEN = sentences(seed=99, n=200)


@pytest.fixture(scope="module")
def torch_teacher(checkpoint: Path) -> TokenClassifier:
    return open_transformers(str(checkpoint), threads=1, scheme=TagScheme.AUTO, max_batch_tokens=2048)


@pytest.fixture(scope="module")
def fast_teacher(converted: Path) -> TokenClassifier:
    return open_ctranslate2(str(converted), threads=1, scheme=TagScheme.AUTO, max_batch_tokens=2048)


def tokens_of(*words: str) -> Sentence:
    return Sentence("eng_Latn", tokens=words)


def all_right(teacher: TokenClassifier) -> int:
    found = teacher.entities([tokens_of(*tokens) for tokens, _ in UNSEEN])
    return sum(
        [LabelledSpan(each.span, each.label) for each in entities] == spans_of(tags)
        for entities, (_, tags) in zip(found, UNSEEN, strict=True)
    )


def test_the_checkpoint_has_learnt_names_in_both_languages(torch_teacher: TokenClassifier) -> None:
    assert all_right(torch_teacher) >= 180
    english = Sentence("eng_Latn", text="President Barack Obama visited Nairobi yesterday .")
    swahili = Sentence("swh_Latn", text="Rais Samia Suluhu alitembelea Nairobi jana .")
    found = torch_teacher.entities([english, swahili])
    assert [[(s.cover(e.span), e.label) for e in es] for s, es in zip((english, swahili), found, strict=True)] == [
        [("Barack Obama", "PER"), ("Nairobi", "LOC")],
        [("Samia Suluhu", "PER"), ("Nairobi", "LOC")],
    ]


def test_converted_and_original_agree(torch_teacher: TokenClassifier, fast_teacher: TokenClassifier) -> None:
    batch = [tokens_of(*tokens) for tokens, _ in UNSEEN]
    pairs = zip(torch_teacher.probabilities(batch), fast_teacher.probabilities(batch), strict=True)
    assert max(np.abs(ours - theirs).max() for ours, theirs in pairs) < 1e-4
    assert all_right(fast_teacher) == all_right(torch_teacher)
    assert fast_teacher.card.tags == torch_teacher.card.tags


def test_int8_finds_the_same_entities_nearly_always(checkpoint: Path, tmp_path: Path) -> None:
    folder = convert(str(checkpoint), tmp_path / "int8", licence="MIT")
    teacher = open_ctranslate2(str(folder), threads=1, scheme=TagScheme.AUTO, max_batch_tokens=2048)
    assert teacher.card.languages == ("*",)
    assert all_right(teacher) >= 175


def test_rows_agree_with_transformers_own_reading(checkpoint: Path, fast_teacher: TokenClassifier) -> None:
    """Against the checkpoint's plain forward pass: first sub-words, template and softmax are right."""
    import torch
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    model = AutoModelForTokenClassification.from_pretrained(checkpoint).eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    words = ["Rais", "Samia", "Suluhu", "alitembelea", "Nairobi", "jana", "."]
    encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
    with torch.inference_mode():
        own = model(input_ids=encoded["input_ids"]).logits[0].softmax(-1).double().numpy()
    word_ids = encoded.word_ids(0)
    rows = own[[word_ids.index(place) for place in range(len(words))]]
    columns = fast_teacher._columns
    np.testing.assert_allclose(fast_teacher.probabilities([tokens_of(*words)])[0], columns.fold(rows), atol=1e-4)


def test_batch_equals_single(torch_teacher: TokenClassifier, fast_teacher: TokenClassifier) -> None:
    batch = [tokens_of(*tokens) for tokens, _ in UNSEEN[:24]]
    for teacher in (torch_teacher, fast_teacher):
        for sentence, row in zip(batch, teacher.probabilities(batch), strict=True):
            np.testing.assert_allclose(row, teacher.probabilities([sentence])[0], atol=1e-5)


def test_sentences_beyond_the_models_length_are_labelled_alike_by_both(
    torch_teacher: TokenClassifier, fast_teacher: TokenClassifier
) -> None:
    long = tokens_of(*(token for tokens, _ in UNSEEN[:30] for token in tokens))
    rows = fast_teacher.probabilities([long])[0]
    assert rows.shape == (len(long.tokens or ()), len(fast_teacher.card.tags or ()))
    np.testing.assert_allclose(rows, torch_teacher.probabilities([long])[0], atol=1e-4)


def test_words_like_special_tokens_are_words(fast_teacher: TokenClassifier) -> None:
    encoder = fast_teacher._encoder
    inner = [
        token for word in encoder.encode([["</s>", "[SEP]", "<s>", "<mask>", "[CLS]", "Samia"]])[0] for token in word
    ]
    ends = {*encoder.wrap([])}
    assert inner
    assert not ends & set(inner)
    assert encoder.wrap([[7], [8, 9]]) == [*encoder.wrap([])[:1], 7, 8, 9, *encoder.wrap([])[1:]]


def test_a_word_that_leaves_no_sub_word_is_o(fast_teacher: TokenClassifier) -> None:
    rows = fast_teacher.probabilities([tokens_of("\u200b", "Nairobi")])[0]
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    long = fast_teacher.probabilities([tokens_of("x" * 5000, "Nairobi")])[0]
    assert long.shape[0] == 2


def test_the_manifest_says_what_was_asked(converted: Path, fast_teacher: TokenClassifier) -> None:
    manifest = json.loads((converted / "spanbridge.json").read_text())
    assert manifest["name"] == "tiny"
    assert manifest["licence"] == "MIT"
    assert manifest["max_tokens"] == 64
    assert set(manifest["files"]) >= {"model.bin", "tokenizer.json", "head.npz"}
    assert fast_teacher.card.languages == ("eng_Latn", "swh_Latn")
    assert fast_teacher.card.model_version.startswith("tiny-")


def test_conversion_is_reproducible_and_leaves_the_source_alone(checkpoint: Path, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in checkpoint.iterdir()}
    first, second = (convert(str(checkpoint), tmp_path / each, licence="MIT") for each in ("one", "two"))
    assert (first / "spanbridge.json").read_text() == (second / "spanbridge.json").read_text()
    assert {file.name: file.read_bytes() for file in checkpoint.iterdir()} == before


def test_a_damaged_model_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    folder = convert(str(checkpoint), tmp_path / "damaged", licence="MIT")
    (folder / "head.npz").write_bytes(b"0")
    with pytest.raises(ConfigurationError, match=r"head\.npz is damaged"):
        open_ctranslate2(str(folder), threads=1, scheme=TagScheme.AUTO, max_batch_tokens=64)


def test_an_output_that_exists_is_kept(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="exists"):
        convert(str(checkpoint), tmp_path, licence="MIT")
    assert not list(tmp_path.iterdir())


def test_unnamed_labels_and_untrained_heads_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    from transformers import AutoModel, AutoModelForTokenClassification, AutoTokenizer

    model = AutoModelForTokenClassification.from_pretrained(checkpoint)
    model.config.id2label = {row: f"LABEL_{row}" for row in range(model.config.num_labels)}
    for name, module in (("unnamed", model), ("headless", AutoModel.from_pretrained(checkpoint))):
        module.save_pretrained(tmp_path / name)
        AutoTokenizer.from_pretrained(checkpoint).save_pretrained(tmp_path / name)
    for name, told in (("unnamed", "id2label"), ("headless", "classifier")):
        with pytest.raises(ConfigurationError, match=told):
            open_transformers(str(tmp_path / name), threads=1, scheme=TagScheme.AUTO, max_batch_tokens=64)
        with pytest.raises(ConfigurationError, match=told):
            convert(str(tmp_path / name), tmp_path / f"{name}-out", licence="MIT")
        assert not (tmp_path / f"{name}-out").exists()
