"""ImageNet ResNets of torchvision, and those with a deep stem."""

import re

from mmsemi.utils.errors import UsageError

from .converted import Converted, State, check_fit, count_blocks

# Depth by the number of blocks of stages 3 and 4 and whether they have a
# third convolution.
DEPTHS = {
    (2, 2, False): 18,
    (6, 3, False): 34,
    (6, 3, True): 50,
    (23, 3, True): 101,
    (36, 3, True): 152,
}


def depth_of(names: State, prefix: str = '') -> int:
    """Depth of the ResNet whose weights these are.

    Raises:
        UsageError: if it has another number of blocks.
    """
    form = (
        count_blocks(names, prefix + 'layer3.{}.conv1.weight'),
        count_blocks(names, prefix + 'layer4.{}.conv1.weight'),
        f'{prefix}layer1.0.conv3.weight' in names,
    )
    if form not in DEPTHS:
        raise UsageError(
            'these are no weights of a ResNet 18/34/50/101/152 (blocks of '
            f'its stages 3 and 4: {form[0]} and {form[1]})'
        )
    return DEPTHS[form]


def deep_stem_name(key: str) -> str:
    """Name of a tensor of a deep-stem ResNet in ``ResNetV1c``.

    ``conv1.{0,1,3,4,6}`` are ``stem.{0,1,3,4,6}``, ``bn1`` is ``stem.7``.
    """
    return re.sub(
        r'^bn1\.', 'stem.7.', re.sub(r'^conv1\.(?=\d)', 'stem.', key)
    )


def convert_torchvision(source: State, title: str) -> Converted:
    """Backbone for mmseg's ``ResNet``: the names are the same.

    Raises:
        UsageError: for weights of another network, such as a wide one.
    """
    state = {k: v for k, v in source.items() if not k.startswith('fc.')}
    depth = depth_of(state)
    check_fit(dict(type='ResNet', depth=depth), state, title)
    left = [key for key in source if key not in state]
    return Converted(state, left, f'the backbone ResNet-{depth}')


def convert_deep_stem(source: State, title: str) -> Converted:
    """Backbone for ``ResNetV1c`` with ``stem_channels=128``.

    Raises:
        UsageError: for weights of another network.
    """
    state = {
        deep_stem_name(key): value
        for key, value in source.items()
        if not key.startswith('fc.')
    }
    depth = depth_of(state)
    model = dict(type='ResNetV1c', depth=depth, stem_channels=128)
    check_fit(model, state, title)
    left = [key for key in source if key.startswith('fc.')]
    return Converted(
        state, left, f'the backbone ResNet-{depth} with a deep stem'
    )
