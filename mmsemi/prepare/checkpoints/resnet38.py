"""ResNet-38 of CBST, published for MXNet."""

import re

import torch

from mmsemi.utils.errors import UsageError

from .converted import Converted, State, base_model, check_fit, rename

# ``res4b5_branch2b1_weight``: level 4, block 5 (from 0), second convolution.
_LAYER = re.compile(
    r'(res|bn)(\d)(a|b\d+)_(branch1|branch2a|branch2b\d)_(\w+)'
)
_NORMS = dict(
    gamma='weight',
    beta='bias',
    moving_mean='running_mean',
    moving_var='running_var',
)
_HEAD = re.compile(r'linear(\d+)_(weight|bias)')
IMAGENET = 1000


def new_name(key: str) -> str | None:
    """Name of an array in our network; None for what it does not have."""
    key = key.partition(':')[2] or key
    if key == 'conv1a_weight':
        return 'backbone.conv1.weight'
    last = re.fullmatch(r'bn7_(\w+)', key)
    if last and last[1] in _NORMS:
        return f'backbone.norm.{_NORMS[last[1]]}'
    found = _LAYER.fullmatch(key)
    if found:
        kind, level, block, branch, what = found.groups()
        place = 0 if block == 'a' else int(block[1:])
        start = f'backbone.levels.{int(level) - 2}.{place}'
        if branch == 'branch1':
            return f'{start}.shortcut.weight' if what == 'weight' else None
        number = 0 if branch == 'branch2a' else int(branch[-1])
        if kind == 'res':
            return (
                f'{start}.convs.{number}.weight' if what == 'weight' else None
            )
        return (
            f'{start}.norms.{number}.{_NORMS[what]}'
            if what in _NORMS
            else None
        )
    head = re.fullmatch(r'conv6a_(weight|bias)', key)
    if head:
        return f'decode_head.convs.0.conv.{head[1]}'
    classes = _HEAD.fullmatch(key)
    if classes and int(classes[1]) != IMAGENET:
        return f'decode_head.conv_seg.{classes[2]}'
    return None


def convert(source: State) -> Converted:
    """A whole network of 19 or 16 classes, or the body alone.

    Args:
        source: arrays of :func:`.mxnet.read_params` as tensors.

    Raises:
        UsageError: if the network is another.
    """
    state, unused = rename(source, new_name, 'CBST')
    state = {key: value.float() for key, value in state.items()}
    title = "CBST's ResNet-38"
    if not any(key.startswith('backbone.levels.5.') for key in state):
        raise UsageError(
            f'these arrays are no {title}: none is called like '
            'res7a_branch2a_weight'
        )
    classes = state.get('decode_head.conv_seg.bias')
    if classes is None:
        body = {
            key.removeprefix('backbone.'): value
            for key, value in state.items()
            if key.startswith('backbone.')
        }
        check_fit(dict(type='ResNet38'), body, title)
        unused += [key for key in state if not key.startswith('backbone.')]
        return Converted(body, unused, 'ResNet38, the backbone')
    number = len(classes)
    check_fit(
        base_model('resnet38-d8', decode_head__num_classes=number),
        state,
        title,
    )
    return Converted(
        state, unused, f'the network of configs/cbst with {number} classes'
    )


def tensors(arrays: dict) -> State:
    """Arrays as tensors of their own."""
    return {key: torch.tensor(value) for key, value in arrays.items()}
