from .self_training import SelfTrainingSegmentor
from .semi_base import SemiSegmentor

__all__ = ['SelfTrainingSegmentor', 'SemiSegmentor']
