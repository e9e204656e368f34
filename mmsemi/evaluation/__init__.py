from .calibration import CalibrationSweepMetric
from .class_iou import IoUMetric
from .generalized_zero_label import GeneralizedZeroLabelMetric
from .pseudo_label_quality import PseudoLabelQuality
from .subset_iou import SubsetIoUMetric

__all__ = [
    'CalibrationSweepMetric',
    'GeneralizedZeroLabelMetric',
    'IoUMetric',
    'PseudoLabelQuality',
    'SubsetIoUMetric',
]
