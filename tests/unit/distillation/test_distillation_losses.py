"""The losses, by hand."""

import math

import pytest

torch = pytest.importorskip("torch")

from spanbridge_distillation.losses import distillation_loss, word_losses
from spanbridge_distillation.network import words_dropped
from spanbridge_distillation.recipe import Loss

pytestmark = pytest.mark.torch

# softmax of (log .5, log .3, log .2) is (.5, .3, .2).
LOGITS = torch.tensor([[0.5, 0.3, 0.2]]).log()
SOFT = torch.tensor([[0.2, 0.8, 0.0]])


def test_values() -> None:
    assert float(word_losses(LOGITS, SOFT, Loss.MSE)) == pytest.approx((0.09 + 0.25 + 0.04) / 3)
    kl = 0.2 * math.log(0.2 / 0.5) + 0.8 * math.log(0.8 / 0.3)
    assert float(word_losses(LOGITS, SOFT, Loss.KL)) == pytest.approx(kl, rel=1e-5)
    assert float(word_losses(LOGITS, SOFT, Loss.CE)) == pytest.approx(-math.log(0.3), rel=1e-5)


@pytest.mark.parametrize("loss", list(Loss))
def test_only_first_subwords_count_and_by_weight(loss: Loss) -> None:
    logits = LOGITS.expand(1, 4, 3).clone()
    logits[0, 1] = 7.0  # Inside a word.
    words = torch.tensor([[0, -1, 1, 2]])
    soft = torch.tensor([[0.2, 0.8, 0.0], [0.5, 0.3, 0.2], [0.0, 0.0, 1.0]])
    weights = torch.tensor([3.0, 1.0, 0.0])
    single = word_losses(LOGITS.expand(3, 3), soft, loss)
    found = distillation_loss(logits, words, soft, weights, loss)
    assert float(found) == pytest.approx(float((3 * single[0] + single[1]) / 4), rel=1e-5)


def test_a_dropped_word_loses_all_its_subwords_and_no_special_one() -> None:
    torch.manual_seed(0)
    ids = torch.tensor([[0, 10, 11, 12, 13, 2, 1]])
    words = torch.tensor([[-1, 0, -1, 1, 2, -1, -1]])
    assert words_dropped(ids, words, 3, 1, 1.0).tolist() == [[0, 3, 3, 3, 13, 2, 1]]
    assert words_dropped(ids, words, 3, 1, 0.0).tolist() == ids.tolist()
    seen = {tuple(words_dropped(ids, words, 3, 1, 0.5)[0, 1:3].tolist()) for _ in range(30)}
    assert seen == {(10, 11), (3, 3)}
