import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

from .class_balanced_cross_entropy import build_criterion
from .target_loss import TargetLoss

NORMALIZERS = ('valid', 'confident', 'all')


def counted_pixels(normalizer: str, targets: Targets) -> Tensor:
    """Pixels the loss of unlabeled images is averaged over.

    Args:
        normalizer: ``'valid'``, all but padding; ``'confident'``, those with
            a weight; ``'all'``, padding included.
        targets: see :class:`Targets`.

    Returns:
        Float32 (N, H, W) of zeros and ones.
    """
    if normalizer == 'valid':
        return targets.valid.float()
    if normalizer == 'confident':
        return (targets.weights > 0).float()
    return torch.ones_like(targets.weights)


def check_normalizer(normalizer: str) -> str:
    """The name itself, if it is one of :data:`NORMALIZERS`."""
    if normalizer not in NORMALIZERS:
        raise ValueError(
            f'normalizer must be one of {NORMALIZERS}, got {normalizer!r}'
        )
    return normalizer


@MODELS.register_module()
class PseudoLabelCrossEntropyLoss(TargetLoss):
    """Weighted cross entropy of pseudo-labels.

    With pixel weights w, labels y and class weights b

        L = sum_i w_i b_{y_i} CE_i / sum_{i in P} b_{y_i}

    over the pixels P of ``normalizer``, of this process. ``'valid'`` lets
    the loss grow with the share of confident pixels (FixMatch and UniMatch,
    Yang et al., CVPR 2023); ``'confident'`` does not; ``'all'`` counts
    padding too (AugSeg). Float32; 0 with zero gradient where nothing counts.

    Args:
        normalizer: see above.
        criterion: config of a :class:`ClassBalancedCrossEntropyLoss`, for
            class weights.
        loss_weight: factor of the loss.
    """

    def __init__(
        self,
        normalizer: str = 'valid',
        criterion: dict | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.normalizer = check_normalizer(normalizer)
        self.criterion = build_criterion(criterion)
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, targets: Targets) -> Tensor:
        """Loss of a batch, 0-d.

        Args:
            logits: (N, C, H, W), any floating type.
            targets: ``labels``, ``weights`` and ``valid`` are used.
        """
        labels = targets.labels
        pixel_loss = self.criterion.pixel_loss(logits, labels)
        counted = counted_pixels(self.normalizer, targets)
        weights = targets.weights
        if self.criterion.class_weight is not None:
            balance = self.criterion.label_weight(labels)
            weights = weights * balance
            # A pixel without a label has no class, so it counts as one.
            counted = counted * balance.where(labels != 255, 1.0)
        total = counted.sum().clamp(min=torch.finfo(torch.float32).tiny)
        factor = self.loss_weight * self.criterion.loss_weight
        return factor * (pixel_loss * weights).sum() / total

    def extra_repr(self) -> str:
        return (
            f'normalizer={self.normalizer!r}, loss_weight={self.loss_weight}'
        )
