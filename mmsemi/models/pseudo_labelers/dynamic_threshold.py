"""One threshold for all classes that follows the confidence of a model."""

import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.ops.maps import max_over_classes
from mmsemi.ops.step import InParts
from mmsemi.registry import MODELS

from .base import PseudoLabeler


@MODELS.register_module()
class DynamicThresholdPseudoLabeler(InParts, PseudoLabeler):
    """Label every pixel, and weigh it by a threshold that moves (CorrMatch).

    Sun et al., CVPR 2024. In training each batch moves the threshold t:

        t <- (1 - m) t + m mean_c max {confidence of pixels predicted as c}

    over the classes that are predicted anywhere, and the valid pixels of all
    processes. So it rises as the model learns, and a class that is never
    sure lowers it. It is part of the checkpoint. Where a step is taken in
    parts, it moves with the last.

    Args:
        start: t before the first batch.
        momentum: weight m of the present batch; 0 leaves t alone.
    """

    def __init__(self, start: float = 0.85, momentum: float = 0.001) -> None:
        super().__init__()
        if not 0 <= start <= 1 or not 0 <= momentum <= 1:
            raise ValueError(
                'start and momentum must lie in [0, 1], got '
                f'{start} and {momentum}'
            )
        self.momentum = momentum
        self.threshold: Tensor
        self.register_buffer('threshold', torch.tensor(float(start)))

    @torch.no_grad()
    def forward(
        self,
        probabilities: Tensor,
        valid: Tensor | None = None,
        progress: float = 0.0,
    ) -> Targets:
        """Label a batch, which in training moves the threshold first."""
        confidence, labels = max_over_classes(probabilities.float())
        if self.training and self.momentum:
            self.move(confidence, labels, valid, probabilities.shape[1])
        sure = confidence >= self.threshold
        return Targets(labels, confidence, sure.float(), valid)

    def move(
        self,
        confidence: Tensor,
        labels: Tensor,
        valid: Tensor | None,
        num_classes: int,
    ) -> None:
        """Move the threshold by a batch, see the class."""
        seen = confidence if valid is None else confidence * valid
        highest = seen.new_zeros(num_classes)
        highest.scatter_reduce_(0, labels.flatten(), seen.flatten(), 'amax')
        whole = self.over_step(highest, 'max')
        if whole is None:
            return
        number = (whole > 0).sum()
        mean = whole.sum() / number.clamp(min=1)
        moved = self.threshold.lerp(mean, self.momentum)
        self.threshold.copy_(torch.where(number > 0, moved, self.threshold))

    def extra_repr(self) -> str:
        return f'threshold={self.threshold:.3f}, momentum={self.momentum}'
