"""What a conversion gives, and how it is checked."""

import copy
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from torch import Tensor

from mmsemi.io.package_configs import config_folder
from mmsemi.models.weights import some
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError

State = dict[str, Tensor]


class Converted(NamedTuple):
    """Weights under the names of a network of ours.

    Attributes:
        state: the weights.
        unused: names of tensors of the file that are left out.
        fits: what the weights fit, in words.
    """

    state: State
    unused: list[str]
    fits: str


def rename(
    source: State, new_name: Callable[[str], str | None], title: str
) -> tuple[State, list[str]]:
    """Weights by new names, and the names of those that have none.

    Args:
        source: weights by their published names.
        new_name: gives the new name, or None.
        title: whose weights these are, for messages.

    Raises:
        UsageError: if two tensors would get one name.
    """
    state: State = {}
    unused = []
    for key, value in source.items():
        name = new_name(key)
        if name is None:
            unused.append(key)
        elif name in state:
            raise UsageError(f'{title}: {key} and another tensor are {name}')
        else:
            state[name] = value
    return state, unused


def base_model(name: str, **changes) -> ConfigDict:
    """Config of a network that mmsemi brings, changed.

    Args:
        name: of a file in ``configs/_base_/models``.
        changes: of settings, by dotted names with ``__`` for dots.
    """
    path = config_folder('mmsemi') / '_base_/models' / f'{name}.py'
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(
        {f'model.{k.replace("__", ".")}': v for k, v in changes.items()}
    )
    return cfg.model


def check_fit(
    model: dict, state: State, title: str, extra: Iterable[str] = ()
) -> None:
    """Compare names and shapes with those of a network.

    Args:
        model: config of a segmentor or of a part of one.
        state: converted weights.
        title: whose weights these are, for messages.
        extra: beginnings of names that the network may lack.

    Raises:
        UsageError: counting and naming what does not fit.
    """
    model = copy.deepcopy(model)
    for part in (model, model.get('backbone') or {}):
        part['init_cfg'] = None
    with torch.device('meta'), DefaultScope.overwrite_default_scope('mmsemi'):
        wanted = MODELS.build(model).state_dict()
    counted = 'num_batches_tracked'
    missing = [k for k in wanted if k not in state and counted not in k]
    unknown = [
        k for k in state if k not in wanted and not k.startswith(tuple(extra))
    ]
    misshapen = [
        f'{k}: {tuple(state[k].shape)} instead of {tuple(v.shape)}'
        for k, v in wanted.items()
        if k in state and state[k].shape != v.shape
    ]
    problems = [
        f'{len(names)} {what} ({some(names)})'
        for what, names in (
            ('are missing', missing),
            ('are no part of it', unknown),
            ('have another shape', misshapen),
        )
        if names
    ]
    if problems:
        raise UsageError(
            f'these weights are not those of the published network of '
            f'{title}: of its tensors {"; ".join(problems)}. Give the '
            'file as its authors published it'
        )


def count_blocks(state: Iterable[str], pattern: str) -> int:
    """How many blocks of a stage weights have.

    Args:
        state: names.
        pattern: of names, with ``{}`` for the number of the block.
    """
    names, number = set(state), 0
    while pattern.format(number) in names:
        number += 1
    return number


def swap_halves(weight: Tensor, first: int) -> Tensor:
    """A kernel for inputs in the other order.

    Args:
        weight: (out, in, h, w).
        first: number of the inputs that come first so far.
    """
    return torch.cat([weight[:, first:], weight[:, :first]], 1)
