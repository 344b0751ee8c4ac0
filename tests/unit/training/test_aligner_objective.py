"""The objective reads links as the service does, and padding changes nothing. Needs torch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch comes with the training extra")
pytest.importorskip("tokenizers", reason="tokenizers come with the training extra")

from training.aligner.objective import (
    Words,
    centred,
    consistency_loss,
    cosines,
    distillation_loss,
    link_loss,
    mutual,
    pooled,
)
from training.encoder.links import argmax_intersection, similarity, word_vectors

SIZE = 6


def sides(seed: int, n_source: int, n_target: int, padding: int = 0) -> tuple[Words, Words]:
    generator = torch.Generator().manual_seed(seed)
    found = []
    for n_words in (n_source, n_target):
        vectors = torch.randn(1, n_words, SIZE, generator=generator)
        present = torch.ones(1, n_words, dtype=torch.bool)
        vectors = torch.nn.functional.pad(vectors, (0, 0, 0, padding))
        found.append(centred(Words(vectors, torch.nn.functional.pad(present, (0, padding)))))
    return found[0], found[1]


def test_words_are_the_mean_of_their_sub_words() -> None:
    word_ids = [None, 0, 0, 1, 2, None]
    hidden = torch.randn(1, 6, SIZE, generator=torch.Generator().manual_seed(3))
    words = pooled(hidden, torch.tensor([[-1 if word is None else word for word in word_ids]]), 4)
    assert words.present.tolist() == [[True, True, True, False]]
    np.testing.assert_allclose(words.vectors[0, :3].numpy(), word_vectors(hidden[0].numpy(), word_ids, 3), atol=1e-6)
    assert not words.vectors[0, 3].any()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("padding", [0, 3])
def test_links_are_those_that_the_recipe_of_the_service_reads(seed: int, padding: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    raw = [torch.randn(n, SIZE, generator=generator) for n in (5, 4)]
    padded = [torch.nn.functional.pad(each, (0, 0, 0, padding))[None] for each in raw]
    present = [torch.arange(each.shape[1])[None] < n for each, n in zip(padded, (5, 4), strict=True)]
    source, target = (centred(Words(each, here)) for each, here in zip(padded, present, strict=True))
    found = {(i, j) for _, i, j in mutual(cosines(source, target)).nonzero().tolist()}
    assert found == argmax_intersection(similarity(raw[0].numpy(), raw[1].numpy()))


@pytest.mark.parametrize("seed", range(3))
def test_padding_changes_no_loss(seed: int) -> None:
    figures = []
    for padding in (0, 4):
        source, target = sides(seed, 3, 4, padding)
        links = torch.zeros(1, 3 + padding, 4 + padding, dtype=torch.bool)
        links[0, 0, 1] = links[0, 2, 3] = True
        weights = torch.ones(1, 3 + padding), torch.ones(1, 4 + padding)
        found = cosines(source, target)
        figures.append(
            [
                link_loss(found, links, weights, 0.1).item(),
                consistency_loss(found, 0.1).item(),
                distillation_loss(source, Words(-source.vectors, source.present), weights[0]).item(),
            ]
        )
    assert figures[0] == pytest.approx(figures[1], abs=1e-5)


def test_the_loss_of_links_is_low_where_they_win_and_ignores_unlinked_words() -> None:
    found = torch.tensor([[[0.9, 0.0, 0.0], [0.0, 0.0, 0.9]]])
    weights = torch.ones(1, 2), torch.ones(1, 3)
    right = torch.tensor([[[True, False, False], [False, False, False]]])
    wrong = torch.tensor([[[False, True, False], [False, False, False]]])
    assert link_loss(found, right, weights, 0.1) < 0.001
    assert link_loss(found, wrong, weights, 0.1) > 4
    both = right | wrong
    assert link_loss(found, both, (weights[0], weights[1] * torch.tensor([1.0, 0.0, 1.0])), 0.1) < 0.001


def test_a_heavier_word_counts_more() -> None:
    found = torch.tensor([[[0.9, 0.0], [0.9, 0.0]]])
    links = torch.tensor([[[True, False], [False, True]]])
    losses = [
        link_loss(found, links, (torch.tensor([weights]), torch.ones(1, 2)), 0.1)
        for weights in ([3.0, 1.0], [1.0, 3.0])
    ]
    assert losses[0] < losses[1]


def test_agreement_of_both_directions_lowers_the_consistency_loss() -> None:
    agreed = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    torn = torch.tensor([[[1.0, 0.9], [0.0, 0.0]]])
    assert consistency_loss(agreed, 0.1) < 0.01 < consistency_loss(torn, 0.1)


def test_the_teacher_s_own_vectors_cost_nothing() -> None:
    source, _ = sides(1, 4, 4)
    assert distillation_loss(source, source, torch.ones(1, 4)).item() == pytest.approx(0, abs=1e-5)
