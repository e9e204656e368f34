"""Convert the official DINOv2 weights to mmpretrain's VisionTransformer.

For `dinov2_vits14_pretrain.pth`, `dinov2_vitb14_pretrain.pth` and
`dinov2_vitl14_pretrain.pth` of facebookresearch/dinov2, whose licence is on
their page. The mask token is left out: nothing uses it. The position
embedding keeps its grid, 37 x 37 for 518 pixels; mmpretrain interpolates it
to that of other images. mmpretrain itself is not needed here.

Use the result through `backbone.init_cfg = dict(type='Pretrained',
checkpoint=...)` of mmsemi's `DINOv2`.
"""

import argparse
import re
import sys
from pathlib import Path

from torch import Tensor

from mmsemi.cli.options import add_trust_option
from mmsemi.io.checkpoints import read_checkpoint
from mmsemi.models.export import refuse_existing, save_checkpoint
from mmsemi.utils.errors import UsageError

# Width and number of blocks.
SIZES = {(384, 12): 'small', (768, 12): 'base', (1024, 24): 'large'}
PATCH = 14
NAMES = (
    (r'^patch_embed\.proj\.', 'patch_embed.projection.'),
    # Blocks may be in chunks: the second number counts through them.
    (r'^blocks\.(?:\d+\.)?(\d+)\.', r'layers.\1.'),
    (r'\.norm([12])\.', r'.ln\1.'),
    (r'\.ls1\.gamma$', '.attn.gamma1.weight'),
    (r'\.ls2\.gamma$', '.ffn.gamma2.weight'),
    (r'\.mlp\.fc1\.', '.ffn.layers.0.0.'),
    (r'\.mlp\.fc2\.', '.ffn.layers.1.'),
    (r'^norm\.', 'ln1.'),
)


def parse_args() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source', help='for example dinov2_vits14_pretrain.pth'
    )
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace an existing file'
    )
    add_trust_option(parser)
    return parser.parse_args()


def new_name(key: str) -> str:
    """Name of a tensor in mmpretrain's ``VisionTransformer``."""
    key = key.removeprefix('module.').removeprefix('backbone.')
    for old, new in NAMES:
        key = re.sub(old, new, key)
    return key


def shapes(width: int, blocks: int, positions: int) -> dict[str, tuple]:
    """Names and shapes of all tensors of mmpretrain's network."""
    found: dict[str, tuple] = {
        'cls_token': (1, 1, width),
        'pos_embed': (1, positions, width),
        'patch_embed.projection.weight': (width, 3, PATCH, PATCH),
        'patch_embed.projection.bias': (width,),
        'ln1.weight': (width,),
        'ln1.bias': (width,),
    }
    layers = {
        'attn.qkv': (3 * width, width),
        'attn.proj': (width, width),
        'ffn.layers.0.0': (4 * width, width),
        'ffn.layers.1': (width, 4 * width),
    }
    for k in range(blocks):
        for name, shape in layers.items():
            found[f'layers.{k}.{name}.weight'] = shape
            found[f'layers.{k}.{name}.bias'] = shape[:1]
        for name in ('ln1.weight', 'ln1.bias', 'ln2.weight', 'ln2.bias'):
            found[f'layers.{k}.{name}'] = (width,)
        for name in ('attn.gamma1', 'ffn.gamma2'):
            found[f'layers.{k}.{name}.weight'] = (width,)
    return found


def convert(source: dict[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """State dict under mmpretrain's names, and a line that says what fitted.

    Raises:
        UsageError: for weights of another network.
    """
    state = {new_name(key): value for key, value in source.items()}
    left_out = state.pop('mask_token', None) is not None
    embedding = state.get('pos_embed')
    if embedding is None or embedding.ndim != 3:
        raise UsageError(
            'no weights of a DINOv2: there is no position embedding '
            '(pos_embed) of shape (1, tokens, width)'
        )
    _, positions, width = embedding.shape
    blocks = sum(key.endswith('.attn.qkv.weight') for key in state)
    size = SIZES.get((width, blocks))
    if size is None:
        raise UsageError(
            f'no weights of a DINOv2 of size small, base or large: {blocks} '
            f'blocks of width {width}'
        )
    grid = round((positions - 1) ** 0.5)
    if grid**2 != positions - 1:
        raise UsageError(
            f'the position embedding has {positions} tokens, which are no '
            'class token and a square grid: weights with register tokens '
            'are another network'
        )
    wanted = shapes(width, blocks, positions)
    for key, value in state.items():
        if wanted.get(key) != tuple(value.shape):
            raise UsageError(
                f'{key} of shape {tuple(value.shape)} is no part of a DINOv2 '
                f'of size {size}'
            )
    missing = sorted(set(wanted) - set(state))
    if missing:
        raise UsageError(
            f'{len(missing)} tensors are missing, such as {missing[0]}'
        )
    report = (
        f'{len(state)} of {len(source)} tensors fit DINOv2 {size}, position '
        f'embedding of {grid} x {grid} for images of {grid * PATCH}'
    )
    return state, report + '; the mask token is left out' * left_out


def main() -> None:
    """Convert a file."""
    args = parse_args()
    refuse_existing([Path(args.out)], args.overwrite)
    source = read_checkpoint(args.source, trust=args.trust_checkpoint)
    for key in ('state_dict', 'model', 'teacher'):
        source = source.get(key, source)
    state, report = convert(source)
    save_checkpoint(Path(args.out), state, {}, args.overwrite)
    print(f'{report}; wrote {args.out}')


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
