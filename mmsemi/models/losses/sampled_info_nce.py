from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class SampledInfoNCE(torch.autograd.Function):
    """InfoNCE of anchors against rows of a table, of each anchor its own.

        L_i = -s_i+ + log(e^s_i+ + sum over n of e^s_in)

    Only anchors have a gradient, so it is computed along with the loss,
    piece by piece: the rows of all anchors together, 275 MB in U2PL, are
    never held, and none is read twice.

    Args of ``apply``: anchors and positives (A, D) of length 1, places of
    the negatives in the table (A, N) int64, the table (T, D), one factor
    for each of its rows (T, ) that makes its length 1, all float32, and the
    temperature. Returns the losses (A, ).
    """

    @staticmethod
    def forward(
        ctx: Any,
        anchors: Tensor,
        positives: Tensor,
        places: Tensor,
        table: Tensor,
        scales: Tensor,
        temperature: float,
    ) -> Tensor:
        losses = anchors.new_empty(len(anchors))
        gradient = torch.empty_like(anchors)
        # On a CPU a piece should fit its cache; a GPU wants much at once.
        piece = 64 if anchors.device.type == 'cpu' else 2048
        for start in range(0, len(anchors), piece):
            part = slice(start, start + piece)
            anchor, place = anchors[part], places[part]
            factor = scales[place] / temperature
            rows = table.index_select(0, place.flatten())
            rows = rows.view(*place.shape, -1)
            near = (anchor * positives[part]).sum(1) / temperature
            far = torch.bmm(rows, anchor[:, :, None])[..., 0] * factor
            total = torch.cat([near[:, None], far], 1).logsumexp(1)
            losses[part] = total - near
            pull = (near - total).exp() - 1
            push = (far - total[:, None]).exp() * factor
            torch.bmm(push[:, None], rows, out=gradient[part, None])
            gradient[part].addcmul_(
                positives[part], pull[:, None] / temperature
            )
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, weight: Tensor) -> tuple[Any, ...]:
        (gradient,) = ctx.saved_tensors
        return (gradient * weight[:, None], *[None] * 5)
