from mmsemi.ops.maps import accuracy
from mmsemi.utils.compat import keep_equal_sizes, log_accuracy_by

from .backbones import *  # noqa: F401,F403
from .data_preprocessor import (
    BandsDataPreprocessor,
    MultiBranchDataPreprocessor,
)
from .decode_heads import *  # noqa: F401,F403
from .input_bands import BackboneOfBands
from .losses import *  # noqa: F401,F403
from .mixing import *  # noqa: F401,F403
from .perturbations import *  # noqa: F401,F403
from .pretrained import CountedPretrainedInit
from .pseudo_labelers import *  # noqa: F401,F403
from .segmentors import *  # noqa: F401,F403
from .torch_init import TorchDefault

log_accuracy_by(accuracy)
keep_equal_sizes()

__all__ = [
    'BackboneOfBands',
    'BandsDataPreprocessor',
    'CountedPretrainedInit',
    'MultiBranchDataPreprocessor',
    'TorchDefault',
]
