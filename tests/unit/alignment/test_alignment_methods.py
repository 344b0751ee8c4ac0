"""Link weights of each method: worked examples, properties, and simalign's own answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spanbridge_alignment.backends.stub import StubEncoder
from spanbridge_alignment.core.agreement import argmax_weights, itermax_weights
from spanbridge_alignment.core.matching import match_weights
from spanbridge_alignment.core.methods import (
    EncodedSentence,
    WordPair,
    encoded_pair,
    link_weights,
    links,
    reads_attention,
    rounded_rows,
    word_similarity,
)
from spanbridge_alignment.core.softmax import softmax_weights
from spanbridge_shared.contracts.alignment import AlignMethod, AlignOptions


def distinct_similarities(min_value=-1.0):
    """Matrices without ties: a tie goes to the first word, which is another one after swapping the sides."""
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=7)

    def fill(shape):
        cells = shape[0] * shape[1]
        spaced = np.linspace(min_value, 1, cells + 2, dtype=np.float32)[1:-1]
        return st.permutations(range(cells)).map(lambda order: spaced[list(order)].reshape(shape))

    return shapes.flatmap(fill)


def encode(words):
    stub = StubEncoder()
    (pieces,) = stub.tokenize([tuple(words)])
    return EncodedSentence(stub.encode([pieces.ids])[0], pieces.words)


def weights_of(method, source, target, attention=None):
    words = WordPair(tuple(source), tuple(target), attention)
    encoded = encoded_pair(encode(source), encode(target))
    return link_weights(method, AlignOptions(), words, encoded, softmax_scale=8.0)


def test_argmax_weighs_mutual_and_one_sided_links():
    cosines = np.float32([[0.9, 0.5, 0.2], [0.8, 0.3, 0.1], [0.0, 0.1, 0.3]])
    # Row 1 and column 1 propose (1, 0) and (0, 1) alone; row 2 and column 2 agree.
    assert argmax_weights(cosines, 0.5, 0.35).tolist() == [[1, 0.5, 0], [0.5, 0, 0], [0, 0, 1]]
    assert argmax_weights(cosines, 0.5, 0.6).tolist() == [[1, 0, 0], [0.5, 0, 0], [0, 0, 1]]
    assert argmax_weights(cosines, 0, -1).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_argmax_takes_a_similarity_equal_to_the_least():
    assert argmax_weights(np.float32([[0.75, 0.5]]), 0.25, 0.5).tolist() == [[1, 0.25]]


def test_itermax_discounts_words_that_are_linked_already():
    cosines = np.float32([[0.9, 0.6, -0.2], [0.0, -0.6, 0.7], [-0.2, -0.9, 0.5]])
    # Round 2, mapped to [0, 1]: row 2 is free and best at column 2 (.75·.9), whose other rows are linked and count 0;
    # column 1 is free and best at row 0 (.8·.9), which has nothing better left.
    np.testing.assert_allclose(itermax_weights(cosines, 2, 0.9), [[1, 0.9, 0], [0, 0, 1], [0, 0, 0.9]], rtol=1e-6)
    closer = np.float32([[0.9, -0.9, -0.2], [0.0, -0.6, 0.7], [-0.2, 0.4, 0.5]])
    found = itermax_weights(closer, 2, 0.5)
    # Row 2 and column 1 are both free: .7·1 beats .75·.5.
    assert found.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0.5, 0]]


def test_itermax_without_discounted_rounds_is_the_intersection():
    cosines = np.random.default_rng(0).uniform(-1, 1, (8, 9)).astype(np.float32)
    assert np.array_equal(itermax_weights(cosines, 1, 0.9), argmax_weights(cosines, 0, 1))
    assert np.array_equal(itermax_weights(cosines, 5, 0), argmax_weights(cosines, 0, 1))


def test_match_prefers_the_sum_and_leaves_negative_pairs_out():
    # .5 + .5 beats .75 + .125.
    assert match_weights(np.float32([[0.75, 0.5], [0.5, 0.125]])).tolist() == [[0, 0.5], [0.5, 0]]
    assert match_weights(np.float32([[0.75, -0.5], [-0.5, -0.25]])).tolist() == [[1, 0], [0, 0]]


def test_softmax_links_words_by_their_best_sub_words():
    source = np.float32([[3, 0], [0, 3], [0, 3]])
    target = np.float32([[3, 0], [0, 3]])
    found = softmax_weights(source, target, np.array([0, 0, 1]), np.array([0, 1]), 0.001)
    exp = np.exp(-9)
    one = 1 / (1 + exp)  # over the two target pieces, in every row
    column = 1 / (2 + exp)  # over three source pieces, two alike
    alone = 1 / (1 + 2 * exp)
    np.testing.assert_allclose(found, [[(one + alone) / 2, (one + column) / 2], [0, (one + column) / 2]], rtol=1e-5)


def test_softmax_threshold_holds_in_both_directions():
    products = np.float32([[1], [1], [1], [1]])
    words = np.arange(4)
    assert softmax_weights(products, products[:1], words, words[:1], 0.2).tolist() == [[0.625]] * 4
    assert softmax_weights(products, products[:1], words, words[:1], 0.3).tolist() == [[0]] * 4


@given(distinct_similarities())
def test_swapping_the_sides_transposes_the_links(cosines):
    for weigh in (
        lambda each: argmax_weights(each, 0.4, 0.35),
        lambda each: itermax_weights(each, 3, 0.9),
        lambda each: argmax_weights(each, 0, 0),
    ):
        assert np.array_equal(weigh(cosines).T, weigh(np.ascontiguousarray(cosines.T)))
    # Matchings of equal weight may differ; their weight may not.
    gains = np.maximum(cosines, 0)
    forward, backward = match_weights(cosines), match_weights(np.ascontiguousarray(cosines.T))
    np.testing.assert_allclose(gains[forward > 0].sum(), gains.T[backward > 0].sum(), rtol=1e-5)


@given(st.lists(st.text("abcdefghijk", min_size=1, max_size=8), min_size=1, max_size=8, unique=True))
def test_identical_sentences_of_distinct_words_align_diagonally(words):
    encoded = encode(words)
    for method in (AlignMethod.ARGMAX, AlignMethod.ITERMAX, AlignMethod.MATCH):
        weights = weights_of(method, words, words)
        sure = {(i, j) for i, j, weight in links(weights) if weight == 1}
        vectors = {tuple(row) for row in np.round(word_similarity(encoded, encoded), 5)}
        if len(vectors) == len(words):  # "aaaa" and "aaaaa" may hash alike; then either may be the first.
            assert sure == {(place, place) for place in range(len(words))}


@given(distinct_similarities())
def test_weights_lie_in_0_to_1_and_a_matching_links_each_word_once(cosines):
    for weights in (argmax_weights(cosines, 0.4, 0.35), itermax_weights(cosines, 4, 0.9), match_weights(cosines)):
        assert weights.min() >= 0
        assert weights.max() <= 1
    matched = match_weights(cosines) > 0
    assert matched.sum(axis=0).max() <= 1
    assert matched.sum(axis=1).max() <= 1


@given(distinct_similarities(min_value=0.05))
def test_the_links_are_those_of_simalign(cosines):
    pytest.importorskip("torch")
    simalign = pytest.importorskip("simalign")
    aligner = simalign.SentenceAligner
    mapped = (cosines + 1) / 2
    forward, backward = aligner.get_alignment_matrix(mapped)
    assert np.array_equal(argmax_weights(cosines, 0, 0) > 0, forward * backward > 0)
    for rounds in (2, 3):
        assert np.array_equal(itermax_weights(cosines, rounds, 0.9) > 0, aligner.iter_max(mapped, rounds) > 0)
    matched = match_weights(cosines) > 0
    theirs = aligner.get_max_weight_match(mapped) > 0
    np.testing.assert_allclose(cosines[matched].sum(), cosines[theirs].sum(), rtol=1e-5)


def test_links_are_sorted_rounded_and_never_weightless():
    weights = np.float32([[0, 0.4], [1, 4e-7]])
    assert links(weights) == [(0, 1, 0.4), (1, 0, 1.0)]
    assert str(rounded_rows(np.float32([[-1e-9]])).tolist()) == "[[0.0]]"


def test_every_method_reads_the_pair():
    source, target = ["Samia", "visited", "Nairobi"], ["alitembelea", "Nairobi", "Samia"]
    attention = np.float32([[0, 0.25, 0.5], [0.5, 0.25, 0.25], [0, 0.75, 0.25]])
    for method in AlignMethod:
        found = {(i, j) for i, j, _ in links(weights_of(method, source, target, attention))}
        assert {(0, 2), (2, 1)} <= found, method


def test_a_method_without_what_it_rests_on_is_a_fault():
    words = WordPair(("a",), ("b",))
    for method in AlignMethod:
        with pytest.raises(ValueError, match=str(method)):
            link_weights(method, AlignOptions(), words, None, softmax_scale=8.0)


@pytest.mark.parametrize("method", list(AlignMethod))
def test_who_reads_attention(method):
    assert reads_attention(method, AlignOptions()) is (method in (AlignMethod.ATTENTION, AlignMethod.FUSED))
    assert reads_attention(method, AlignOptions(weight_attention=0)) is (method is AlignMethod.ATTENTION)
    other = weights_of(method, ["a", "b"], ["c", "d"], np.float32([[0, 1], [1, 0]]))
    same = np.array_equal(other, weights_of(method, ["a", "b"], ["c", "d"], np.float32([[1, 0], [0, 1]])))
    assert same is not reads_attention(method, AlignOptions())
