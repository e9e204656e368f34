from .adaptive import AdaptiveCutMix
from .base import BatchMixing, paste
from .boxes import box_mask
from .class_mix import ClassMix
from .copy_paste import AdaptiveCopyPaste
from .cut_mix import CutMix
from .cut_out import CutOut

__all__ = [
    'AdaptiveCopyPaste',
    'AdaptiveCutMix',
    'BatchMixing',
    'ClassMix',
    'CutMix',
    'CutOut',
    'box_mask',
    'paste',
]
