"""Convert ImageNet ResNets with a 128-channel deep stem to mmseg.

The ResNet-50 and -101 that AEL, U2PL, UniMatch and others publish begin with
three 3x3 convolutions of 64, 64 and 128 channels. They fit mmseg's
`ResNetV1c` with `stem_channels=128`: `conv1.{0,1,3,4,6}` are
`stem.{0,1,3,4,6}`, `bn1` is `stem.7`, the rest has the same names. The
classifier is left out.

Use the result through `backbone.init_cfg = dict(type='Pretrained',
checkpoint=...)`.
"""

import argparse
import re
import sys
from pathlib import Path

import torch
from mmseg.models.backbones import ResNetV1c
from torch import Tensor

from mmsemi.cli.options import add_trust_option
from mmsemi.io.checkpoints import read_checkpoint
from mmsemi.models.export import refuse_existing, save_checkpoint
from mmsemi.utils.errors import UsageError

BLOCKS = {50: 6, 101: 23, 152: 36}  # of the third stage


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', help='for example resnet101.pth')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace an existing file'
    )
    add_trust_option(parser)
    return parser.parse_args()


def new_name(key: str) -> str:
    """Name of a tensor in mmseg's ``ResNetV1c``."""
    key = key.removeprefix('module.').removeprefix('encoder.')
    key = key.removeprefix('backbone.')
    return re.sub(
        r'^bn1\.', 'stem.7.', re.sub(r'^conv1\.(?=\d)', 'stem.', key)
    )


def convert(source: dict[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """State dict under mmseg's names, and a line that says what fitted.

    Raises:
        UsageError: for weights of another network.
    """
    state = {new_name(key): value for key, value in source.items()}
    blocks = sum(
        bool(re.fullmatch(r'layer3\.\d+\.conv3\.weight', key)) for key in state
    )
    depth = {v: k for k, v in BLOCKS.items()}.get(blocks)
    if depth is None:
        raise UsageError(
            'no weights of a ResNet-50, -101 or -152: its third '
            f'stage has {blocks} bottlenecks'
        )
    with torch.device('meta'):
        wanted = ResNetV1c(depth=depth, stem_channels=128).state_dict()
    left_out = [key for key in state if key.startswith('fc.')]
    for key, value in state.items():
        if key in left_out:
            continue
        if key not in wanted or wanted[key].shape != value.shape:
            raise UsageError(
                f'{key} of shape {tuple(value.shape)} is no part of a '
                f'ResNet-{depth} with a deep stem of 64, 64 and 128 channels'
            )
    result = {k: v for k, v in state.items() if k not in left_out}
    missing = sorted(
        k for k in wanted if k not in result and 'num_batches_tracked' not in k
    )
    if missing:
        raise UsageError(
            f'{len(missing)} tensors are missing, such as {missing[0]}'
        )
    report = f'{len(result)} of {len(source)} tensors fit ResNet-{depth}'
    if left_out:
        report += f'; the {len(left_out)} of the classifier are left out'
    return result, report


def main() -> None:
    """Convert a file."""
    args = parse_args()
    refuse_existing([Path(args.out)], args.overwrite)
    source = read_checkpoint(args.source, trust=args.trust_checkpoint)
    for key in ('state_dict', 'model_state'):
        source = source.get(key, source)
    state, report = convert(source)
    save_checkpoint(Path(args.out), state, {}, args.overwrite)
    print(f'{report}; wrote {args.out}')


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
