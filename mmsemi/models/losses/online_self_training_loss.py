import torch
from torch import Tensor

from mmsemi.ops.maps import max_over_classes
from mmsemi.registry import MODELS

from .base_objective import PixelWeightObjective


@MODELS.register_module()
class OnlineSelfTrainingLoss(PixelWeightObjective):
    """Plain self-training on labels of the moment (ablation OST).

    Labels of pseudo-labeled samples come from the live prediction, kept
    where its probability is above the threshold, without further weights.

    Args:
        threshold: the published code has 0.9 built in; strict.
        relabel_ignored: also label pixels that arrive ignored. The published
            code does, and so trains on padding; here they stay ignored.
        criterion: config of a :class:`ClassBalancedCrossEntropyLoss`.
        ignore_index: label of pixels without any effect.
    """

    def __init__(
        self,
        threshold: float = 0.9,
        relabel_ignored: bool = False,
        criterion: dict | None = None,
        ignore_index: int = 255,
    ) -> None:
        super().__init__(criterion, ignore_index)
        self.threshold = threshold
        self.relabel_ignored = relabel_ignored

    def examine(
        self,
        logits: Tensor,
        labels: Tensor,
        pseudo: Tensor,
        confidence: Tensor,
    ) -> Tensor:
        """Live labels (N, H, W), ignored where not confident enough."""
        best, prediction = max_over_classes(logits)
        sure = (best - logits.logsumexp(dim=1)).exp() > self.threshold
        if not self.relabel_ignored:
            sure = sure & pseudo
        return prediction.where(sure, self.ignore_index)

    def relabel(
        self, labels: Tensor, pseudo_mask: Tensor, evidence: Tensor
    ) -> Tensor:
        """Live labels on pseudo-labeled samples."""
        return evidence.where(pseudo_mask, labels)

    def pixel_weights(
        self, pixel_loss: Tensor, pseudo: Tensor, evidence: Tensor
    ) -> Tensor:
        """All 1."""
        return torch.ones_like(pixel_loss)
