"""Losses of pseudo-labels in U2PL (arXiv 2203.03884)."""
import math
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmsemi.registry import MODELS


@MODELS.register_module()
class EntropyFilteredCrossEntropyLoss(nn.Module):
    """Cross entropy that weighs more, the more labels were dropped.

    With n labelled of N pixels (equation 8)

        L = N / n * (sum of CE over labelled pixels / n)

    so that the gradient of the remaining pixels grows as others drop out.
    Both counts are those of this process. No label at all gives 0.

    Args:
        loss_weight: factor of the whole loss.
        ignore_index: label of dropped pixels.
    """

    def __init__(self,
                 loss_weight: float = 1.,
                 ignore_index: int = 255) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index

    def forward(self,
                pred: Tensor,
                label: Tensor,
                weight: Optional[Tensor] = None,
                **kwargs) -> Tensor:
        """Loss, a scalar.

        Args:
            pred: logits (N, C, H, W), any floating type.
            label: int64 (N, H, W), 255 where the label was dropped.
            weight: further weights (N, H, W); they do not enter n.
        """
        loss = F.cross_entropy(
            pred.float(),
            label,
            reduction='none',
            ignore_index=self.ignore_index)
        if weight is not None:
            loss = loss * weight
        kept = (label != self.ignore_index).sum().clamp(min=1).float()
        return self.loss_weight * label.numel() * loss.sum() / kept**2


@MODELS.register_module()
class ReverseCrossEntropyLoss(nn.Module):
    """Cross entropy with prediction and label in each other's place.

    With one-hot labels clamped from below at ``floor`` it is

        L = -log(floor) * mean of (1 - p_y) over the valid pixels

    An option of U2PL's code that no published setting uses.

    Args:
        floor: what a class other than the label counts in the logarithm.
        loss_weight: factor of the whole loss.
        ignore_index: label of pixels without any effect.
    """

    def __init__(self,
                 floor: float = 1e-4,
                 loss_weight: float = 1.,
                 ignore_index: int = 255) -> None:
        super().__init__()
        if not 0 < floor < 1:
            raise ValueError(f'floor lies between 0 and 1, got {floor}')
        self.scale = -math.log(floor) * loss_weight
        self.ignore_index = ignore_index

    def forward(self,
                pred: Tensor,
                label: Tensor,
                weight: Optional[Tensor] = None,
                **kwargs) -> Tensor:
        """Loss, a scalar; arguments as for cross entropy."""
        valid = label != self.ignore_index
        true = label.where(valid, 0)
        prob = pred.float().softmax(1).gather(1, true[:, None])[:, 0]
        miss = torch.where(valid, 1 - prob, 0.)
        if weight is not None:
            miss = miss * weight
        return self.scale * miss.sum() / valid.sum().clamp(min=1)
