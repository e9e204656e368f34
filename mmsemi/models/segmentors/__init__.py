from .ael import AEL, U2PLWithAEL
from .self_training import SelfTrainingSegmentor
from .semi_base import SemiSegmentor
from .spnet import SPNet
from .teacher_student import TeacherStudentSegmentor
from .u2pl import U2PL
from .zero_label import ZeroLabelSegmentor

__all__ = [
    'AEL',
    'SPNet',
    'SelfTrainingSegmentor',
    'SemiSegmentor',
    'TeacherStudentSegmentor',
    'U2PL',
    'U2PLWithAEL',
    'ZeroLabelSegmentor',
]
