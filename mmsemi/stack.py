"""The OpenMMLab stack that is installed, and whether it is one we know.

Two stacks provide the import names ``mmengine``, ``mmcv`` and ``mmseg``: the
maintained distributions (``onedl-*``, our default) and the official ones.
"""

import importlib.util
import warnings
from importlib import metadata

from packaging.version import Version

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
        ImportError: if a part of the stack is missing, or if both stacks
            are installed (they share their folders, so one has overwritten
            the other).
    """
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
                f'beside {list(found[stack])}. {_INSTALL_HINT}'
            )
        if not Version(low) <= Version(version) < Version(high):
            warnings.warn(
                f'{name} {version} is outside the range tested '
                f'with mmsemi, >={low},<{high}.'
            )


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
