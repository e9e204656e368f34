from .class_balanced import ClassBalancedPseudoLabeler, PseudoLabels
from .fixed_threshold import FixedThresholdPseudoLabeler

__all__ = [
    'ClassBalancedPseudoLabeler', 'FixedThresholdPseudoLabeler',
    'PseudoLabels'
]
