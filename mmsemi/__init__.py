"""mmsemi: label-efficient semantic segmentation for MMSegmentation 1.x.

Importing the package only checks the installed OpenMMLab stack; models,
datasets and hooks are imported when a config first names one of them.
"""

from typing import Any

from .io.config_loading import extend_config_loading
from .stack import check_stack, check_torchvision, do_without_operators
from .version import __version__

check_stack()
do_without_operators()
check_torchvision()
extend_config_loading()

# What a person with images of their own calls, as `mmsemi.fit(...)`; each is
# imported when it is first asked for. The function of `mmsemi doctor` is
# `mmsemi.apis.doctor`, as the package `mmsemi.doctor` has its name.
_COMMANDS = (
    'export',
    'fit',
    'infer',
    'label_next',
    'predict',
    'test',
    'train',
)


def __getattr__(name: str) -> Any:
    if name not in _COMMANDS:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from . import apis

    return getattr(apis, name)


__all__ = ['__version__']
