"""What a student's answer costs against soft labels; words are at their first sub-words, all else counts nothing."""

from torch import Tensor
from torch.nn import functional

from spanbridge_distillation.recipe import Loss


def distillation_loss(logits: Tensor, words: Tensor, soft: Tensor, weights: Tensor, loss: Loss) -> Tensor:
    """Return the weighted mean over words of `word_losses`.

    `logits` (rows, width, n_tags), `words` (rows, width) numbers of words or -1, `soft` (n_words, n_tags) and `weights`
    (n_words,) by word.
    """
    # Every place counts, most with weight 0: picking the words out would make the host wait for the device.
    chosen = words.clamp(min=0)
    importance = weights[chosen].float() * (words >= 0)
    losses = word_losses(logits, soft[chosen].float(), loss)
    total: Tensor = (losses * importance).sum() / importance.sum().clamp(min=1e-6)
    return total


def word_losses(logits: Tensor, soft: Tensor, loss: Loss) -> Tensor:
    """Return each place's loss (…) for logits and soft labels (…, n_tags), q the student's softmax.

    MSE: Σ_c (q_c - p_c)² / n_tags (Wu et al. 2020). KL: Σ_c p_c·(log p_c - log q_c). CE: -log q of the best tag.
    """
    if loss is Loss.MSE:
        squared: Tensor = (logits.softmax(dim=-1) - soft).square().mean(dim=-1)
        return squared
    log_q = functional.log_softmax(logits, dim=-1)
    if loss is Loss.KL:
        divergence: Tensor = functional.kl_div(log_q, soft, reduction="none").sum(dim=-1)
        return divergence
    best: Tensor = -log_q.gather(-1, soft.argmax(dim=-1, keepdim=True)).squeeze(-1)
    return best
