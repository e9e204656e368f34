from .deeplabv2_head import DeepLabV2Head
from .lateral_sum_head import LateralSumHead

__all__ = ['DeepLabV2Head', 'LateralSumHead']
