"""DeepLab-v2: AdvSemiSeg's COCO weights, CRST, DST-CBC and DMT; SPNet."""

import re

from mmsemi.utils.errors import UsageError

from .converted import Converted, State, base_model, check_fit, rename

# Names of the branches of the head by program.
_HEADS = (
    re.compile(r'layer5\.conv2d_list\.(\d)\.(weight|bias)'),
    re.compile(r'classifier\.0\.convs\.(\d)\.(weight|bias)'),
)
# Parts of a block of the Caffe models.
_PARTS = dict(reduce='1', conv3x3='2', increase='3')
_BLOCK = re.compile(
    r'layer([2-5])\.block(\d+)\.(reduce|conv3x3|increase|shortcut|proj)'
    r'\.(conv|bn)\.(\w+)'
)
_STEM = re.compile(r'layer1\.conv1\.(conv|bn)\.(\w+)')
_ASPP = re.compile(r'aspp\.(?:stages\.)?c(\d)\.(weight|bias)')


def new_name(key: str) -> str:
    """Name of a tensor of AdvSemiSeg, CRST, DST-CBC or DMT."""
    for head in _HEADS:
        found = head.fullmatch(key)
        if found:
            return f'decode_head.convs.{found[1]}.{found[2]}'
    return f'backbone.{key.removeprefix("backbone.")}'


def convert(
    source: State, title: str, num_classes: int | None = None
) -> Converted:
    """A ResNet-101 with the branches of DeepLab-v2.

    Args:
        source: weights by their published names.
        title: whose weights these are.
        num_classes: classes of the network to train. With another number
            than the file's the head is left out.

    Raises:
        UsageError: if the network is another.
    """
    state, unused = rename(
        {k: v for k, v in source.items() if not k.startswith('fc.')},
        new_name,
        title,
    )
    unused += [key for key in source if key.startswith('fc.')]
    head = [key for key in state if key.startswith('decode_head.')]
    own = len(state['decode_head.convs.0.weight'])
    wanted = num_classes or own
    branches = len(head) // 2
    # The published network of this name sums two of four branches, CRST's
    # all; both are accepted with the branches they hold.
    model = base_model(
        'deeplabv2_r101-d8',
        decode_head__num_classes=own,
        decode_head__used_branches=branches,
    )
    check_fit(model, state, title)
    fits = f'the DeepLab-v2 with ResNet-101 of {own} classes'
    if wanted != own:
        for key in head:
            del state[key]
        unused += head
        fits = (
            f'DeepLab-v2 with ResNet-101 without its head, which is for {own} '
            f'classes and not for {wanted}'
        )
    return Converted(state, unused, fits)


def spnet_name(key: str) -> str | None:
    """Name of a tensor of SPNet or STRICT."""
    key = re.sub(r'^(scale|base)\.', '', key)
    found = _STEM.fullmatch(key)
    if found:
        return f'backbone.{found[1]}1.{found[2]}'
    found = _BLOCK.fullmatch(key)
    if found:
        layer, block, part, kind, what = found.groups()
        start = f'backbone.layer{int(layer) - 1}.{int(block) - 1}'
        if part in ('shortcut', 'proj'):
            return f'{start}.downsample.{int(kind == "bn")}.{what}'
        return f'{start}.{kind}{_PARTS[part]}.{what}'
    found = _ASPP.fullmatch(key)
    if found:
        return f'decode_head.head.convs.{found[1]}.{found[2]}'
    return None


def convert_spnet(source: State, title: str) -> Converted:
    """The network of SPNet and STRICT; word vectors are in no checkpoint.

    Raises:
        UsageError: if the network is another.
    """
    state, unused = rename(source, spnet_name, title)
    weight = state.get('decode_head.head.convs.0.weight')
    if weight is None:
        raise UsageError(f'{title}: the file has no aspp.c0.weight')
    # A head of our own around the published one: only names are compared.
    model = base_model('semantic-embedding_deeplabv2_r101-d8')
    plain = dict(
        type='EncoderDecoder',
        backbone=model.backbone,
        decode_head=dict(
            model.decode_head.head, num_classes=weight.shape[0], channels=1
        ),
    )
    renamed = {
        key.replace('decode_head.head.', 'decode_head.'): value
        for key, value in state.items()
    }
    check_fit(plain, renamed, title)
    return Converted(
        state,
        unused,
        f'the network of configs/spnet and configs/strict, with word vectors '
        f'of length {weight.shape[0]}',
    )
