import torch
from torch import Tensor

from mmsemi.registry import MODELS

from .base_objective import PixelWeightObjective


@MODELS.register_module()
class DynamicSelfTrainingLoss(PixelWeightObjective):
    """Dynamic loss of DST-CBC (arXiv 2004.08514, version 1).

    A pseudo-labeled pixel weighs the live model's probability of its label
    to the power gamma, so that labels of the round before which the model
    no longer believes fade out:

        w_i = p_i(y_i) ^ gamma      (pseudo-labeled samples, detached)
        w_i = 1                     (labeled samples)
        L   = sum_i w_i CE_i / #valid

    The power is exp(-gamma CE), so no second softmax is needed.

    Args:
        gamma: how fast disbelieved labels fade; 0 is plain self-training.
        criterion: config of a :class:`ClassBalancedCrossEntropyLoss`.
        offline: take the confidence stored with the label instead of the
            live probability (ablation OW).
        ignore_index: label of pixels without any effect.
    """

    def __init__(
        self,
        gamma: float,
        criterion: dict | None = None,
        offline: bool = False,
        ignore_index: int = 255,
    ) -> None:
        super().__init__(criterion, ignore_index)
        if gamma < 0:
            raise ValueError(f'gamma must not be negative, got {gamma}')
        self.gamma = gamma
        self.offline = offline
        self.needs_confidence = offline

    def examine(
        self,
        logits: Tensor,
        labels: Tensor,
        pseudo: Tensor,
        confidence: Tensor,
    ) -> Tensor | None:
        """Stored confidence where it counts, 1 elsewhere; or None."""
        if self.offline and confidence is not None:
            # Where the label is ignored anything may be stored, even NaN.
            return confidence.float().where(pseudo, 1.0)
        return None

    def pixel_weights(
        self, pixel_loss: Tensor, pseudo: Tensor, evidence: Tensor | None
    ) -> Tensor:
        """See the class."""
        if evidence is not None:
            return evidence.pow(self.gamma)
        if self.offline:
            return torch.ones_like(pixel_loss)
        # exp(0) = 1 on labeled samples.
        return (pixel_loss * pseudo).mul_(-self.gamma).exp_()
