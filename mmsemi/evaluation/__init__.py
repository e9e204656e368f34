from .boundary_iou import BoundaryIoUMetric
from .calibration import CalibrationSweepMetric
from .calibration_error import CalibrationErrorMetric
from .class_iou import IoUMetric
from .generalized_zero_label import GeneralizedZeroLabelMetric
from .pseudo_label_quality import PseudoLabelQuality
from .subset_iou import SubsetIoUMetric

__all__ = [
    'BoundaryIoUMetric',
    'CalibrationErrorMetric',
    'CalibrationSweepMetric',
    'GeneralizedZeroLabelMetric',
    'IoUMetric',
    'PseudoLabelQuality',
    'SubsetIoUMetric',
]
