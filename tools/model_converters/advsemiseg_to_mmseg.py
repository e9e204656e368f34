"""Convert the COCO weights of AdvSemiSeg for our DeepLab-v2 config.

`resnet101COCO-41f33a49.pth` holds a Caffe DeepLab-v2 with 21 classes in 528
tensors. `layer5.conv2d_list.<k>.*` are the branches of the head, everything
else is the backbone. With another number of classes than the file's the head
is left out and starts at its default initialization.

Use the result through `load_from`, or through `init_cfg=dict(
type='Pretrained', checkpoint=...)` of the segmentor. The weights expect BGR
images, 0-255, mean (104.008, 116.669, 122.675), std 1.
"""

import argparse
import re
import sys
from pathlib import Path

import torch
from mmseg.models.backbones import ResNet
from torch import Tensor

from mmsemi.cli.options import add_trust_option
from mmsemi.io.checkpoints import read_checkpoint
from mmsemi.models.export import refuse_existing, save_checkpoint
from mmsemi.utils.errors import UsageError

HEAD = re.compile(r'layer5\.conv2d_list\.(\d+)\.(weight|bias)')
BRANCHES = 4


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', help='resnet101COCO-41f33a49.pth')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--num-classes', type=int, default=21)
    parser.add_argument(
        '--overwrite', action='store_true', help='replace an existing file'
    )
    add_trust_option(parser)
    return parser.parse_args()


def expected_shapes(num_classes: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of our network, all four branches included."""
    with torch.device('meta'):
        backbone = ResNet(depth=101)
    shapes = {
        f'backbone.{key}': tuple(value.shape)
        for key, value in backbone.state_dict().items()
    }
    for k in range(BRANCHES):
        shapes[f'decode_head.convs.{k}.weight'] = (num_classes, 2048, 3, 3)
        shapes[f'decode_head.convs.{k}.bias'] = (num_classes,)
    return shapes


def convert(
    source: dict[str, Tensor], num_classes: int = 21
) -> tuple[dict[str, Tensor], str]:
    """State dict under mmseg's names, and a line that says what fitted.

    Raises:
        UsageError: for tensors that are no part of the network.
    """
    shapes = expected_shapes(num_classes)
    state, skipped = {}, []
    for key, value in source.items():
        key = key.removeprefix('module.')
        match = HEAD.fullmatch(key)
        name = (
            f'decode_head.convs.{match[1]}.{match[2]}'
            if match
            else f'backbone.{key}'
        )
        if shapes.get(name) == tuple(value.shape):
            state[name] = value
        elif match and name in shapes:
            skipped.append(name)
        else:
            raise UsageError(
                f'{key} of shape {tuple(value.shape)} is no part of the '
                'AdvSemiSeg DeepLab-v2 with ResNet-101'
            )
    wanted = {k for k in shapes if not k.endswith('num_batches_tracked')}
    missing = sorted(wanted - set(state) - set(skipped))
    if missing:
        raise UsageError(
            f'{len(missing)} tensors are missing, such as {missing[0]}'
        )
    report = f'{len(state)} of {len(source)} tensors fit'
    if skipped:
        report += (
            f'; the {len(skipped)} of the head are left out, as they '
            f'are not for {num_classes} classes'
        )
    return state, report


def main() -> None:
    """Convert a file."""
    args = parse_args()
    refuse_existing([Path(args.out)], args.overwrite)
    source = read_checkpoint(args.source, trust=args.trust_checkpoint)
    state, report = convert(source.get('state_dict', source), args.num_classes)
    save_checkpoint(Path(args.out), state, {}, args.overwrite)
    print(f'{report}; wrote {args.out}')


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
