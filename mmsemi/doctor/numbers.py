"""Whether the numbers of a config can be meant."""

import math
from typing import Any

from mmengine.config import Config

from mmsemi.registry import LOOPS, OPTIMIZERS, class_of, is_type
from mmsemi.utils.errors import UsageError

# Whole numbers, and the lowest each may be. None leaves them out.
_COUNTS = {
    'train_cfg.max_iters': 1,
    'train_cfg.max_epochs': 1,
    'train_cfg.val_interval': 1,
    'train_cfg.val_begin': 0,
    'default_hooks.checkpoint.interval': -1,
    'default_hooks.checkpoint.max_keep_ckpts': -1,
    'randomness.seed': 0,
}
_OPTIONAL = ('train_cfg.max_epochs', 'randomness.seed')
# Loops in rounds validate at the end of each in any case, others may never.
_OPTIONAL_INTERVAL = (*_OPTIONAL, 'train_cfg.val_interval')
_SEEDS = 2**32
# What a training consists of; each a dict of settings.
_PARTS = ('model', 'train_cfg', 'train_dataloader', 'optim_wrapper')


def check_parts(cfg: Config) -> None:
    """Stop where a config lacks what a training consists of.

    Raises:
        UsageError: naming the part.
    """
    for name in _PARTS:
        if not cfg.get(name) or not isinstance(cfg[name], dict):
            raise UsageError(
                f'{name} must be a dict of settings, got {cfg.get(name)!r}. '
                'Without it nothing can be trained'
            )
    wrapper = cfg.optim_wrapper
    if wrapper.get('constructor') and 'optimizer' not in wrapper:
        return  # it makes several, and knows their settings
    optimizer = wrapper.get('optimizer') or {}
    kind = optimizer.get('type') if isinstance(optimizer, dict) else optimizer
    if not class_of(kind, OPTIMIZERS):
        raise UsageError(
            f'optim_wrapper.optimizer.type: there is no optimizer {kind}. '
            'Check its spelling, or import the module that registers it: '
            "custom_imports = dict(imports=['...'])"
        )


def check_numbers(cfg: Config) -> None:
    """Stop at a number that no run could go by.

    Raises:
        UsageError: naming the setting and its value.
    """
    for name, value in cfg.items():
        _check_finite(value, name)
    counts = dict(_COUNTS)
    for name, loader in cfg.items():
        if name.endswith('_dataloader') and isinstance(loader, dict):
            counts[f'{name}.num_workers'] = 0
    rounds = is_type(cfg.get('train_cfg') or {}, LOOPS, 'SelfTrainingLoop')
    free = rounds or not cfg.get('val_cfg')
    optional = _OPTIONAL_INTERVAL if free else _OPTIONAL
    for place, lowest in counts.items():
        _check_count(cfg, place, lowest, place in optional)
    saving = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    if saving.get('max_keep_ckpts') == 0:
        raise UsageError(
            'default_hooks.checkpoint.max_keep_ckpts=0 would keep all '
            'checkpoints. Say how many, or -1 if all are meant'
        )
    seed = (cfg.get('randomness') or {}).get('seed') or 0
    if seed >= _SEEDS:
        raise UsageError(
            f'randomness.seed must be below 2**32 = {_SEEDS}, got {seed}'
        )


def _check_count(cfg: Config, place: str, lowest: int, optional: bool) -> None:
    *groups, name = place.split('.')
    part: Any = cfg
    for group in groups:
        part = part.get(group)
        if part is None:
            return
        if not isinstance(part, dict):
            raise UsageError(
                f'{group} must be a dict of settings, got {part!r}'
            )
    if name not in part or (part[name] is None and optional):
        return
    value = part[name]
    if type(value) is not int or value < lowest:
        raise UsageError(
            f'{place} must be a whole number of {lowest} or more, got '
            f'{value!r}'
        )


def _check_finite(value: Any, place: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _check_finite(item, f'{place}.{key}')
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            _check_finite(item, f'{place}.{number}')
    elif isinstance(value, float) and math.isnan(value):
        raise UsageError(f'{place} is {value}, not a number. Give a number')
