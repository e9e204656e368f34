"""What mmsemi needs to know about the installed OpenMMLab stack.

Two stacks provide the import names ``mmengine``, ``mmcv`` and ``mmseg``: the
maintained distributions (``onedl-*``, our default) and the official ones.
Only differences that concern mmsemi are handled here, and parts of other
packages that are private there: no other module may touch one, so that a
new release can break this file alone, and its tests say where.
"""

import atexit
import functools
import importlib.util
import sys
import threading
import types
import warnings
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from packaging.version import Version

if TYPE_CHECKING:
    from torch import Tensor

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


def extend_config_loading() -> None:
    """Let ``Config.fromfile`` find packages' configs and join their imports.

    ``mmseg::...`` and ``mmsemi::...`` work as the file and in ``_base_``,
    see :mod:`mmsemi.io.package_configs`. Two bases with a
    ``custom_imports`` each are an error of duplicate keys in mmengine; their
    imports are joined. A part ``dict(cfg=name)`` replaces an inline one.
    Other configs are read as before. Calling it again changes nothing.
    """
    from mmengine.config import Config

    from mmsemi.io.package_configs import (
        config_file,
        join_imports,
        merge_target,
    )

    if getattr(Config, '_reads_packages', False):
        return
    fromfile, get_path = Config.fromfile, Config._get_cfg_path
    file2dict, merge = Config._file2dict, Config._merge_a_into_b
    # For each file being read: `custom_imports` of its bases so far.
    reading = threading.local()

    @functools.wraps(fromfile)
    def read(filename, *args, **kwargs):
        return fromfile(config_file(filename), *args, **kwargs)

    @functools.wraps(get_path)
    def base_path(cfg_path, filename):
        if '::' in cfg_path:
            return config_file(cfg_path), cfg_path.partition('::')[0]
        return get_path(cfg_path, filename)

    @functools.wraps(merge)
    def merge_named(new, old, *args, **kwargs):
        return merge(new, merge_target(new, old), *args, **kwargs)

    @functools.wraps(file2dict)
    def read_one(filename, *args, **kwargs):
        stack = reading.__dict__.setdefault('stack', [])
        bases: list[dict] = []
        stack.append(bases)
        try:
            cfg, text, variables = file2dict(filename, *args, **kwargs)
        finally:
            stack.pop()
        if len(bases) > 1:
            cfg['custom_imports'] = join_imports(
                [*bases, cfg.get('custom_imports') or {}]
            )
        if stack and cfg.get('custom_imports'):
            siblings = stack[-1]
            siblings.append(cfg['custom_imports'])
            if len(siblings) > 1:
                cfg = {k: v for k, v in cfg.items() if k != 'custom_imports'}
        return cfg, text, variables

    Config.fromfile = staticmethod(read)
    Config._get_cfg_path = staticmethod(base_path)
    Config._file2dict = staticmethod(read_one)
    Config._merge_a_into_b = staticmethod(merge_named)
    Config._reads_packages = True


def stub_missing_mmcv_ops() -> None:
    """Let ``mmseg.models`` of the official stack import without mmcv's ops.

    For laptops and tests with ``mmcv-lite`` only; using an operator then
    raises. Does nothing where the compiled module exists.
    """
    name = 'mmcv._ext'
    if name in sys.modules or importlib.util.find_spec(name) is not None:
        return

    class _MissingOps(types.ModuleType):
        def __getattr__(self, op: str):
            if op.startswith('__'):
                raise AttributeError(op)

            def missing(*args, **kwargs):
                raise RuntimeError(
                    f'mmcv was installed without its compiled '
                    f'operators, and {op} is one of them'
                )

            return missing

    module = _MissingOps(name)
    # mmengine asks for the spec of mmcv._ext when it reverts SyncBN.
    module.__spec__ = importlib.util.spec_from_loader(name, loader=None)
    sys.modules[name] = module


def format_equal_configs_once() -> None:
    """Let ``Config.pretty_text`` lay an equal text out once.

    A runner asks for it four times before the first iteration, and again
    with each checkpoint; a second each time.
    """
    from yapf.yapflib import yapf_api

    layout = yapf_api.FormatCode
    if getattr(layout, 'remembers', False):
        return
    known: dict[tuple[str, str], tuple[str, bool]] = {}

    @functools.wraps(layout)
    def layout_once(text: str, **options) -> tuple[str, bool]:
        key = text, repr(sorted(options.items()))
        if key not in known:
            known.clear()  # the text of a run changes rarely, and is long
            known[key] = layout(text, **options)
        return known[key]

    layout_once.remembers = True
    yapf_api.FormatCode = layout_once


def silence_debug_prints() -> None:
    """Let ``print_log`` without a logger print no message for debugging.

    mmseg says at each import that a data set of its makers cannot be read.
    """
    import logging

    import mmengine.logging as target

    print_log = target.print_log
    if getattr(print_log, 'leaves_out_debug', False):
        return

    @functools.wraps(print_log)
    def print_wanted(msg, logger=None, level=logging.INFO) -> None:
        if logger is not None or level >= logging.INFO:
            print_log(msg, logger, level)

    print_wanted.leaves_out_debug = True
    target.print_log = print_wanted


# Private parts of mmengine.
def starting_weights(runner: Any) -> str | None:
    """Checkpoint that a run starts from or goes on from, if any."""
    return runner._load_from


def goes_on(runner: Any) -> bool:
    """Whether a run is resumed."""
    return runner._resume


def batches_of_a_step(optim_wrapper: Any) -> int:
    """How many batches an optimizer accumulates for one step."""
    return getattr(optim_wrapper, '_accumulative_counts', 1)


def trains(runner: Any) -> bool:
    """Whether the loop of a training is built, as before a training only."""
    from mmengine.runner import BaseLoop

    return isinstance(runner._train_loop, BaseLoop)


def ranks_draw_differently(runner: Any) -> bool:
    """Whether every process has a random seed of its own."""
    return runner._randomness_cfg.get('diff_rank_seed', False)


def picture_backends(visualizer: Any) -> list[Any]:
    """What a visualizer writes to, such as TensorBoard."""
    return list(visualizer._vis_backends.values())


# Private parts of PyTorch: one kernel for many tensors.
def copy_tensors(into: Sequence['Tensor'], source: Sequence['Tensor']) -> None:
    """``into[k].copy_(source[k])`` for all k at once."""
    import torch

    torch._foreach_copy_(list(into), list(source))


def lerp_tensors(
    into: Sequence['Tensor'], end: Sequence['Tensor'], weight: float
) -> None:
    """``into[k].lerp_(end[k], weight)`` for all k at once."""
    import torch

    torch._foreach_lerp_(list(into), list(end), weight)


# Private parts of Python.
def run_exit_functions() -> None:
    """Do what is registered for the end of the interpreter, now."""
    atexit._run_exitfuncs()
