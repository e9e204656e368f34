from .calibration import CalibrationSweepMetric
from .generalized_zero_label import GeneralizedZeroLabelMetric
from .pseudo_label_quality import PseudoLabelQuality

__all__ = [
    'CalibrationSweepMetric', 'GeneralizedZeroLabelMetric',
    'PseudoLabelQuality'
]
