"""What every encoder must do, whichever it is."""

import numpy as np
import pytest

from spanbridge_alignment.backends import open_backend
from spanbridge_alignment.backends.stub import StubEncoder
from spanbridge_alignment.settings import AlignmentSettings, BackendKind
from spanbridge_shared.errors import ConfigurationError

SENTENCES = [
    ("Rais", "Samia", "alitembelea", "Nairobi", "."),
    ("\u200b", "a", "\x01", "\u00ad"),
    ("</s>", "<s>", "[SEP]", "<unk>", "<mask>"),
    ("שלום", "עולם", "🙂", "👩‍👩‍👧", "e\u0323\u0301", "አዲስ", "中文"),
    ("a",),
    ("x" * 3000,),
]


@pytest.fixture(scope="module", params=["stub", pytest.param("ctranslate2", marks=pytest.mark.models)])
def backend(request):
    return open_backend(AlignmentSettings(backend=request.param, threads=2))


def test_every_token_has_pieces_in_order(backend):
    for tokens, pieces in zip(SENTENCES, backend.tokenize(SENTENCES), strict=True):
        assert pieces.ids.shape == pieces.words.shape
        assert (np.diff(pieces.words) >= 0).all()
        assert sorted(set(pieces.words.tolist())) == list(range(len(tokens)))


def test_a_tokens_pieces_do_not_depend_on_its_neighbours(backend):
    for tokens, pieces in zip(SENTENCES, backend.tokenize(SENTENCES), strict=True):
        alone = [each.ids.tolist() for each in backend.tokenize([(token,) for token in tokens])]
        assert [number for each in alone for number in each] == pieces.ids.tolist()


def test_vectors_match_the_pieces_and_do_not_depend_on_the_batch(backend):
    windows = [each.ids[: backend.window] for each in backend.tokenize(SENTENCES)]
    twins = [windows[0], windows[0][::-1].copy()]
    together, (alone,) = backend.encode(twins), backend.encode(twins[:1])
    assert np.array_equal(together[0], alone)
    for ids, vectors in zip(windows, backend.encode(windows), strict=True):
        assert vectors.shape[0] == len(ids)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()


def test_a_full_window_is_taken(backend):
    ids = np.resize(backend.tokenize(SENTENCES[:1])[0].ids, backend.window)
    assert len(backend.encode([ids])[0]) == backend.window


def test_the_model_version_is_stable(backend):
    assert backend.model_version
    again = open_backend(AlignmentSettings(backend=_kind(backend), threads=1))
    assert again.model_version == backend.model_version


def _kind(backend):
    return BackendKind.STUB if isinstance(backend, StubEncoder) else BackendKind.CTRANSLATE2


def test_stub_finds_words_spelled_alike_more_alike():
    stub = StubEncoder()
    vectors = [
        stub.encode([each.ids])[0].mean(axis=0) for each in stub.tokenize([("Nairobi",), ("Nairobia",), ("jana",)])
    ]
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_a_model_that_is_not_there_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigurationError, match=r"spanbridge\.json"):
        open_backend(AlignmentSettings(model=str(tmp_path)))
