from .base_objective import PixelWeightObjective
from .class_balanced_cross_entropy import (ClassBalancedCrossEntropyLoss,
                                           class_weights_from_frequency)
from .dynamic_mutual_loss import (DynamicMutualLoss, FlipLoss,
                                  NaiveMutualLoss)
from .dynamic_self_training_loss import DynamicSelfTrainingLoss
from .online_self_training_loss import OnlineSelfTrainingLoss

__all__ = [
    'ClassBalancedCrossEntropyLoss', 'DynamicMutualLoss',
    'DynamicSelfTrainingLoss', 'FlipLoss', 'NaiveMutualLoss',
    'OnlineSelfTrainingLoss', 'PixelWeightObjective',
    'class_weights_from_frequency'
]
