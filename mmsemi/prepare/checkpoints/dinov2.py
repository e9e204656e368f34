"""Official DINOv2 weights for mmpretrain's VisionTransformer.

The position embedding keeps its grid, 37 x 37 for 518 pixels; mmpretrain
interpolates it to that of other images. mmpretrain itself is not needed here.
"""

import re

from mmsemi.utils.errors import UsageError

from .converted import Converted, State

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


def convert(source: State) -> Converted:
    """Weights under mmpretrain's names; nothing uses the mask token.

    Raises:
        UsageError: for weights of another network.
    """
    state = {new_name(key): value for key, value in source.items()}
    unused = [key for key in state if key == 'mask_token']
    for key in unused:
        del state[key]
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
    return Converted(
        state,
        unused,
        f'the backbone DINOv2 {size}, position embedding of {grid} x {grid} '
        f'for images of {grid * PATCH}',
    )
