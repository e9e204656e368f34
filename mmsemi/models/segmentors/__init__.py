from .self_training import SelfTrainingSegmentor
from .semi_base import SemiSegmentor
from .spnet import SPNet
from .zero_label import ZeroLabelSegmentor

__all__ = [
    'SPNet', 'SelfTrainingSegmentor', 'SemiSegmentor', 'ZeroLabelSegmentor'
]
