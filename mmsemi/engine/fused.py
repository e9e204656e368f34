"""Fused optimizers: a step reads and writes every weight once.

PyTorch has them for years and leaves them off by default. Their kernels ask
for more than others do: weight, gradient and averages in one order of memory
(on a CPU nothing checks it), and averages of all weights or none.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from mmsemi.registry import OPTIMIZERS, class_of

FUSED = (SGD, Adam, AdamW)
DEVICES = ('cpu', 'cuda')
# Whoever sets one of these has chosen how steps are computed.
CHOICES = ('fused', 'foreach', 'differentiable')


def with_fused(settings: Mapping[str, Any], model: nn.Module) -> Any:
    """Settings of an ``optim_wrapper``, fused where nothing speaks against.

    That is for SGD, Adam and AdamW of PyTorch, on CPUs and CUDA devices, for
    models without embeddings whose gradients are sparse.
    SGD's results are the same, the others' differ by rounding.

    Args:
        settings: of the config, left as they are.
        model: on the device it will be trained on.

    Returns:
        A copy, or the settings themselves.
    """
    optimizer = settings.get('optimizer')
    if (
        not isinstance(optimizer, dict)
        or class_of(optimizer.get('type'), OPTIMIZERS) not in FUSED
        or any(key in optimizer for key in CHOICES)
        or optimizer.get('dampening', 0)  # see _give_momentum
        or any(getattr(part, 'sparse', False) for part in model.modules())
        or not all(
            weight.device.type in DEVICES and weight.is_floating_point()
            for weight in model.parameters()
        )
    ):
        return settings
    settings = deepcopy(settings)
    settings['optimizer']['fused'] = True
    return settings


def guard(wrapper: OptimWrapper | OptimWrapperDict) -> None:
    """Prepare steps of fused optimizers, and states that any of them load."""
    several = isinstance(wrapper, OptimWrapperDict)
    for each in wrapper.values() if several else [wrapper]:
        optimizer = getattr(each, 'optimizer', None)
        if not isinstance(optimizer, FUSED):
            continue
        # mmengine leaves ConfigDicts; looking things up in them takes longer
        # than the steps of small weights.
        optimizer.param_groups[:] = [
            dict(group) for group in optimizer.param_groups
        ]
        if getattr(optimizer, 'is_guarded', False):
            continue  # mmengine passes that of a resumed run here twice
        optimizer.is_guarded = True  # type: ignore[attr-defined]
        if is_fused(optimizer):
            optimizer.register_step_pre_hook(_prepare)
            # mmengine makes a group of every weight, so a call of the kernel.
            merger = OneGroupForEqualSettings()
            optimizer.register_step_pre_hook(merger.begin)
            optimizer.register_step_post_hook(merger.end)
            # After a step that failed.
            optimizer.register_state_dict_pre_hook(merger.end)
            optimizer.register_load_state_dict_pre_hook(merger.end)
        optimizer.register_load_state_dict_pre_hook(_keep_choices)


def is_fused(optimizer: Optimizer) -> bool:
    """Whether steps of an optimizer are fused."""
    return any(group.get('fused') for group in optimizer.param_groups)


class OneGroupForEqualSettings:
    """Groups of an optimizer that differ in nothing are one during a step.

    Schedules and checkpoints see them as they are; hooks on steps that others
    register see them together. U2PL's DeepLabV3+ has 360, with two different
    settings.
    """

    def __init__(self) -> None:
        self.groups: list[dict[str, Any]] | None = None

    def begin(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Put groups of equal settings together."""
        self.end(optimizer)  # if the last step has failed
        if any(group.get('dampening') for group in optimizer.param_groups):
            return  # weights may have no momentum yet, see _give_momentum
        together: dict[tuple, dict[str, Any]] = {}
        for group in optimizer.param_groups:
            settings = tuple(s for s in group.items() if s[0] != 'params')
            try:
                known = settings in together
            except TypeError:  # a setting without a hash
                return
            if not known:
                together[settings] = dict(settings, params=[])
            together[settings]['params'] += group['params']
        self.groups = optimizer.param_groups
        optimizer.param_groups = list(together.values())

    def end(self, optimizer: Optimizer, *_: Any) -> None:
        """Put the groups back."""
        if self.groups is not None:
            optimizer.param_groups, self.groups = self.groups, None


def _keep_choices(optimizer: Optimizer, state: dict) -> dict | None:
    """A state to load, computed with as this run does, not that it is from."""
    groups = state['param_groups']
    if len(groups) != len(optimizer.param_groups):
        return None  # PyTorch says so
    own = [
        {key: group[key] for key in CHOICES if key in group}
        for group in optimizer.param_groups
    ]
    groups = [
        dict(group, **keys) for group, keys in zip(groups, own, strict=True)
    ]
    return dict(state, param_groups=groups)


def _prepare(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
    """Give the kernels what they ask for, before a step."""
    for group in optimizer.param_groups:
        if not group.get('fused'):
            continue
        weights = [w for w in group['params'] if w.grad is not None]
        if group.get('momentum') and not group.get('dampening'):
            _give_momentum(optimizer, weights)
        for weight in weights:
            if not same_order(weight.grad, weight):
                weight.grad = reordered(weight.grad, weight)
            state = optimizer.state.get(weight, {})
            for key, value in state.items():
                averages = torch.is_tensor(value) and value.dim()  # no counts
                if averages and not same_order(value, weight):
                    state[key] = reordered(value, weight)


def _give_momentum(optimizer: Optimizer, weights: list[Tensor]) -> None:
    """Let weights without momentum, whose first gradient this is, have zero.

    Without dampening the step is the same as without. PyTorch would take
    memory as it is, and leave it so where a GradScaler skips the step.
    """
    for weight in weights:
        state = optimizer.state[weight]
        if state.get('momentum_buffer') is None:
            state['momentum_buffer'] = torch.zeros_like(weight)


def same_order(one: Tensor, other: Tensor) -> bool:
    """Whether elements of tensors of one shape lie in the same order."""
    return one.stride() == other.stride() or all(
        size == 1 or a == b
        for size, a, b in zip(
            one.shape, one.stride(), other.stride(), strict=True
        )
    )


def reordered(one: Tensor, other: Tensor) -> Tensor:
    """Values of a tensor in the order of another of its shape."""
    return torch.empty_like(other, requires_grad=False).copy_(one)
