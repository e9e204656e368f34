from collections.abc import Sequence

import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.ops.maps import max_over_classes
from mmsemi.registry import MODELS

from .base import PseudoLabeler


@MODELS.register_module()
class ConfidencePseudoLabeler(PseudoLabeler):
    """Label every pixel, and weigh it by whether the teacher is sure.

    For training online, batch by batch: the weight is 1 where the highest
    probability reaches the threshold, else 0 (FixMatch, Sohn et al., NeurIPS
    2020, equation 4). Labels are given everywhere, so that mixing by class
    sees whole objects and losses may count all valid pixels. With
    ``per_pixel=False`` all pixels of a batch weigh the share of sure ones
    among them, padding included (CutMix-Seg, French et al., BMVC 2020).

    Args:
        threshold: lowest confidence that counts, or one for each class; 0
            takes every pixel.
        per_pixel: see above.
    """

    def __init__(
        self, threshold: float | Sequence[float] = 0.95, per_pixel: bool = True
    ) -> None:
        super().__init__()
        thresholds = torch.as_tensor(threshold, dtype=torch.float32)
        if (
            thresholds.ndim > 1
            or not ((0 <= thresholds) & (thresholds <= 1)).all()
        ):
            raise ValueError(
                'threshold must be a number, or one for each class, in '
                f'[0, 1]; got {threshold}'
            )
        self.per_pixel = per_pixel
        self.register_buffer('thresholds', thresholds, persistent=False)

    @torch.no_grad()
    def forward(
        self,
        probabilities: Tensor,
        valid: Tensor | None = None,
        progress: float = 0.0,
    ) -> Targets:
        """Label a batch; padding is labeled too."""
        confidence, labels = max_over_classes(probabilities.float())
        if (
            self.thresholds.ndim
            and len(self.thresholds) != probabilities.shape[1]
        ):
            raise ValueError(
                f'{len(self.thresholds)} thresholds for '
                f'{probabilities.shape[1]} classes'
            )
        if self.thresholds.ndim:
            sure = confidence >= self.thresholds[labels]
        else:
            sure = confidence >= self.thresholds
        weights = sure.float()
        if not self.per_pixel:
            weights = weights.mean().expand_as(weights)
        return Targets(labels, confidence, weights, valid)

    def extra_repr(self) -> str:
        return (
            f'threshold={self.thresholds.tolist()}, per_pixel={self.per_pixel}'
        )
