from .branches import MultiBranch, MultiStream
from .center_crop import CenterCropFields
from .center_pad import CenterPadFields
from .formatting import PackSemiInputs
from .geometry import PadSegFields, RandomScale, SetOriShape, TorchResize
from .intensity import RandomIntensityAug
from .labels import InitValidMap, LoadPseudoLabel, MapLabels
from .load_any_image import LoadAnyImage
from .load_mask import LoadMask
from .noise_cut_out import NoiseCutOut
from .photometric import ColorJitter, RandomGaussianBlur, RandomGray
from .rare_class_crop import RareClassCrop
from .zero_label import MapZeroLabels

__all__ = [
    'CenterCropFields',
    'CenterPadFields',
    'ColorJitter',
    'InitValidMap',
    'LoadAnyImage',
    'LoadMask',
    'LoadPseudoLabel',
    'MapLabels',
    'MapZeroLabels',
    'MultiBranch',
    'MultiStream',
    'NoiseCutOut',
    'PackSemiInputs',
    'PadSegFields',
    'RandomGaussianBlur',
    'RandomGray',
    'RandomIntensityAug',
    'RandomScale',
    'RareClassCrop',
    'SetOriShape',
    'TorchResize',
]
