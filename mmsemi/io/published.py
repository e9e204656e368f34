"""Checkpoints that others published, told by the names of their tensors.

Only names are looked at here; :mod:`mmsemi.prepare.checkpoints` converts.
"""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

# First bytes of a list of arrays of MXNet (little endian 0x112).
MXNET_MAGIC = b'\x12\x01\x00\x00\x00\x00\x00\x00'
MATLAB_MAGIC = b'MATLAB'


class Layout(NamedTuple):
    """How a published program names its tensors.

    Attributes:
        name: short name.
        title: whose checkpoint it is.
        marks: patterns of names, each of which some tensor has.
        networks: parts of the file that hold a network each, the usual first.
        obstacle: why it cannot be converted, and what else there is.
    """

    name: str
    title: str
    marks: tuple[str, ...]
    networks: tuple[str, ...] = ()
    obstacle: str = ''


LAYOUTS = (
    Layout(
        'u2pl',
        'U2PL',
        (r'^encoder\.layer1', r'^decoder\.aspp', r'^decoder\.classifier\.0'),
        ('teacher_state', 'model_state'),
    ),
    Layout(
        'ael',
        'AEL',
        (r'^encoder\.layer1', r'^decoder\.aspp', r'^decoder\.tail\.0'),
        ('teacher_state', 'model_state'),
    ),
    Layout(
        'spnet',
        'SPNet or STRICT',
        (r'layer2\.block1\.reduce\.', r'aspp\.(stages\.)?c0\.weight$'),
    ),
    Layout(
        'dst_cbc',
        'DST-CBC or DMT',
        (r'^backbone\.layer4', r'^classifier\.0\.convs\.0\.weight$'),
    ),
    Layout(
        'deeplabv2',
        'AdvSemiSeg or CRST',
        (r'^layer4\.', r'^layer5\.conv2d_list\.0\.weight$'),
    ),
    Layout(
        'unimatch',
        'UniMatch or ST++',
        (r'^backbone\.layer4', r'^head\.b0\.0', r'^reduce\.0', r'^fuse\.0'),
    ),
    Layout(
        'cps',
        'CPS',
        (r'^branch1\.head\.aspp\.map_convs\.0',),
        obstacle='its network has leaky ReLUs in ASPP, and none here computes '
        'the same. Its ImageNet weights can be converted, and configs/cps '
        'trains another DeepLabV3+',
    ),
    Layout(
        'deep_stem',
        'an ImageNet ResNet with a deep stem',
        (r'^conv1\.6\.weight$', r'^layer4\.0\.conv3\.weight$'),
    ),
    Layout(
        'dinov2',
        'DINOv2',
        (
            r'(^|backbone\.)patch_embed\.proj\.weight$',
            r'(^|backbone\.)blocks\.(\d+\.)?\d+\.attn\.qkv\.weight$',
        ),
    ),
    Layout(
        'torchvision',
        'a ResNet of torchvision',
        (r'^conv1\.weight$', r'^layer4\.0\.conv2\.weight$', r'^fc\.weight$'),
    ),
)
# Under these keys programs keep weights.
WRAPPINGS = (
    *('state_dict', 'model', 'model_state', 'teacher_state', 'teacher'),
)


def plain_names(names: Iterable[str]) -> list[str]:
    """Names without the prefix of several processes."""
    return [name.removeprefix('module.') for name in names]


def find_layout(content: dict[str, Any]) -> Layout | None:
    """The layout of a checkpoint's content, or None where it is another."""
    candidates = [content] + [
        content[key] for key in WRAPPINGS if isinstance(content.get(key), dict)
    ]
    for state in candidates:
        names = plain_names(str(name) for name in state)
        for layout in LAYOUTS:
            if all(
                any(re.search(mark, name) for name in names)
                for mark in layout.marks
            ):
                return layout
    return None


def advice(path: Any, content: dict[str, Any]) -> str | None:
    """One sentence about a file that has to be converted first.

    Args:
        path: of the file.
        content: of the checkpoint.

    Returns:
        None where the layout is not known.
    """
    layout = find_layout(content)
    if layout is None:
        return None
    if layout.obstacle:
        return (
            f'{path} is a checkpoint of {layout.title}, which cannot be '
            f'converted: {layout.obstacle}'
        )
    return (
        f'{path} is a checkpoint of {layout.title}, whose parts are named '
        f'otherwise: convert it with `mmsemi convert {path} --out OUT.pth` '
        'and use OUT.pth'
    )
