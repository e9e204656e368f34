from .branches import MultiBranch
from .center_crop import CenterCropFields
from .center_pad import CenterPadFields
from .formatting import PackSemiInputs
from .geometry import PadSegFields, RandomScale, SetOriShape, TorchResize
from .labels import InitValidMap, LoadPseudoLabel, MapLabels
from .photometric import ColorJitter, RandomGaussianBlur
from .rare_class_crop import RareClassCrop
from .zero_label import MapZeroLabels

__all__ = [
    'CenterCropFields',
    'CenterPadFields',
    'ColorJitter',
    'InitValidMap',
    'LoadPseudoLabel',
    'MapLabels',
    'MapZeroLabels',
    'MultiBranch',
    'PackSemiInputs',
    'PadSegFields',
    'RandomGaussianBlur',
    'RandomScale',
    'RareClassCrop',
    'SetOriShape',
    'TorchResize',
]
