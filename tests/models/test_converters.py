"""Weights under foreign names, with the true names and shapes."""

import importlib.util
from pathlib import Path

import pytest
import torch

from mmsemi.utils.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / 'tools' / 'model_converters'


def tool(name: str):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def zeros(shapes: dict) -> dict:
    """Tensors of these shapes that take no memory."""
    return {k: torch.zeros(()).expand(shape) for k, shape in shapes.items()}


def official_dinov2(width: int, blocks: int) -> dict:
    """Names and shapes of a file of facebookresearch/dinov2."""
    shapes = {
        'cls_token': (1, 1, width),
        'pos_embed': (1, 1370, width),
        'mask_token': (1, width),
        'patch_embed.proj.weight': (width, 3, 14, 14),
        'patch_embed.proj.bias': (width,),
        'norm.weight': (width,),
        'norm.bias': (width,),
    }
    for k in range(blocks):
        for name, shape in (
            ('norm1', (width,)),
            ('attn.qkv', (3 * width, width)),
            ('attn.proj', (width, width)),
            ('norm2', (width,)),
            ('mlp.fc1', (4 * width, width)),
            ('mlp.fc2', (width, 4 * width)),
        ):
            shapes[f'blocks.{k}.{name}.weight'] = shape
            shapes[f'blocks.{k}.{name}.bias'] = shape[:1]
        shapes[f'blocks.{k}.ls1.gamma'] = (width,)
        shapes[f'blocks.{k}.ls2.gamma'] = (width,)
    return shapes


@pytest.mark.parametrize(
    'size, width, blocks',
    [('small', 384, 12), ('base', 768, 12), ('large', 1024, 24)],
)
def test_dinov2_to_mmpretrain(size, width, blocks) -> None:
    source = zeros(official_dinov2(width, blocks))
    assert len(source) == 7 + 14 * blocks
    state, report = tool('dinov2_to_mmpretrain').convert(source)
    assert report == (
        f'{6 + 14 * blocks} of {7 + 14 * blocks} tensors fit DINOv2 {size}, '
        'position embedding of 37 x 37 for images of 518; the mask token is '
        'left out'
    )
    # Those of mmpretrain 1.3.6.
    found = {key: tuple(value.shape) for key, value in state.items()}
    wanted = {
        'cls_token': (1, 1, width),
        'pos_embed': (1, 1370, width),
        'patch_embed.projection.weight': (width, 3, 14, 14),
        'patch_embed.projection.bias': (width,),
        'layers.0.ln1.weight': (width,),
        'layers.0.attn.qkv.weight': (3 * width, width),
        'layers.0.attn.proj.bias': (width,),
        'layers.0.attn.gamma1.weight': (width,),
        'layers.0.ln2.bias': (width,),
        'layers.0.ffn.layers.0.0.weight': (4 * width, width),
        'layers.0.ffn.gamma2.weight': (width,),
        'layers.0.ffn.layers.1.weight': (width, 4 * width),
        'ln1.weight': (width,),
    }
    assert {key: found[key] for key in wanted} == wanted
    chunked = {
        key.replace('blocks.', f'blocks.{k % 4}.', 1): value
        for k, (key, value) in enumerate(source.items())
    }
    assert tool('dinov2_to_mmpretrain').convert(chunked)[0].keys() == (
        state.keys()
    )


@pytest.mark.parametrize(
    'changes, words',
    [
        (dict(register_tokens=(1, 4, 384)), 'register_tokens .* no part'),
        ({'pos_embed': (1, 1373, 384)}, '1373 tokens, which are no'),
        ({'pos_embed': None}, 'no position embedding'),
        ({'blocks.3.ls1.gamma': None}, 'missing, such as layers.3.attn'),
        ({'blocks.3.attn.qkv.weight': None}, '11 blocks of width 384'),
        ({'blocks.3.mlp.w12.weight': (9, 9)}, 'mlp.w12.weight .* no part'),
    ],
)
def test_other_networks_are_no_dinov2(changes, words) -> None:
    shapes = {**official_dinov2(384, 12), **changes}
    source = zeros({k: v for k, v in shapes.items() if v is not None})
    with pytest.raises(UsageError, match=words):
        tool('dinov2_to_mmpretrain').convert(source)
