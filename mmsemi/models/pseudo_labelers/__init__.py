from .base import PseudoLabeler, RoundPseudoLabeler
from .cbst import CBSTPseudoLabeler, rare_classes
from .class_balanced import ClassBalancedPseudoLabeler
from .confidence import ConfidencePseudoLabeler
from .dynamic_threshold import DynamicThresholdPseudoLabeler
from .entropy_percentile import (
    EntropyPercentilePseudoLabeler,
    EntropySplit,
    masked_percentiles,
    pixel_entropy,
)
from .fixed_threshold import FixedThresholdPseudoLabeler
from .lrent import LRENTPseudoLabeler
from .online_class_balanced import OnlineClassBalancedPseudoLabeler
from .regions import spread_over_regions
from .released_ael import ReleasedAELPseudoLabeler
from .view_agreement import ViewAgreementPseudoLabeler
from .views import Views

__all__ = [
    'CBSTPseudoLabeler',
    'ClassBalancedPseudoLabeler',
    'ConfidencePseudoLabeler',
    'DynamicThresholdPseudoLabeler',
    'EntropyPercentilePseudoLabeler',
    'EntropySplit',
    'FixedThresholdPseudoLabeler',
    'LRENTPseudoLabeler',
    'OnlineClassBalancedPseudoLabeler',
    'PseudoLabeler',
    'ReleasedAELPseudoLabeler',
    'RoundPseudoLabeler',
    'ViewAgreementPseudoLabeler',
    'Views',
    'masked_percentiles',
    'pixel_entropy',
    'rare_classes',
    'spread_over_regions',
]
