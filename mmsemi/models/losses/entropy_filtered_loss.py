"""Losses of pseudo-labels in U2PL (arXiv 2203.03884)."""

import math

import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

from .class_balanced_cross_entropy import build_criterion
from .target_loss import TargetLoss


@MODELS.register_module()
class EntropyFilteredCrossEntropyLoss(TargetLoss):
    """Cross entropy that weighs more, the more labels were dropped.

    With n labels that were kept of N pixels (equation 8)

        L = N / n * (sum of CE over labeled pixels / n)

    so that the gradient of the remaining pixels grows as others drop out.
    N counts every pixel but padding: the ones whose label was dropped or
    that were cut out, and not what has no label in the first place. (In the
    published code padding is labeled, so that it is part of N and of n.)
    Both counts are those of this process. No label at all gives 0.

    Args:
        criterion: config of a :class:`ClassBalancedCrossEntropyLoss`, for
            class weights b; the second n is then the sum of b.
        loss_weight: factor of the loss.
        per_device: devices that shared the published step. On fewer, the
            batch is taken in as many groups, whose losses are averaged.
        groups: see :class:`EntropyPercentilePseudoLabeler`.
    """

    def __init__(
        self,
        criterion: dict | None = None,
        loss_weight: float = 1.0,
        per_device: int = 1,
        groups: int | None = None,
    ) -> None:
        super().__init__()
        self.groups = per_device if groups is None else groups
        if self.groups < 1:
            raise ValueError(f'per_device must be positive, got {per_device}')
        self.criterion = build_criterion(criterion)
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, targets: Targets) -> Tensor:
        """Loss, a scalar.

        Args:
            logits: (N, C, H, W), any floating type.
            targets: ``labels`` and ``valid`` are used, and ``weights``,
                which do not enter n, but that 0 is as good as no label.
        """
        groups = math.gcd(self.groups, len(logits))
        size = len(logits) // groups
        parts = [slice(k * size, (k + 1) * size) for k in range(groups)]
        total = sum(
            self._loss(logits[part], targets.keep(part)) for part in parts
        )
        return self.loss_weight * total / groups

    def _loss(self, logits: Tensor, targets: Targets) -> Tensor:
        """Loss of images that share their averages."""
        labels = targets.counted
        mean = self.criterion(logits, labels, targets.weights)
        kept = (labels != 255).sum().clamp(min=1)
        return targets.valid.sum() / kept * mean


@MODELS.register_module()
class ReverseCrossEntropyLoss(TargetLoss):
    """Cross entropy with prediction and label in each other's place.

    With one-hot labels clamped from below at ``floor`` it is

        L = -log(floor) * sum of (1 - p_y) over labeled pixels / n

    with n labels, those of this process.

    An option of U2PL's code that no published setting uses.

    Args:
        floor: what a class other than the label counts in the logarithm.
        loss_weight: factor of the loss.
    """

    def __init__(self, floor: float = 1e-4, loss_weight: float = 1.0) -> None:
        super().__init__()
        if not 0 < floor < 1:
            raise ValueError(f'floor lies between 0 and 1, got {floor}')
        self.scale = -math.log(floor) * loss_weight

    def forward(self, logits: Tensor, targets: Targets) -> Tensor:
        """Loss, a scalar; see :class:`EntropyFilteredCrossEntropyLoss`."""
        labels = targets.counted
        valid = labels != 255
        true = labels.where(valid, 0)
        prob = logits.float().softmax(1).gather(1, true[:, None])[:, 0]
        miss = torch.where(valid, 1 - prob, 0.0)
        miss = miss * targets.weights
        return self.scale * miss.sum() / valid.sum().clamp(min=1)
