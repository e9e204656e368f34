"""Checkpoints are read as data: tensors, numbers, text and containers.

A checkpoint is a pickle, and a pickle may name any function to be called
while it is read. PyTorch can refuse that (``weights_only``), but mmengine
reads the file once more without the protection when it was refused. Here is
the one place through which checkpoints come in, mmengine's own loader
included.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import yaml
from mmengine.fileio.handlers import yaml_handler
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from mmsemi.io.files import no_file
from mmsemi.utils.errors import UsageError

from .published import MXNET_MAGIC
from .safetensors import is_safetensors, read_safetensors

_torch_load = torch.load
_TRUST = [False]


class _Unreadable(Exception):
    """Why a file was refused: a sentence about it, without its name."""


@contextmanager
def trusting_checkpoints(trust: bool = True) -> Iterator[None]:
    """Let checkpoints run code for once (``--trust-checkpoint``).

    Args:
        trust: False leaves everything as it is.
    """
    before, _TRUST[0] = _TRUST[0], _TRUST[0] or trust
    try:
        yield
    finally:
        _TRUST[0] = before


def read_checkpoint(
    path: str | Path, map_location: Any = 'cpu', trust: bool = False
) -> dict:
    """Read a checkpoint file without running what it may hold.

    Args:
        path: file on this machine.
        map_location: as for :func:`torch.load`; ``'meta'`` reads names,
            shapes and types only.
        trust: read it even if it names foreign code, which then runs.

    Raises:
        UsageError: if there is no such file, or if it is empty, damaged, not
            a checkpoint, or holds more than data.
    """
    path = os.path.expanduser(str(path))
    if not os.path.isfile(path):
        raise UsageError(f'checkpoint {path} {no_file(path)}')
    try:
        with trusting_checkpoints(trust):
            content = _load(path, map_location)
    except _Unreadable as error:
        raise UsageError(f'checkpoint {path} {error}') from error
    return _dictionary(content, path)


def weights_in(content: dict) -> dict[str, Any]:
    """Weights of a checkpoint by name, as one process names them.

    Args:
        content: of the file, with weights under ``state_dict`` or alone.
    """
    state = content.get('state_dict', content)
    return {key.removeprefix('module.'): value for key, value in state.items()}


def guard_mmengine() -> None:
    """Make mmengine's loader of checkpoints read data only, from any place.

    ``load_from``, ``--resume``, ``init_cfg`` and ``pretrained`` all end in
    it. Whatever scheme a name has (a file, ``https://``, ``mmcls://``), the
    file is then read by :func:`torch.load`, which is ours meanwhile.
    """
    plain = CheckpointLoader.load_checkpoint.__func__
    if hasattr(plain, 'reads_data_only'):
        return

    def load_checkpoint(cls, filename, map_location=None, logger='current'):
        try:
            with patch.object(torch, 'load', _load):
                content = plain(cls, filename, map_location, logger)
        except FileNotFoundError as error:
            why = no_file(filename)
            raise UsageError(f'checkpoint {filename} {why}') from error
        except _Unreadable as error:
            raise UsageError(f'checkpoint {filename} {error}') from error
        except OSError as error:
            if '://' not in str(filename):
                raise
            raise UsageError(
                f'checkpoint {filename} cannot be downloaded ({error}). '
                'Connect to the network, or bring the file here by other '
                'means and name its path where the config names this address'
            ) from error
        return _dictionary(content, filename)

    load_checkpoint.reads_data_only = True  # type: ignore[attr-defined]
    load_checkpoint.__doc__ = plain.__doc__
    CheckpointLoader.load_checkpoint = classmethod(load_checkpoint)


class _PlainLoader(yaml.SafeLoader):
    """YAML as data, with the tuples that mmengine writes."""


_PlainLoader.add_constructor(
    'tag:yaml.org,2002:python/tuple',
    lambda loader, node: tuple(loader.construct_sequence(node)),
)


def guard_yaml() -> None:
    """Make mmengine read YAML, which nobody takes for a program, as data."""
    yaml_handler.Loader = _PlainLoader


def _dictionary(content: Any, path: str) -> dict:
    if not isinstance(content, dict):
        raise UsageError(
            f'checkpoint {path} holds a {type(content).__name__}, not a '
            'dictionary of weights. Give the file that a training saved'
        )
    state = content.get('state_dict', content)
    if not isinstance(state, dict) or any(type(k) is not str for k in state):
        raise UsageError(
            f'checkpoint {path} holds no dictionary of weights by their '
            'names. Give the file that a training saved'
        )
    return content


def _load(file: Any, map_location: Any = None, **_: Any) -> Any:
    """``torch.load`` that reads data only unless checkpoints are trusted.

    Raises:
        _Unreadable: saying why a file is refused.
    """
    try:
        if isinstance(file, (str, Path)) and is_safetensors(file):
            return read_safetensors(file, map_location)
        if _TRUST[0]:
            return _torch_load(
                file, map_location=map_location, weights_only=False
            )
        with _plain_types():
            return _torch_load(
                file, map_location=map_location, weights_only=True
            )
    except FileNotFoundError:
        raise
    except (MemoryError, PermissionError, IsADirectoryError) as error:
        raise _Unreadable(f'cannot be read ({error})') from error
    except Exception as error:  # damaged bytes raise nearly anything
        raise _Unreadable(_reason(file, error)) from error


def _reason(file: Any, error: Exception) -> str:
    """Why a file could not be read as data."""
    message = str(error)
    if isinstance(file, (str, Path)) and is_safetensors(file):
        return f'is a damaged file of safetensors ({message}). Copy it again'
    named = re.search(r'GLOBAL (\S+)', message)
    what = None
    if named:
        what = f'holds code ({named[1]})'
    elif 'unrecognized function' in message:
        what = 'calls a function'
    elif 'TorchScript' in message:
        what = 'is a TorchScript program'
    if what:
        return (
            f'{what} beside weights, which would run as soon as the file is '
            'read, and so it was not read. Take a file with weights only; or, '
            'only if you trust whoever made it as you trust a program, read '
            'it all the same with --trust-checkpoint'
        )
    start = b''
    if isinstance(file, (str, Path)):
        with open(file, 'rb') as stream:
            start = stream.read(8)
        if not start:
            return 'is empty. Copy or download it again'
    if start == MXNET_MAGIC:
        return (
            'is a file of MXNet, such as CBST published: convert it with '
            f'`mmsemi convert {file} --out OUT.pth` and use OUT.pth'
        )
    if start.startswith(b'PK'):
        return (
            'is damaged or incomplete. Copy or download it again, or take an '
            'earlier one'
        )
    return (
        'is not a checkpoint of PyTorch, or is damaged. Give a file that '
        'torch.save wrote'
    )


@contextmanager
def _plain_types() -> Iterator[None]:
    """Allow, for one reading, the types that training runs save.

    torch's list is put back afterwards; mmengine takes entries off it.
    """
    serialization = torch.serialization
    before = serialization.get_safe_globals()
    serialization.clear_safe_globals()
    # With getattr anything could be reached from anything.
    others = [entry for entry in before if entry is not getattr]
    serialization.add_safe_globals(others + _safe_globals())
    try:
        yield
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(before)


def _safe_globals() -> list[Callable | tuple[Callable, str]]:
    """What the state of a Runner consists of, beyond torch's own types.

    ``HistoryBuffer`` holds NumPy arrays and names its statistics. NumPy 1
    and 2 save under different module names.
    """
    core = getattr(np, '_core', None) or np.core
    arrays = [
        (function, f'numpy.{name}.multiarray.{function.__name__}')
        for function in (core.multiarray._reconstruct, core.multiarray.scalar)
        for name in ('core', '_core')
    ]
    kinds = 'Bool Int8 UInt8 Int16 UInt16 Int32 UInt32 Int64 UInt64'.split()
    dtypes = [
        getattr(np.dtypes, f'{kind}DType')
        for kind in (*kinds, 'Float16', 'Float32', 'Float64', 'Str')
    ]
    return [
        HistoryBuffer,
        (_statistic, 'builtins.getattr'),
        slice,
        np.ndarray,
        np.dtype,
        *arrays,
        *dtypes,
    ]


def _statistic(owner: type, name: str) -> Callable:
    """The only attributes that pickles of a Runner ask for."""
    if owner is not HistoryBuffer or name not in (
        'min',
        'max',
        'current',
        'mean',
    ):
        raise ValueError(f'GLOBAL builtins.getattr:{name}')
    return getattr(owner, name)
