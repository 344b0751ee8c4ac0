"""An alignment head: word links as a second task of one attention head (Garg et al. 2019, arXiv 1909.02074).

CTranslate2 answers with the attention of head 0 of the decoder's last layer, so that head learns to look at the words
that a statistical aligner linked with the one that is being written.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import M2M100Model

from training.nmt.layout import PAD_ID

_NOWHERE = -1e9


class TappedBody(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """The network's body, which also gives what its last cross-attention reads.

    The queries are caught by a hook: so no layer has to give its attention, and the fast kernels stay in use.
    """

    def __init__(self, model: M2M100Model) -> None:
        super().__init__()
        self.model = model
        self._caught: list[Tensor] = []
        attention = model.decoder.layers[-1].encoder_attn
        attention.register_forward_pre_hook(self._catch, with_kwargs=True)

    def _catch(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._caught.append(args[0] if args else kwargs["hidden_states"])

    def forward(self, source: Tensor, decoder_input: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give the decoder's output, the input of its last cross-attention, and the encoder's output."""
        self._caught.clear()
        output = self.model(
            input_ids=source,
            attention_mask=(source != PAD_ID).long(),
            decoder_input_ids=decoder_input,
            use_cache=False,
        )
        queries = self._caught.pop()
        return output.last_hidden_state, queries, output.encoder_last_hidden_state


def link_distribution(target_groups: Tensor, source_groups: Tensor, cells: Tensor) -> Tensor:
    """Which source tokens each label is linked to, (n, width, width), 0 or 1; arguments as in `batches.Guide`.

    >>> groups = torch.tensor([[3, 0, 0, 3]]), torch.tensor([[3, 0, 1, 3]])
    >>> link_distribution(*groups, torch.tensor([1]))[0].tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    rows, width = target_groups.shape
    table = torch.zeros(rows * width * width, device=cells.device)
    table.index_fill_(0, cells, 1.0)
    owner = torch.arange(rows, device=cells.device)[:, None, None]
    return table.view(rows, width, width)[owner, target_groups[:, :, None], source_groups[:, None, :]]


def head_attention(model: M2M100Model, queries: Tensor, memory: Tensor, source: Tensor) -> Tensor:
    """Logarithms of what head 0 of the last cross-attention looks at, (n, width, width) in float32, padding left out.

    A row belongs to the step that predicts the label there, a column to a source token.
    """
    attention = model.decoder.layers[-1].encoder_attn
    size = attention.head_dim
    query, key = (
        nn.functional.linear(states, projection.weight[:size], projection.bias[:size])
        for states, projection in ((queries, attention.q_proj), (memory, attention.k_proj))
    )
    scores = (query @ key.transpose(1, 2)).float() * attention.scaling
    return nn.functional.log_softmax(scores.masked_fill((source == PAD_ID)[:, None, :], _NOWHERE), dim=-1)


def guide_loss(model: M2M100Model, source: Tensor, queries: Tensor, memory: Tensor, guide: Sequence[Tensor]) -> Tensor:
    """Cross-entropy between head 0 and the links, each label's in equal shares, the mean over labels that have some.

    `guide` holds the tensors of `batches.Guide`, `source` the whole batch.
    """
    rows, target_groups, source_groups, cells = guide
    log_attention = head_attention(model, *(each.index_select(0, rows) for each in (queries, memory, source)))
    linked = link_distribution(target_groups, source_groups, cells)
    each = linked.sum(dim=-1)
    losses = -(linked * log_attention).sum(dim=-1) / each.clamp(min=1.0)
    return losses.sum() / (each > 0).sum().clamp(min=1)
