"""Settings with which a training learns nothing, or the opposite."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from mmsemi.engine.student_config import dicts
from mmsemi.io.spelling import asked, closest, did_you_mean
from mmsemi.registry import LOOPS, MODELS, PARAM_SCHEDULERS, class_of, is_type
from mmsemi.utils.errors import UsageError

# Of mmengine's DefaultOptimWrapperConstructor, which passes over others.
_PARAMWISE = (
    'custom_keys',
    'lr_mult',
    'bias_lr_mult',
    'bias_decay_mult',
    'norm_decay_mult',
    'flat_decay_mult',
    'dwconv_decay_mult',
    'dcn_offset_lr_mult',
    'bypass_duplicate',
)
_OF_KEYS = ('lr_mult', 'decay_mult')
_USUAL = (None, 'DefaultOptimWrapperConstructor')
_BY_FIGURES = ('ReduceOnPlateauLR', 'ReduceOnPlateauParamScheduler')


def check_optimization(cfg: Config) -> list[str]:
    """Stop at rates, gradients and losses that cannot be meant.

    Args:
        cfg: resolved config of a training.

    Returns:
        Lines for the log.

    Raises:
        UsageError: naming the setting and its value.
    """
    wrapper = cfg.optim_wrapper
    if wrapper.get('constructor') in _USUAL:
        _check_wrapper(wrapper)
        _check_paramwise(wrapper.get('paramwise_cfg') or {})
    _check_schedulers(cfg)
    notes = []
    for part in dicts(cfg.model):
        weight = part.get('loss_weight')
        if _is_number(weight) and weight < 0:
            said = (
                f'loss_weight={weight} of {part.get("type", "a loss")}: with '
                'a negative weight the opposite is learned'
            )
            if not _is_foreign(part):
                raise UsageError(f'{said}. Take 0 or more')
            notes.append(said)
        std = part.get('std')
        if isinstance(std, (list, tuple)) and any(
            _is_number(value) and value <= 0 for value in std
        ):
            raise UsageError(
                f'std={tuple(std)} of {part.get("type", "the model")}: '
                'images are divided by it. Give positive numbers'
            )
    return notes


def _is_foreign(part: dict) -> bool:
    """Whether a loss is somebody's own, who may want it to grow.

    Those of diversity and the like are maximized so.
    """
    kind = class_of(part.get('type'), MODELS)
    return isinstance(kind, type) and kind.__module__.split('.')[0] not in (
        'mmsemi',
        'mmseg',
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_wrapper(wrapper: dict) -> None:
    optimizer = wrapper.get('optimizer')
    rate = optimizer.get('lr', 1) if isinstance(optimizer, dict) else 1
    if rate is None:  # Adafactor reckons its own
        rate = 1
    if not _is_number(rate) or rate <= 0:
        raise UsageError(
            f'optim_wrapper.optimizer.lr must be a number above 0, got '
            f'{rate!r}'
        )
    clip = wrapper.get('clip_grad')
    if clip is None:
        return
    place = 'optim_wrapper.clip_grad'
    if not isinstance(clip, dict):
        raise UsageError(
            f'{place} must be a dict such as dict(max_norm=35), got {clip!r}'
        )
    limit = 'clip_value' if clip.get('type') == 'value' else 'max_norm'
    if limit not in clip:
        near = closest(limit, clip)
        raise UsageError(
            f'{place} has no {limit}, the limit of gradients'
            + f', but {near}{asked(limit)}' * bool(near)
        )
    if not _is_number(clip[limit]) or clip[limit] <= 0:
        raise UsageError(
            f'{place}.{limit} must be a number above 0, got {clip[limit]!r}'
        )


def _check_paramwise(settings: Any) -> None:
    place = 'optim_wrapper.paramwise_cfg'
    if not isinstance(settings, dict):
        raise UsageError(
            f'{place} must be a dict of settings, got {settings!r}'
        )
    _check_known(settings, _PARAMWISE, place)
    keys = settings.get('custom_keys') or {}
    for name, changes in keys.items() if isinstance(keys, dict) else ():
        if not isinstance(changes, dict):
            raise UsageError(
                f'{place}.custom_keys.{name} must be a dict such as '
                f'dict(lr_mult=10), got {changes!r}'
            )
        _check_known(changes, _OF_KEYS, f'{place}.custom_keys.{name}')


def _check_known(settings: dict, known: tuple[str, ...], place: str) -> None:
    for name in settings:
        if name not in known:
            raise UsageError(
                f'{place}.{name}: nothing reads this'
                f'{did_you_mean(name, known) or "."} There are '
                f'{", ".join(known)}'
            )


def _check_schedulers(cfg: Config) -> None:
    """Schedules in epochs never move in a run of iterations."""
    loop = cfg.train_cfg
    counts = isinstance(loop.get('max_iters'), int) and not loop.get(
        'by_epoch'
    )
    if not counts and not is_type(loop, LOOPS, 'SelfTrainingLoop'):
        return
    for place, scheduler in _schedulers(cfg.get('param_scheduler')):
        # Those that wait for a figure move after each validation.
        moves = scheduler.get('convert_to_iter_based') or is_type(
            scheduler, PARAM_SCHEDULERS, *_BY_FIGURES
        )
        if scheduler.get('by_epoch', True) and not moves:
            raise UsageError(
                f'{place} ({scheduler.get("type")}) counts epochs, which is '
                'usual, but the run counts iterations, so the rate would '
                f'never change. Set {place}.by_epoch=False'
            )


def _schedulers(given: Any, place='param_scheduler') -> Iterator:
    if isinstance(given, dict) and 'type' in given:
        yield place, given
    elif isinstance(given, dict):
        for name, part in given.items():
            yield from _schedulers(part, f'{place}.{name}')
    elif isinstance(given, (list, tuple)):
        for number, part in enumerate(given):
            yield from _schedulers(part, f'{place}.{number}')
