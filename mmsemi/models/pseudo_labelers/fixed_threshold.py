import torch
from torch import Tensor

from mmsemi.registry import MODELS

from .class_balanced import ClassBalancedPseudoLabeler


@MODELS.register_module()
class FixedThresholdPseudoLabeler(ClassBalancedPseudoLabeler):
    """Keep every prediction above one confidence: plain self-training.

    The portion of the round plays no part: how much is kept depends on how
    confident the model is.

    Args:
        num_classes: number of classes C.
        threshold: lowest confidence that is kept.
    """

    def __init__(self, num_classes: int, threshold: float = 0.9) -> None:
        super().__init__(num_classes, rule='argmax')
        self.threshold = threshold

    def fit(self, statistics, portion: float) -> Tensor:
        """Set all thresholds to the same number."""
        self.thresholds = torch.full_like(self.thresholds, self.threshold)
        return self.thresholds

    def extra_repr(self) -> str:
        return f'num_classes={self.num_classes}, threshold={self.threshold}'
