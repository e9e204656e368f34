import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

from .pseudo_label_cross_entropy import check_normalizer, counted_pixels
from .target_loss import TargetLoss


@MODELS.register_module()
class SoftmaxKLLoss(TargetLoss):
    """Divergence of the student's probabilities from the soft labels.

    KL(p || q) = sum_c p_c (log p_c - log q_c) of each pixel, weighted by the
    targets, with the labels p, which get no gradient, and the student's q
    (the soft loss of CorrMatch, Sun et al., CVPR 2024).

    Args:
        normalizer: pixels the sum is divided by, see
            :class:`PseudoLabelCrossEntropyLoss`.
        loss_weight: factor of the loss.
    """

    needs_soft = True

    def __init__(
        self, normalizer: str = 'valid', loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.normalizer = check_normalizer(normalizer)
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, targets: Targets) -> Tensor:
        """Loss of a batch, 0-d.

        Args:
            logits: (N, C, H, W), any floating type.
            targets: ``soft``, ``weights`` and ``valid`` are used.
        """
        soft = targets.soft.detach()
        pixel_loss = torch.special.xlogy(soft, soft).sum(1)
        pixel_loss = pixel_loss - (soft * logits.float().log_softmax(1)).sum(1)
        weights = targets.weights * targets.valid
        total = counted_pixels(self.normalizer, targets).sum().clamp(min=1)
        return self.loss_weight * (pixel_loss * weights).sum() / total

    def extra_repr(self) -> str:
        return (
            f'normalizer={self.normalizer!r}, loss_weight={self.loss_weight}'
        )
