from .branches import MultiBranch
from .formatting import PackSemiInputs
from .geometry import PadSegFields, RandomScale, SetOriShape, TorchResize
from .labels import InitValidMap, LoadPseudoLabel, MapLabels

__all__ = [
    'InitValidMap', 'LoadPseudoLabel', 'MapLabels', 'MultiBranch',
    'PackSemiInputs', 'PadSegFields', 'RandomScale', 'SetOriShape',
    'TorchResize'
]
