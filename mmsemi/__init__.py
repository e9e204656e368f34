"""mmsemi: label-efficient semantic segmentation for MMSegmentation 1.x.

Importing the package only checks the installed OpenMMLab stack; models,
datasets and hooks are imported when a config first names one of them.
"""

from .io.config_loading import extend_config_loading
from .stack import check_stack, check_torchvision
from .version import __version__

check_stack()
check_torchvision()
extend_config_loading()

__all__ = ['__version__']
