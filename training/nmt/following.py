"""A decoder of fewer layers that learns to give what the whole one gives (a hidden-state loss, as TinyBERT's).

Both read the same frozen encoder, and their output goes through the same frozen matrix. So a distance of the outputs
stands for that of the probabilities, without the products with a whole vocabulary that this costs: it is the way to
begin, on a CPU above all.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import M2M100ForConditionalGeneration

from training.nmt.errors import StageError
from training.nmt.layout import PAD_ID
from training.nmt.recipe import TrainRecipe

_FLOOR = 0.01
_SHARED = ("model.encoder", "model.shared")


def freeze(network: M2M100ForConditionalGeneration, prefixes: tuple[str, ...]) -> None:
    """Let the parameters under these prefixes not learn; raises StageError for one that names none."""
    names = [name for name, _ in network.named_parameters()]
    if unknown := [prefix for prefix in prefixes if not any(name.startswith(prefix) for name in names)]:
        raise StageError(f"[train] frozen: no parameter begins with {', '.join(unknown)}")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(prefixes))


class Leader:
    """The decoder that is followed, which computes and doesn't learn."""

    def __init__(self, folder: Path | None, recipe: TrainRecipe, counts: Tensor, device: torch.device) -> None:
        """Read the network of a warm start; raises StageError without one, and where what both share may learn."""
        if folder is None:
            raise StageError("[train] follow wants a network to follow: give --warm-start")
        if not all(shared.startswith(recipe.frozen) for shared in _SHARED):
            raise StageError(f"[train] follow wants {' and '.join(_SHARED)} frozen: both decoders read them")
        network = M2M100ForConditionalGeneration.from_pretrained(folder)
        self._decoder: Any = network.model.decoder.to(device).eval()
        self._metric = output_metric(network.lm_head.weight, counts).to(device)

    def loss(self, hidden: Tensor, source: Tensor, decoder_input: Tensor, memory: Tensor, counted: Tensor) -> Tensor:
        """How far `hidden` (rows, width, d_model) is from its own output: `following_loss`."""
        wanted = self.output(source, decoder_input, memory)
        with torch.autocast(hidden.device.type, enabled=False):
            return following_loss(hidden, wanted, counted, self._metric)

    def probability_loss(
        self, head: Any, hidden: Tensor, source: Tensor, decoder_input: Tensor, memory: Tensor, counted: Tensor
    ) -> Tensor:
        """How far the probabilities of `hidden` through the frozen `head` are from its own: `divergence`."""
        wanted = self.output(source, decoder_input, memory)
        found, own = (head(each.flatten(0, 1).index_select(0, counted)) for each in (hidden, wanted))
        return divergence(found, own)

    @torch.no_grad()  # type: ignore[untyped-decorator]  # torch is untyped here
    def output(self, source: Tensor, decoder_input: Tensor, memory: Tensor) -> Tensor:
        """Its output (rows, width, d_model) for an encoder's output `memory`."""
        found: Tensor = self._decoder(
            input_ids=decoder_input,
            encoder_hidden_states=memory,
            encoder_attention_mask=(source != PAD_ID).long(),
            use_cache=False,
        ).last_hidden_state
        return found


def output_metric(embeddings: Tensor, counts: Tensor) -> Tensor:
    """Return L (d_model, d_model) such that the length of a change of the output, times L, is what it changes.

    To the second order, a change d of the output moves the probabilities by a Kullback-Leibler divergence of half the
    variance of the logits' changes, W d. Taken under the tokens' frequencies, `counts` (vocabulary,), that is d' G d
    with G the covariance of the rows of W, `embeddings` (vocabulary, d_model); L is its Cholesky factor. A hundredth of
    its mean variance is added in all directions, so that rare tokens aren't forgotten.
    """
    shares = (counts.double() + 1) / (counts.double() + 1).sum()
    rows = embeddings.detach().double()
    centred = rows - (shares[:, None] * rows).sum(dim=0)
    covariance = centred.T @ (shares[:, None] * centred)
    floor = _FLOOR * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=torch.float64)
    return torch.linalg.cholesky(covariance + floor.to(covariance.device)).float()


def following_loss(hidden: Tensor, wanted: Tensor, counted: Tensor, metric: Tensor) -> Tensor:
    """Mean squared distance of outputs (rows, width, d_model) at the places `counted` (n,), as a share of the variance.

    Distances are taken after `metric` (d_model, d_model), of `output_metric`.

    >>> wanted = torch.tensor([[[1.0, -1.0], [-1.0, 1.0]]])
    >>> following_loss(torch.zeros(1, 2, 2), wanted, torch.tensor([0, 1]), torch.eye(2)).item()
    1.0
    """
    found, wanted = (each.flatten(0, 1).index_select(0, counted).float() @ metric for each in (hidden, wanted))
    return (found - wanted).square().mean() / wanted.var(dim=0, correction=0).mean()


def divergence(logits: Tensor, wanted: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence of the probabilities of `logits` (n, vocabulary) from those that `wanted` gives.

    Word-level knowledge distillation; Kim & Rush (2016, arXiv 1606.07947).

    >>> divergence(torch.zeros(1, 2), torch.log(torch.tensor([[0.5, 0.5]]))).item()
    0.0
    """
    logs, wanted_logs = logits.float().log_softmax(dim=-1), wanted.float().log_softmax(dim=-1)
    return nn.functional.kl_div(logs, wanted_logs, reduction="batchmean", log_target=True)
