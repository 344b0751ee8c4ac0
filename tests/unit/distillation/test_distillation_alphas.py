"""The learnt weights of teachers of several languages (METHODS.md, "Teacher-student"), against the formula."""

import math

import numpy as np
import pytest

from spanbridge_distillation.alphas import domain_alphas, given_alphas, sentence_alphas
from spanbridge_distillation.faults import DataFault


def test_given_weights_sum_to_one_and_name_every_teacher() -> None:
    assert given_alphas(["transfer", "projection"], {"transfer": 0.6, "projection": 0.2}, 2).tolist() == [
        [pytest.approx(0.75)] * 2,
        [pytest.approx(0.25)] * 2,
    ]
    assert given_alphas(["a", "b"], {}, 1).tolist() == [[0.5], [0.5]]
    with pytest.raises(DataFault, match="llm"):
        given_alphas(["transfer"], {"llm": 1.0}, 1)


def test_alpha_is_the_softmax_of_logits_over_their_variance() -> None:
    # Logits 3, 1, -1: mean 1, variance (4 + 0 + 4) / 3 = 8/3; divided 1.125, .375, -.375.
    raised = [math.exp(1.125), math.exp(0.375), math.exp(-0.375)]
    first = [each / sum(raised) for each in raised]
    assert sentence_alphas(np.array([[3.0, 1.0, -1.0]]))[0].tolist() == pytest.approx(first)
    # The domain's weights are the mean over the target's sentences.
    logits = np.array([[3.0, 1.0, -1.0], [2.0, 2.0, 2.0]])
    assert domain_alphas(logits).tolist() == pytest.approx([(each + 1 / 3) / 2 for each in first])


@pytest.mark.torch
def test_logits_and_loss_reproduce_the_formula() -> None:
    torch = pytest.importorskip("torch")
    from spanbridge_distillation.similarity import LanguageSimilarity, logits_of

    model = LanguageSimilarity(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), rank=2)
    with torch.no_grad():
        model.u.weight.copy_(torch.tensor([[1.0, 1.0], [0.0, 1.0]]))
        model.v.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 0.5]]))
    # U(h) = (1 + 3, 3) = (4, 3); V(μ_0) = (1, 0), V(μ_1) = (0, 1): logits 4 and 3.
    h = np.array([[1.0, 3.0]], np.float32)
    assert logits_of(model, h).tolist() == [[4.0, 3.0]]
    # CE for source 1: log(e⁴ + e³) - 3; MᵀM = diag(1, 4), R = diag(0, 3), ‖R‖²_F = 9.
    wanted = math.log(math.exp(4) + math.exp(3)) - 3 + 0.01 * 9
    assert model.loss(torch.from_numpy(h), torch.tensor([1]), 0.01).item() == pytest.approx(wanted, abs=1e-5)


@pytest.mark.torch
def test_sources_that_look_alike_get_the_weight() -> None:
    pytest.importorskip("torch")
    from spanbridge_distillation.similarity import fit_similarity, logits_of

    rng = np.random.default_rng(0)
    centres = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]], np.float32)
    sources = np.repeat([0, 1], 100)
    vectors = (centres[sources] + rng.normal(0, 0.3, (200, 3))).astype(np.float32)
    model = fit_similarity(vectors, sources, 2, rank=4, steps=200)
    target = (centres[[1] * 50] + rng.normal(0, 0.3, (50, 3))).astype(np.float32)
    alphas = domain_alphas(logits_of(model, target))
    assert alphas[1] > 0.5 > alphas[0]
    assert np.allclose(alphas, domain_alphas(logits_of(fit_similarity(vectors, sources, 2, rank=4, steps=200), target)))
    with pytest.raises(DataFault, match="source 2"):
        fit_similarity(vectors, sources, 3)
