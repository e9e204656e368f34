from .ael import AEL, U2PLWithAEL
from .batch import Batch
from .mean_teacher import MeanTeacher
from .online import OnlineSegmentor
from .self_training import SelfTrainingSegmentor
from .semi_base import SemiSegmentor
from .spnet import SPNet
from .u2pl import U2PL
from .zero_label import ZeroLabelSegmentor

__all__ = [
    'AEL',
    'Batch',
    'MeanTeacher',
    'OnlineSegmentor',
    'SPNet',
    'SelfTrainingSegmentor',
    'SemiSegmentor',
    'U2PL',
    'U2PLWithAEL',
    'ZeroLabelSegmentor',
]
