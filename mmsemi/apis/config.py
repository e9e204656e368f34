"""Configs as the commands read them."""

import traceback
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config
from mmengine.device import get_device

from mmsemi.doctor.names import check_kinds, check_names
from mmsemi.doctor.settings import check_options
from mmsemi.engine.build import resolve
from mmsemi.engine.student_config import dicts
from mmsemi.io.package_configs import plain_import_errors
from mmsemi.registry import DATASETS, bare_name, class_of
from mmsemi.utils.errors import UsageError

# What a network takes from its data, see `mmsemi.engine.build.fit_model`.
DECIDED = ('num_classes', 'size', 'classes', 'num_seen')


def load_config(
    path: str,
    options: dict | None = None,
    split: str | None = None,
    world_size: int | None = None,
    accumulate: int = 1,
) -> Config:
    """Read a config file, apply ``--cfg-options`` and resolve its facts.

    Args:
        path: config file, or ``package::path`` of one.
        options: values by dotted names.
        split: see :func:`mmsemi.engine.build.resolve`, as are the others.

    Raises:
        UsageError: see :func:`read_config`.
    """
    cfg = resolve(read_config(path, options), split, world_size, accumulate)
    check_overruled(cfg, options)
    return cfg


def read_config(path: str, options: dict | None = None) -> Config:
    """Read a config file and apply ``--cfg-options``.

    Raises:
        UsageError: if the file, or one it is based on, does not exist, or
            if something it needs is not installed.
    """
    try:
        with plain_import_errors(f'config {path}'):
            cfg = Config.fromfile(path)
    except UsageError:
        raise
    except FileNotFoundError as error:
        raise UsageError(
            f'config {path}: {error.filename or error} not found'
        ) from error
    except SystemExit as error:
        raise UsageError(f'config {path} ends the program') from error
    except Exception as error:  # a config is a program
        raise UsageError(f'config {path}{_why(error)}') from error
    check_names(cfg)
    set_options(cfg, options)
    check_kinds(cfg)
    return cfg


def _why(error: Exception) -> str:
    """Where and why a config, or one it is based on, cannot be read."""
    line, kind = getattr(error, 'lineno', None), ''
    if isinstance(error, RecursionError):
        return ': _base_ leads back to the config itself. Take that line out'
    if not isinstance(error, (SyntaxError, ValueError, yaml.YAMLError)):
        kind = f'{type(error).__name__}, '
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.name == '<module>':  # of a config that was run
            line = f'{frame.lineno} of {frame.filename}'
    message = getattr(error, 'msg', error.args[0] if error.args else error)
    return (
        f'{f", line {line}" if line else ""} (or a file it is based on): '
        f'{kind}{" ".join(str(message).split()).rstrip(".!")}. The file is '
        'damaged or mistyped'
    )


def set_options(cfg: Config, options: dict | None) -> None:
    """Change settings by dotted names.

    Raises:
        UsageError: if nothing reads one of them, or if one names a place
            that the config does not have.
    """
    if options:
        written = Config(cfg.to_dict())
        merge_options(cfg, options)
        check_options(cfg, options, written)


def check_overruled(cfg: Config, options: dict | None) -> None:
    """Stop where the facts of the data overrule an option.

    Args:
        cfg: resolved config.
        options: settings that were given, by their dotted names.

    Raises:
        UsageError: naming the option, and what it became.
    """
    for option, given in (options or {}).items():
        found: Any = cfg
        for name in option.split('.') if option.startswith('model.') else ():
            found = found.get(name) if hasattr(found, 'get') else None
        fixed = option.rpartition('.')[2] in DECIDED
        if fixed and found is not None and _plain(found) != _plain(given):
            raise UsageError(
                f'--cfg-options {option}={given} contradicts the data set, '
                f'which makes it {found}. Leave the option out, or change '
                'the classes (metainfo) or crop_size of the data'
            )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


def merge_options(cfg: Config, options: dict) -> None:
    """Apply ``--cfg-options``.

    Raises:
        UsageError: if one names a place that the config does not have.
    """
    for option, value in options.items():
        if not all(option.split('.')):
            raise UsageError(
                f'--cfg-options {option}={value}: a part of the name is '
                'empty. Write KEY=VALUE, such as train_cfg.max_iters=100'
            )
        _check_part(cfg, option, value)
        try:
            cfg.merge_from_dict({option: value})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            why = ' '.join(str(error.args[0] if error.args else error).split())
            raise UsageError(
                f'--cfg-options {option}={value} does not fit the config: '
                f'{why.rstrip(".")}. Correct the name, or replace the whole '
                'part in a copy of the config'
            ) from error


def _check_part(cfg: Config, option: str, value: Any) -> None:
    """Refuse a word where a part with a type and settings is.

    The name of a config is none: a network may be taken from there.
    """
    place: Any = cfg
    for name in option.split('.'):
        if isinstance(place, list) and name.isdigit():
            place = dict(enumerate(place)).get(int(name))
        else:
            found = isinstance(place, (dict, Config))
            place = place.get(name) if found else None
    if not isinstance(place, dict) or 'type' not in place:
        return
    if isinstance(value, str) and value.endswith('.py'):
        return
    items = value if isinstance(value, (list, tuple)) else [value]
    if value is not None and any(
        isinstance(item, (str, int, float)) and item is not False
        for item in items
    ):
        raise UsageError(
            f'--cfg-options {option}={value}: {option} is a part with '
            f'settings of its own. Name one of them, such as {option}.type='
            f'{place["type"]}'
        )


def set_work_dir(
    cfg: Config,
    config_path: str,
    work_dir: str | None,
    suffix: str = '',
    split: str | None = None,
) -> Path:
    """Work dir from the option, else the config, else the config's name.

    ``configs/<method>/<name>.py`` gives ``work_dirs/<method>/<name>``. A
    split chosen on the command line is a part of it, a folder by its last
    two names: ``<name>_1_16-seed1``.

    Raises:
        UsageError: if the config's is empty, which would be the folder one
            is in.
    """
    if cfg.get('work_dir') == '':
        raise UsageError("work_dir is ''. Name a folder, or leave it out")
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        *folders, name = Path(config_path).with_suffix('').parts
        below = (
            folders[folders.index('configs') + 1 :]
            if 'configs' in folders
            else []
        )
        if split:
            parts = [p for p in Path(split).parts if p.strip('./')]
            name = f'{name}_{"-".join(parts[-2:])}'
        cfg.work_dir = str(Path('work_dirs', *below, name, suffix))
    return Path(cfg.work_dir)


def enable_amp(cfg: Config) -> None:
    """Turn on automatic mixed precision, as mmseg's ``--amp`` does."""
    if get_device() == 'cpu':
        raise UsageError('--amp needs a GPU, and none was found')
    kind = bare_name(cfg.optim_wrapper.get('type', 'OptimWrapper'))
    if kind == 'AmpOptimWrapper':
        return
    if kind != 'OptimWrapper':
        raise UsageError(
            '--amp replaces an OptimWrapper; the config has '
            f'optim_wrapper.type={kind}'
        )
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def check_amp(cfg: Config) -> None:
    """Check that a config in mixed precision finds a GPU.

    Raises:
        UsageError: if it does not.
    """
    wrapper = cfg.get('optim_wrapper')
    kind = wrapper.get('type') if isinstance(wrapper, dict) else None
    if bare_name(kind) == 'AmpOptimWrapper' and get_device() == 'cpu':
        raise UsageError(
            'the config trains in mixed precision (AmpOptimWrapper), which '
            'needs a GPU, and none was found. On a CPU: --cfg-options '
            'optim_wrapper.type=OptimWrapper'
        )


def prepare_generated(cfg: Config) -> None:
    """Write the procedural sets a config names, before lists are read."""
    for part in dicts(cfg.to_dict()):
        if 'type' in part and isinstance(part.get('data_root'), str):
            dataset: Any = class_of(part['type'], DATASETS)
            if getattr(dataset, 'GENERATED', False):
                dataset.prepare(part['data_root'])
