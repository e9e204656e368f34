"""The OpenMMLab stack that is installed, and whether it is one we know.

Two stacks provide the import names ``mmengine``, ``mmcv`` and ``mmseg``: the
maintained distributions (``onedl-*``, our default) and the official ones.
"""

import importlib.util
import sys
import warnings
from collections.abc import Callable
from importlib import metadata
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from packaging.version import Version

from .utils.errors import UsageError

# Distributions of each stack and the half-open version ranges that were run.
STACKS: dict[str, dict[str, tuple[str, str]]] = {
    'onedl': {
        'onedl-mmengine': ('0.10.12', '0.11'),
        'onedl-mmcv': ('2.3.6', '2.4'),
        'onedl-mmsegmentation': ('1.4.2', '1.5'),
    },
    'openmmlab': {
        'mmengine': ('0.10.7', '0.11'),
        'mmcv': ('2.1.0', '2.2'),
        'mmsegmentation': ('1.2.2', '1.3'),
    },
}
_INSTALL_HINT = (
    'Install the tested stack with `pip install "onedl-mmengine>=0.10.12" '
    '"onedl-mmcv>=2.3.6" "onedl-mmsegmentation>=1.4.2"` (README, section '
    'Installation).'
)
_COMPLETE = dict(
    onedl=_INSTALL_HINT,
    openmmlab='Complete it with `pip install mmengine==0.10.7 '
    'mmcv-lite==2.1.0 mmsegmentation==1.2.2` (docs/get_started.md).',
)
TORCH = '2.6'


def _version(distribution: str) -> str:
    """Installed version of a distribution, '' when it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ''


def installed_distributions() -> dict[str, dict[str, str]]:
    """``{stack: {distribution: version}}`` of what is installed."""
    found = {
        stack: {name: _version(name) for name in names}
        for stack, names in STACKS.items()
    }
    # mmcv-lite is mmcv without compiled operators, under another name.
    official = found['openmmlab']
    official['mmcv'] = official['mmcv'] or _version('mmcv-lite')
    return {
        stack: {name: v for name, v in names.items() if v}
        for stack, names in found.items()
    }


def stack_name() -> str:
    """``'onedl'`` or ``'openmmlab'``, whichever provides ``mmseg``.

    Raises:
        ImportError: if neither stack is installed.
    """
    found = installed_distributions()
    if 'onedl-mmsegmentation' in found['onedl']:
        return 'onedl'
    if 'mmsegmentation' in found['openmmlab']:
        return 'openmmlab'
    raise ImportError(
        'mmsemi needs MMSegmentation 1.x, which is not '
        f'installed. {_INSTALL_HINT}'
    )


def check_stack() -> None:
    """Stop on a missing or doubled stack, warn about untested versions.

    Raises:
        ImportError: if a part of the stack is missing, if torch is too old,
            or if both stacks are installed (they share their folders, so one
            has overwritten the other).
    """
    torch = _version('torch')
    if torch and Version(torch).release < Version(TORCH).release:
        raise ImportError(
            f'mmsemi needs torch {TORCH} or later, got {torch}. Install a '
            'newer one, and mmcv-lite if there is no mmcv for it'
        )
    found = installed_distributions()
    if found['onedl'] and found['openmmlab']:
        raise ImportError(
            'Two OpenMMLab stacks are installed into the same folders: '
            f'{found["onedl"]} and {found["openmmlab"]}. Uninstall all of '
            f'them, then install one. {_INSTALL_HINT}'
        )
    stack = stack_name()
    for name, (low, high) in STACKS[stack].items():
        version = found[stack].get(name)
        if not version:
            raise ImportError(
                f'mmsemi needs {name}, which is not installed '
                f'beside {list(found[stack])}. {_COMPLETE[stack]}'
            )
        if not Version(low) <= Version(version) < Version(high):
            warnings.warn(
                f'{name} {version} is outside the range tested '
                f'with mmsemi, >={low},<{high}.'
            )


class _NoOperators(ModuleType):
    """In place of mmcv's compiled part: each operator says it is missing."""

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)

        def operator(*args, **kwargs) -> None:
            raise UsageError(
                f'{name} is an operator that the installed mmcv lacks, as '
                'mmcv-lite has no compiled operators: install mmcv 2.1.0 '
                'built with them, or choose a network and a loss without '
                f'{name}'
            )

        return operator


def lacks_operators() -> bool:
    """Whether mmsegmentation 1.2 is beside an mmcv without operators.

    It imports operators wherever it might use one, and so cannot be imported
    itself; our default stack does so only where they exist.
    """
    mmcv = importlib.util.find_spec('mmcv')
    return (
        mmcv is not None
        and stack_name() == 'openmmlab'
        and not any(
            list(Path(folder).glob('_ext.*'))
            for folder in mmcv.submodule_search_locations or ()
        )
    )


def do_without_operators() -> None:
    """Let mmsegmentation 1.2 be imported beside mmcv-lite."""
    name = 'mmcv._ext'
    if name not in sys.modules and lacks_operators():
        sys.modules[name] = module = _NoOperators(name)
        # Without a loader mmengine, too, sees that there are no operators.
        module.__spec__ = ModuleSpec(name, None)


def check_torchvision() -> None:
    """Stop on a torchvision built for another torch, where it is imported.

    mmseg's data sets import mmpretrain if it is there, and it torchvision;
    pip takes a CPU build of torch and torchvision for CUDA for a pair.

    Raises:
        ImportError: if the two do not belong together.
    """
    if importlib.util.find_spec('mmpretrain') is None:
        return
    try:
        import torchvision  # noqa: F401
    except ImportError:
        return
    except RuntimeError as error:
        raise ImportError(
            f'the installed torchvision {_version("torchvision")} does not '
            f'fit torch {_version("torch")} ({error}), and mmpretrain needs '
            'it. Install the torchvision built for this torch (from the '
            'same index of packages), or uninstall mmpretrain'
        ) from error
