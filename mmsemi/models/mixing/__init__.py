from .adaptive import AdaptiveCutMix
from .base import BatchMixing, paste
from .boxes import box_mask
from .class_mix import ClassMix
from .copy_paste import AdaptiveCopyPaste
from .cut_mix import CutMix
from .cut_out import CutOut
from .label_injection import LabelInjectingCutMix, image_trust

__all__ = [
    'AdaptiveCopyPaste',
    'AdaptiveCutMix',
    'BatchMixing',
    'ClassMix',
    'CutMix',
    'CutOut',
    'LabelInjectingCutMix',
    'box_mask',
    'image_trust',
    'paste',
]
