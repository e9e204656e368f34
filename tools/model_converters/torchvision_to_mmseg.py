"""Convert torchvision ResNet weights for mmseg's ResNet backbone.

The names are the same; the classifier is left out and everything is checked
against the backbone. Use the result through `backbone.init_cfg=dict(
type='Pretrained', checkpoint=...)` of a `ResNet` (not `ResNetV1c`), with RGB
images and ImageNet's mean and standard deviation.
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

# Depth by the number of blocks of stages 3 and 4 and whether they have a
# third convolution.
DEPTHS = {
    (2, 2, False): 18,
    (6, 3, False): 34,
    (6, 3, True): 50,
    (23, 3, True): 101,
    (36, 3, True): 152,
}


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', help='for example resnet101-63fe2227.pth')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace an existing file'
    )
    add_trust_option(parser)
    return parser.parse_args()


def depth_of(source: dict[str, Tensor]) -> int:
    """Depth of the ResNet whose weights these are."""

    def blocks(stage: int) -> int:
        pattern = re.compile(rf'layer{stage}\.(\d+)\.conv1\.weight')
        return sum(bool(pattern.fullmatch(key)) for key in source)

    form = (blocks(3), blocks(4), 'layer1.0.conv3.weight' in source)
    if form not in DEPTHS:
        raise UsageError(
            'these are no weights of a torchvision ResNet '
            f'18/34/50/101/152 (stages {form})'
        )
    return DEPTHS[form]


def convert(source: dict[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Backbone state dict, and a line that says what fitted.

    Raises:
        UsageError: for tensors that are missing, unknown or of another
            shape, as in wide or grouped variants.
    """
    source = {
        key.removeprefix('module.'): value for key, value in source.items()
    }
    depth = depth_of(source)
    with torch.device('meta'):
        shapes = {
            key: tuple(value.shape)
            for key, value in ResNet(depth=depth).state_dict().items()
        }
    state = {k: v for k, v in source.items() if not k.startswith('fc.')}
    for key, value in state.items():
        if shapes.get(key) != tuple(value.shape):
            raise UsageError(
                f'{key} of shape {tuple(value.shape)} is no '
                f"part of mmseg's ResNet-{depth}"
            )
    missing = sorted(
        k
        for k in set(shapes) - set(state)
        if not k.endswith('num_batches_tracked')
    )
    if missing:
        raise UsageError(
            f'{len(missing)} tensors are missing, such as {missing[0]}'
        )
    left_out = len(source) - len(state)
    return state, (
        f'{len(state)} of {len(source)} tensors fit ResNet-{depth}'
        f'; {left_out} of the classifier are left out'
    )


def main() -> None:
    """Convert a file."""
    args = parse_args()
    refuse_existing([Path(args.out)], args.overwrite)
    source = read_checkpoint(args.source, trust=args.trust_checkpoint)
    state, report = convert(source.get('state_dict', source))
    save_checkpoint(Path(args.out), state, {}, args.overwrite)
    print(f'{report}; wrote {args.out}')


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
