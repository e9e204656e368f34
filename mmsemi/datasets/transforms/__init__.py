from .branches import MultiBranch
from .formatting import PackSemiInputs
from .geometry import PadSegFields, RandomScale, SetOriShape, TorchResize
from .labels import InitValidMap, LoadPseudoLabel, MapLabels
from .rare_class_crop import RareClassCrop
from .zero_label import MapZeroLabels

__all__ = [
    'InitValidMap', 'LoadPseudoLabel', 'MapLabels', 'MapZeroLabels',
    'MultiBranch', 'PackSemiInputs', 'PadSegFields', 'RandomScale',
    'RareClassCrop', 'SetOriShape', 'TorchResize'
]
