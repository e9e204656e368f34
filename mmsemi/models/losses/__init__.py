from .base_objective import PixelWeightObjective
from .class_balanced_cross_entropy import (
    ClassBalancedCrossEntropyLoss,
    class_weights_from_frequency,
)
from .class_confidence_bank import ClassConfidenceBank
from .confidence_regularized_loss import ConfidenceRegularizedLoss
from .dynamic_mutual_loss import DynamicMutualLoss, FlipLoss, NaiveMutualLoss
from .dynamic_self_training_loss import DynamicSelfTrainingLoss
from .entropy_filtered_loss import (
    EntropyFilteredCrossEntropyLoss,
    ReverseCrossEntropyLoss,
)
from .equalization_consistency_loss import EqualizationConsistencyLoss
from .memory_bank import ClassMemoryBank
from .ohem_cross_entropy import OHEMCrossEntropyLoss
from .online_self_training_loss import OnlineSelfTrainingLoss
from .pseudo_label_cross_entropy import PseudoLabelCrossEntropyLoss
from .released_contrast_loss import ReleasedPixelContrastLoss
from .softmax_kl_loss import SoftmaxKLLoss
from .softmax_mse_loss import SoftmaxMSELoss
from .target_loss import TargetLoss, build_target_loss
from .unreliable_contrast_loss import UnreliablePixelContrastLoss

__all__ = [
    'SoftmaxKLLoss',
    'TargetLoss',
    'ClassBalancedCrossEntropyLoss',
    'ClassConfidenceBank',
    'ClassMemoryBank',
    'ConfidenceRegularizedLoss',
    'DynamicMutualLoss',
    'DynamicSelfTrainingLoss',
    'EntropyFilteredCrossEntropyLoss',
    'EqualizationConsistencyLoss',
    'FlipLoss',
    'NaiveMutualLoss',
    'OHEMCrossEntropyLoss',
    'OnlineSelfTrainingLoss',
    'PixelWeightObjective',
    'PseudoLabelCrossEntropyLoss',
    'ReleasedPixelContrastLoss',
    'ReverseCrossEntropyLoss',
    'SoftmaxMSELoss',
    'UnreliablePixelContrastLoss',
    'build_target_loss',
    'class_weights_from_frequency',
]
