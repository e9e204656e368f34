"""DeepLabV3+ with a deep-stem ResNet: U2PL and AEL, UniMatch and ST++."""

import re

import torch

from mmsemi.utils.errors import UsageError

from .converted import (
    Converted,
    State,
    base_model,
    check_fit,
    rename,
    swap_halves,
)
from .resnets import deep_stem_name, depth_of

# Branches of ASPP: ours begins with the pooled one, then dilation 1.
_U2PL = (
    (r'decoder\.aspp\.conv1\.1', 'image_pool.1.conv'),
    (r'decoder\.aspp\.conv1\.2', 'image_pool.1.bn'),
    (r'decoder\.aspp\.conv([2-5])\.0', 'aspp_modules.{}.conv'),
    (r'decoder\.aspp\.conv([2-5])\.1', 'aspp_modules.{}.bn'),
    (r'decoder\.head\.0', 'bottleneck.conv'),
    (r'decoder\.head\.1', 'bottleneck.bn'),
    (r'decoder\.low_conv\.0', 'c1_bottleneck.conv'),
    (r'decoder\.low_conv\.1', 'c1_bottleneck.bn'),
    (r'decoder\.(?:classifier|tail)\.0', 'convs.0.conv'),
    (r'decoder\.(?:classifier|tail)\.1', 'convs.0.bn'),
    (r'decoder\.(?:classifier|tail)\.4', 'convs.2.conv'),
    (r'decoder\.(?:classifier|tail)\.5', 'convs.2.bn'),
    (r'decoder\.(?:classifier\.8|final(?:\.\d+)?)', 'conv_seg'),
    (r'decoder\.representation\.0', 'representation_head.0.conv'),
    (r'decoder\.representation\.1', 'representation_head.0.bn'),
    (r'decoder\.representation\.4', 'representation_head.2.conv'),
    (r'decoder\.representation\.5', 'representation_head.2.bn'),
    (r'decoder\.representation\.8', 'representation_head.4'),
)
_AUXILIARY = (
    (r'aux\w*\.aux\.0', 'convs.0.conv'),
    (r'aux\w*\.aux\.1', 'convs.0.bn'),
    (r'aux\w*\.aux\.4', 'conv_seg'),
)
_UNIMATCH = (
    (r'head\.b4\.gap\.1', 'image_pool.1.conv'),
    (r'head\.b4\.gap\.2', 'image_pool.1.bn'),
    (r'head\.b([0-3])\.0', 'aspp_modules.{}.conv'),
    (r'head\.b([0-3])\.1', 'aspp_modules.{}.bn'),
    (r'head\.project\.0', 'bottleneck.conv'),
    (r'head\.project\.1', 'bottleneck.bn'),
    (r'reduce\.0', 'c1_bottleneck.conv'),
    (r'reduce\.1', 'c1_bottleneck.bn'),
    (r'fuse\.0', 'convs.0.conv'),
    (r'fuse\.1', 'convs.0.bn'),
    (r'fuse\.3', 'convs.1.conv'),
    (r'fuse\.4', 'convs.1.bn'),
    (r'classifier', 'conv_seg'),
)


def _translate(key: str, table: tuple, first: int) -> str | None:
    """New name of a part, whose branches are counted from ``first``."""
    part, _, what = key.rpartition('.')
    for pattern, name in table:
        found = re.fullmatch(pattern, part)
        if found:
            number = int(found[1]) - first if found.groups() else 0
            return f'{name.format(number)}.{what}'
    return None


def u2pl_name(key: str) -> str | None:
    """Name of a tensor of U2PL or AEL in our network."""
    if key.startswith('encoder.'):
        return f'backbone.{deep_stem_name(key.removeprefix("encoder."))}'
    name = _translate(key, _U2PL, 2)
    if name is not None:
        return f'decode_head.{name}'
    name = _translate(key, _AUXILIARY, 0)
    return None if name is None else f'auxiliary_head.{name}'


def convert_u2pl(source: State, title: str) -> Converted:
    """The network of U2PL and AEL.

    There the low-level features come first, behind them those of ASPP; ours
    has them the other way round. The bias in front of the auxiliary head's
    normalization goes into its mean.

    Args:
        source: weights of one network of the file, student or teacher.
        title: whose weights these are.

    Raises:
        UsageError: if the network is another.
    """
    state, unused = rename(source, u2pl_name, title)
    for part in ('convs.0.conv', 'representation_head.0.conv'):
        key = f'decode_head.{part}.weight'
        if key in state:
            state[key] = swap_halves(state[key], 256)
    bias = state.pop('auxiliary_head.convs.0.conv.bias', None)
    if bias is not None:
        key = 'auxiliary_head.convs.0.bn.running_mean'
        state[key] = state[key] - bias
    classes = len(state.get('decode_head.conv_seg.bias', ()))
    if not classes:
        raise UsageError(f'{title}: the file has no classifier')
    head: dict = dict(decode_head__num_classes=classes)
    parts = []
    if any('representation_head' in key for key in state):
        head['decode_head__representation_head'] = dict(
            type='RepresentationHead'
        )
        parts.append('representation')
    model = base_model(
        'deeplabv3plus_r101-deep-stem_u2pl',
        backbone__depth=depth_of(state, 'backbone.'),
        **head,
    )
    if any(key.startswith('auxiliary_head.') for key in state):
        model.auxiliary_head = auxiliary(classes)
        parts.append('auxiliary head')
    check_fit(model, state, title)
    with_parts = f' with {" and ".join(parts)}' if parts else ''
    return Converted(
        state,
        unused,
        f'the DeepLabV3+ of configs/u2pl and configs/ael{with_parts}, '
        f'{classes} classes',
    )


def auxiliary(classes: int) -> dict:
    """The auxiliary head of U2PL on Cityscapes, and of AEL."""
    return dict(
        type='FCNHead',
        in_channels=1024,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        num_classes=classes,
        norm_cfg=dict(type='BN', requires_grad=True),
    )


def unimatch_name(key: str) -> str | None:
    """Name of a tensor of UniMatch or ST++ in our network."""
    if key.startswith('backbone.'):
        return f'backbone.{deep_stem_name(key.removeprefix("backbone."))}'
    name = _translate(key, _UNIMATCH, 0)
    return None if name is None else f'decode_head.{name}'


def convert_unimatch(source: State, title: str) -> Converted:
    """The network of UniMatch (version 1) and ST++.

    Its 1x1 convolution behind ASPP becomes the middle of our 3x3, its order
    of branches (pooled last) and of inputs (low-level first) ours, and
    convolutions without a bias get one of 0: the output is the same.

    Args:
        source: weights by their published names.
        title: whose weights these are.

    Raises:
        UsageError: if the network is another.
    """
    state, unused = rename(source, unimatch_name, title)
    for key in ('bottleneck.conv.weight', 'conv_seg.bias'):
        if f'decode_head.{key}' not in state:
            raise UsageError(f'{title}: the file has no {key}')
    classes = len(state['decode_head.conv_seg.bias'])
    key = 'decode_head.bottleneck.conv.weight'
    narrow = state[key]
    if tuple(narrow.shape) == (256, 1280, 1, 1):
        wide = narrow.new_zeros(256, 1280, 3, 3)
        wide[:, :, 1:2, 1:2] = swap_halves(narrow, 1024)
        state[key] = wide
    key = 'decode_head.convs.0.conv.weight'
    if key in state:
        state[key] = swap_halves(state[key], 48)
    for part, width in (
        ('c1_bottleneck', 48),
        ('convs.0', 256),
        ('convs.1', 256),
    ):
        state.setdefault(f'decode_head.{part}.conv.bias', torch.zeros(width))
    depth = depth_of(state, 'backbone.')
    model = base_model(
        'deeplabv3plus_r101-deep-stem_d16',
        backbone__depth=depth,
        decode_head__num_classes=classes,
    )
    check_fit(model, state, title)
    return Converted(
        state,
        unused,
        f'the DeepLabV3+ of configs/unimatch with ResNet-{depth}, {classes} '
        'classes (ST++ trains it at output stride 8 with dilations of 12, 24 '
        'and 36)',
    )
