"""The optimizers of a run, of which a model may have several."""

from collections.abc import Mapping
from typing import Any

from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn

from mmsemi.io.spelling import did_you_mean

# Who reads `custom_keys` as parts of names.
_USUAL = (None, 'DefaultOptimWrapperConstructor')


def single_wrappers(
    optim_wrapper: OptimWrapper | OptimWrapperDict,
) -> list[OptimWrapper]:
    """The wrappers that hold one optimizer each."""
    if isinstance(optim_wrapper, OptimWrapperDict):
        return list(optim_wrapper.values())
    return [optim_wrapper]


def forget_moments(optim_wrapper: OptimWrapper | OptimWrapperDict) -> None:
    """Let every optimizer start anew: momenta and averages are dropped."""
    for wrapper in single_wrappers(optim_wrapper):
        wrapper.optimizer.state.clear()


def groups_of(optim_wrapper: OptimWrapper | OptimWrapperDict) -> list[dict]:
    """Groups of parameters of all optimizers."""
    return [
        group
        for wrapper in single_wrappers(optim_wrapper)
        for group in wrapper.param_groups
    ]


def idle_keys(settings: Mapping[str, Any], model: nn.Module) -> list[str]:
    """A sentence for each of ``custom_keys`` that is about no weight.

    mmengine passes over those, so that all weights would be trained at one
    rate, and nobody would know.

    Args:
        settings: ``optim_wrapper`` of a config.
        model: to be trained.
    """
    if settings.get('constructor') not in _USUAL:
        return []
    keys = (settings.get('paramwise_cfg') or {}).get('custom_keys') or {}
    # mmengine looks for a key in the path behind a dot.
    names = [
        name if '.' in name else f'.{name}'
        for name, _ in model.named_parameters()
    ]
    parts = {part for name in names for part in name.split('.') if part}
    return [
        f'optim_wrapper.paramwise_cfg.custom_keys: no weight of the model has '
        f'{key!r} in its name, so this key changes nothing'
        f'{did_you_mean(key, parts)}'
        for key in keys
        if not any(key in name for name in names)
    ]
