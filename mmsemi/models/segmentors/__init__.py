from .ael import AEL, U2PLWithAEL
from .augseg import AugSeg
from .batch import Batch
from .corrmatch import CorrMatch
from .cps import CPS
from .flexible import FlexibleEncoderDecoder
from .mean_teacher import MeanTeacher
from .online import OnlineSegmentor
from .self_training import SelfTrainingSegmentor
from .semi_base import SemiSegmentor
from .spnet import SPNet
from .u2pl import U2PL
from .unimatch import UniMatch
from .unimatch_v2 import UniMatchV2
from .zero_label import ZeroLabelSegmentor

__all__ = [
    'AEL',
    'AugSeg',
    'Batch',
    'CPS',
    'CorrMatch',
    'FlexibleEncoderDecoder',
    'MeanTeacher',
    'OnlineSegmentor',
    'SPNet',
    'SelfTrainingSegmentor',
    'SemiSegmentor',
    'U2PL',
    'U2PLWithAEL',
    'UniMatch',
    'UniMatchV2',
    'ZeroLabelSegmentor',
]
