"""Whether the settings of a config fit one another."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmengine.config import Config

from mmsemi.io.spelling import did_you_mean
from mmsemi.registry import DATA_SAMPLERS, is_type
from mmsemi.utils.errors import UsageError

from .figures import check_best, check_metrics
from .names import check_hook_names, settings
from .numbers import check_numbers

LOG_LEVELS = (
    *('NOTSET', 'DEBUG', 'INFO', 'WARN', 'WARNING', 'ERROR'),
    *('CRITICAL', 'FATAL'),
)
# Arguments of torch's DataLoader that need workers, and what says none.
OF_WORKERS = dict(persistent_workers=False, prefetch_factor=None, timeout=0)


def check_settings(cfg: Config) -> None:
    """Stop with one sentence where two settings contradict each other.

    Raises:
        UsageError: naming both settings and their values.
    """
    check_numbers(cfg)
    for name, loader in cfg.items():
        if name.endswith('_dataloader') and isinstance(loader, dict):
            _check_loader(name, loader)
    for phase in ('val', 'test'):
        _check_phase(cfg, phase)
        check_metrics(cfg, phase)
    check_best(cfg)
    _check_default_hooks(cfg)
    level = cfg.get('log_level', 'INFO')
    if type(level) is not int and level not in LOG_LEVELS:
        raise UsageError(
            f'log_level must be one of {", ".join(LOG_LEVELS)}, got {level!r}'
        )
    if cfg.get('model'):
        _check_class_weights(cfg.model)


def check_device(name: str) -> None:
    """Stop if a command is to run on a device that is not there.

    Raises:
        UsageError: naming it and what there is.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(
            f'--device {name}: no name of a device. Use cpu, cuda or cuda:1'
        ) from error
    number = torch.cuda.device_count()
    if device.type == 'cuda' and (device.index or 0) >= number:
        raise UsageError(
            f'--device {name}: PyTorch sees '
            f'{f"{number} GPUs, numbered from 0" if number else "no GPU"}. '
            'Use cpu, or install a PyTorch that fits the GPU and its driver'
        )


def _check_loader(name: str, loader: dict) -> None:
    for option in OF_WORKERS:
        if loader.get(option) and not loader.get('num_workers'):
            raise UsageError(
                f'{name}.{option}={loader[option]} needs workers, but '
                f'{name}.num_workers={loader.get("num_workers", 0)}. Set '
                f'{name}.{option}={OF_WORKERS[option]}, or use workers'
            )
    size = loader.get('batch_size')
    if size is not None and (not isinstance(size, int) or size < 1):
        raise UsageError(f'{name}.batch_size must be 1 or more, got {size}')
    sampler = loader.get('sampler')
    sources = sampler.get('samples_per_source') if sampler else None
    if sources is not None and (
        not isinstance(sources, (list, tuple))
        or any(type(number) is not int or number < 0 for number in sources)
    ):
        raise UsageError(
            f'{name}.sampler.samples_per_source must be a whole number of 0 '
            f'or more for each source, got {sources!r}'
        )
    drawn, partners = sum(sources or ()), ''
    if is_type(sampler, DATA_SAMPLERS, 'CutMixPartnerSampler'):
        drawn += sources[-1]
        partners = ' with a partner for each of the last'
    if sources and size and drawn != size:
        raise UsageError(
            f'{name}.batch_size={size}, but its sampler draws '
            f'samples_per_source={tuple(sources)} for a batch{partners}, '
            f'which is {drawn}. Make the two equal'
        )


def _check_default_hooks(cfg: Config) -> None:
    """Hooks have types; a name without one is misspelt."""
    hooks = cfg.get('default_hooks') or {}
    for name, hook in hooks.items():
        if isinstance(hook, dict) and 'type' not in hook:
            raise UsageError(
                f'default_hooks.{name} has no type, so no hook can be made '
                f'of it{did_you_mean(name, hooks, "default_hooks.")}'
            )


def _check_phase(cfg: Config, phase: str) -> None:
    """Validation and test are there with all their parts, or not at all."""
    keys = [f'{phase}_{part}' for part in ('dataloader', 'evaluator', 'cfg')]
    given = [key for key in keys if cfg.get(key) is not None]
    if given and len(given) < 3:
        absent = [key for key in keys if key not in given]
        raise UsageError(
            f'the config has {" and ".join(given)}, but no '
            f'{" and no ".join(absent)}. Set all three, or all to None'
        )


def _check_class_weights(model: dict) -> None:
    """Losses have a weight for each class of their head."""
    student = model.get('student') or model
    heads = student.get('decode_head')
    head = heads[-1] if isinstance(heads, (list, tuple)) else heads
    number = (head or {}).get('num_classes')
    for place, part in _parts(model, 'model'):
        weights = part.get('class_weight')
        # Binary heads are told apart by `out_channels`.
        classes = part.get('num_classes', number)
        if (
            isinstance(weights, Sequence)
            and not isinstance(weights, str)
            and classes
            and part.get('out_channels', classes) == classes
            and len(weights) != classes
        ):
            raise UsageError(
                f'{place}.class_weight has {len(weights)} values, but there '
                f'are num_classes={classes}. Give one weight for each class, '
                'or none'
            )


def _parts(value: Any, place: str) -> Iterator[tuple[str, dict]]:
    """Dictionaries of a config, and where they stand."""
    if isinstance(value, dict):
        yield place, value
        for key, item in value.items():
            yield from _parts(item, f'{place}.{key}')
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _parts(item, f'{place}.{number}')


def check_options(cfg: Config, options: dict, written: Config) -> None:
    """Stop where ``--cfg-options`` set what nothing reads.

    Variables of a config file have done their work when it was read; to
    change them then is without effect.

    Args:
        cfg: config, with the options in it.
        options: their values by dotted names.
        written: config without them.

    Raises:
        UsageError: naming the option and settings it may be meant for.
    """
    known = settings()
    for option, value in options.items():
        name = option.split('.')[0]
        if name in known:
            continue
        meant = [
            f'{place}.{name}'
            for key in cfg
            if key in known
            for place, part in _parts(cfg[key], key)
            if name in part
        ]
        advice = (
            f'Perhaps {" or ".join(meant[:3])} is meant'
            if meant
            else 'Set what it stands for, or change it in a copy of the file'
        )
        start = f'--cfg-options {option}={value} would change nothing: '
        if name in written:
            raise UsageError(
                f'{start}{name} is a variable of the config file, which has '
                f'been read by then. {advice}'
            )
        if similar := did_you_mean(name, known):
            raise UsageError(f'{start}nothing reads {name}{similar}')
        if not meant:
            advice = 'The settings are those of the config file'
        raise UsageError(f'{start}nothing reads {name}. {advice}')
    check_hook_names(options, written)
