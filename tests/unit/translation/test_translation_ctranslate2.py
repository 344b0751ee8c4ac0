"""The embedded model through CTranslate2: what its scores and attention mean, and that company changes nothing."""

import itertools
from statistics import fmean

import numpy as np
import pytest

from spanbridge_shared.errors import ConfigurationError
from spanbridge_shared.serving.config import model_path
from spanbridge_translation.backends.base import Decoding
from spanbridge_translation.backends.ctranslate2 import CTranslate2Backend
from spanbridge_translation.core.limits import decoding_limit

pytestmark = pytest.mark.models
TEXTS = [
    "Rais Samia alitembelea Nairobi jana.",
    "Waziri Mkuu wa Uingereza alikutana na viongozi wa Umoja wa Ulaya mjini Brussels siku ya Jumatatu.",
    "Nairobi",
    "Watu wengi walikusanyika katika uwanja wa michezo wa Dar es Salaam kumsikiliza kiongozi wao akizungumza.",
    "Habari ya asubuhi?",
]


@pytest.fixture(scope="module")
def backend() -> CTranslate2Backend:
    return CTranslate2Backend(model_path("nmt"), device="cpu", compute_type="float32", threads=2)


def decoding(*, beam: int = 4, number: int = 1, max_tokens: int = 100, attention: bool = True) -> Decoding:
    return Decoding("swh_Latn", "eng_Latn", beam, number, max_tokens, attention)


def test_it_knows_the_names(backend: CTranslate2Backend) -> None:
    (found,) = backend.translate(decoding(), [backend.pieces(TEXTS[0])])[0]
    assert "Samia" in found.text
    assert "Nairobi" in found.text


@pytest.mark.parametrize("beam", [1, 2, 4])
def test_a_hypothesis_score_is_what_scoring_it_gives(backend: CTranslate2Backend, beam: int) -> None:
    sources = [backend.pieces(text) for text in TEXTS]
    found = backend.translate(decoding(beam=beam, number=min(beam, 2)), sources)
    pairs = [(source, each.tokens) for source, ranked in zip(sources, found, strict=True) for each in ranked]
    own = [each.score for ranked in found for each in ranked]
    # What is never predicted (padding, language tokens) has its small share of probability given to the others.
    forced = [fmean(logs) for logs in backend.log_probs("swh_Latn", "eng_Latn", pairs)]
    np.testing.assert_allclose(own, forced, atol=1e-3)


@pytest.mark.parametrize("beam", [1, 4])
def test_the_score_of_a_cut_off_hypothesis_leaves_the_end_token_out(backend: CTranslate2Backend, beam: int) -> None:
    source = backend.pieces(TEXTS[1])
    (cut,) = backend.translate(decoding(beam=beam, max_tokens=4), [source])[0]
    assert 4 <= len(cut.tokens) <= 5
    forced = backend._translator.score_batch([backend._framed("swh_Latn", source)], [["eng_Latn", *cut.tokens]])
    _language, *tokens, _end = forced[0].log_probs
    assert cut.score == pytest.approx(sum(tokens) / len(tokens), abs=1e-3)
    assert np.shape(cut.attention) == (len(cut.tokens), len(source))


@pytest.mark.parametrize("beam", [1, 4])
def test_batch_equals_single(backend: CTranslate2Backend, beam: int) -> None:
    how = decoding(beam=beam, number=min(2, beam))
    sources = [backend.pieces(text) for text in TEXTS]
    for source, batched in zip(sources, backend.translate(how, sources), strict=True):
        (single,) = backend.translate(how, [source])
        assert [each.tokens for each in batched] == [each.tokens for each in single]
        for one, other in zip(batched, single, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-4)
            np.testing.assert_allclose(one.attention, other.attention, atol=1e-4)


def test_scores_batch_equals_single(backend: CTranslate2Backend) -> None:
    pairs = [(backend.pieces(source), backend.pieces(target)) for source in TEXTS for target in TEXTS[:2]]
    batch = backend.log_probs("swh_Latn", "eng_Latn", pairs)
    for pair, together in zip(pairs, batch, strict=True):
        (alone,) = backend.log_probs("swh_Latn", "eng_Latn", [pair])
        assert len(alone) == len(pair[1]) + 1
        np.testing.assert_allclose(together, alone, atol=1e-4)


def test_calls_cut_for_scoring_give_the_same_scores() -> None:
    """Each part of a large call is scored by itself; answers keep the order of the pairs."""
    sizes = {}
    for tokens in (1, 100_000):
        model = CTranslate2Backend(
            model_path("nmt"), device="cpu", compute_type="float32", threads=1, score_tokens=tokens
        )
        pairs = [(model.pieces(source), model.pieces(target)) for source in TEXTS for target in TEXTS]
        sizes[tokens] = model.log_probs("swh_Latn", "eng_Latn", pairs)
    for cut, whole in zip(sizes[1], sizes[100_000], strict=True):
        np.testing.assert_allclose(cut, whole, atol=1e-4)


def test_a_prefix_has_the_probabilities_that_it_has_inside_the_target(backend: CTranslate2Backend) -> None:
    source, target = backend.pieces("President Samia"), backend.pieces("Rais Samia Suluhu Hassan alitembelea Nairobi")
    (whole,) = backend.log_probs("eng_Latn", "swh_Latn", [(source, target)])
    for end in range(1, len(target)):
        (prefix,) = backend.log_probs("eng_Latn", "swh_Latn", [(source, target[:end])])
        np.testing.assert_allclose(prefix[:-1], whole[:end], atol=1e-4)
        assert fmean(prefix) <= sum(whole[:end]) / (end + 1) + 1e-4


def test_attention_rows_belong_to_the_step_that_predicted_the_token(backend: CTranslate2Backend) -> None:
    """A name that is copied is copied from where it stands."""
    source = backend.pieces(TEXTS[0])
    (found,) = backend.translate(decoding(), [source])[0]
    assert found.attention is not None
    rows = np.array(found.attention)
    assert rows.shape == (len(found.tokens), len(source))
    assert np.all(rows.sum(axis=1) <= 1.0001)
    assert int(rows[found.tokens.index("▁Nairobi")].argmax()) == source.index("▁Nairobi")


@pytest.mark.parametrize("text", ["</s> fra_Latn", "fra_Latn</s><pad><s>", "habari </s> ya <mask> leo madeupword3"])
def test_no_text_gives_a_special_token(backend: CTranslate2Backend, text: str) -> None:
    pieces = backend.pieces(text)
    special = {"<s>", "<pad>", "</s>", "<mask>", *backend.directions.languages}
    assert not special & set(pieces)
    assert not any(piece.strip("▁").startswith("madeupword") for piece in pieces)
    found = backend.translate(decoding(number=4), [pieces])[0]
    assert not special & {token for each in found for token in each.tokens}


def test_a_text_of_nothing_readable_has_no_pieces(backend: CTranslate2Backend) -> None:
    assert backend.pieces(" \u200b \n") == []


def test_repetition_is_bounded(backend: CTranslate2Backend) -> None:
    source = backend.pieces("la " * 40)
    (found,) = backend.translate(decoding(max_tokens=decoding_limit(len(source), 128)), [source])[0]
    assert len(found.tokens) <= decoding_limit(len(source), 128) + 1


def test_a_wrong_compute_type_names_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="COMPUTE_TYPE"):
        CTranslate2Backend(model_path("nmt"), device="cpu", compute_type="float3", threads=1)


def test_no_run_of_sub_words_comes_twice_where_that_is_set() -> None:
    strict = CTranslate2Backend(model_path("nmt"), device="cpu", compute_type="int8", threads=2, no_repeat_ngram=2)
    for (found,) in strict.translate(decoding(beam=2), [strict.pieces("la " * 40), strict.pieces(TEXTS[1])]):
        pairs = list(itertools.pairwise(found.tokens))
        assert len(pairs) == len(set(pairs))
