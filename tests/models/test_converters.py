"""Weights under foreign names, with the true names and shapes."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmsemi.registry import MODELS
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


@pytest.fixture(scope='module')
def network():
    cfg = Config.fromfile(ROOT / 'configs/_base_/models/deeplabv2_r101-d8.py')
    with torch.device('meta'):
        return MODELS.build(cfg.model)


def coco_shapes(network) -> dict:
    """Names and shapes of resnet101COCO-41f33a49.pth, 528 tensors."""
    shapes = {
        key: tuple(value.shape)
        for key, value in network.backbone.state_dict().items()
        if not key.endswith('num_batches_tracked')
    }
    for k in range(4):
        shapes[f'layer5.conv2d_list.{k}.weight'] = (21, 2048, 3, 3)
        shapes[f'layer5.conv2d_list.{k}.bias'] = (21,)
    return shapes


def test_advsemiseg_to_21_classes(network) -> None:
    source = zeros(coco_shapes(network))
    assert len(source) == 528
    state, report = tool('advsemiseg_to_mmseg').convert(source)
    assert report == '528 of 528 tensors fit'
    assert len(state) == 528
    # Two of the four branches are used; the rest of the file is accepted.
    missing = {
        k
        for k in network.state_dict()
        if k not in state and not k.endswith('num_batches_tracked')
    }
    assert not missing
    left = set(state) - set(network.state_dict())
    assert left == {
        f'decode_head.convs.{k}.{name}'
        for k in (2, 3)
        for name in ('weight', 'bias')
    }


def test_advsemiseg_to_19_classes_skips_the_head(network) -> None:
    source = zeros(coco_shapes(network))
    state, report = tool('advsemiseg_to_mmseg').convert(source, 19)
    assert report.startswith('520 of 528 tensors fit; the 8 of the head')
    assert not any(key.startswith('decode_head') for key in state)


def test_advsemiseg_refuses_other_files(network) -> None:
    convert = tool('advsemiseg_to_mmseg').convert
    source = zeros(coco_shapes(network))
    with pytest.raises(UsageError, match='fc.weight'):
        convert(dict(source, **{'fc.weight': torch.zeros(1000, 2048)}))
    del source['layer4.2.bn3.running_var']
    with pytest.raises(UsageError, match='layer4.2.bn3.running_var'):
        convert(source)


@pytest.mark.parametrize('depth', [18, 50, 101])
def test_torchvision_resnets(depth) -> None:
    with torch.device('meta'):
        backbone = MODELS.build(dict(type='ResNet', depth=depth))
    shapes = {k: tuple(v.shape) for k, v in backbone.state_dict().items()}
    width = 512 if depth == 18 else 2048
    source = zeros(
        dict(shapes, **{'fc.weight': (1000, width), 'fc.bias': (1000,)})
    )
    state, report = tool('torchvision_to_mmseg').convert(source)
    assert {k: tuple(v.shape) for k, v in state.items()} == shapes
    assert f'ResNet-{depth}' in report and '2 of the classifier' in report


def test_torchvision_refuses_other_networks() -> None:
    convert = tool('torchvision_to_mmseg').convert
    with pytest.raises(UsageError, match='no weights of a torchvision'):
        convert({'features.0.0.weight': torch.zeros(32, 3, 3, 3)})
    with torch.device('meta'):
        wide = MODELS.build(
            dict(type='ResNet', depth=50, base_channels=32)
        ).state_dict()
    with pytest.raises(UsageError, match='is no part'):
        convert(wide)


def test_command_writes_a_checkpoint_init_cfg_reads(
    tmp_path, monkeypatch, capsys
) -> None:
    source, out = tmp_path / 'resnet18.pth', tmp_path / 'out.pth'
    backbone = MODELS.build(dict(type='ResNet', depth=18))
    torch.save(
        dict(backbone.state_dict(), **{'fc.bias': torch.zeros(1000)}), source
    )
    main = tool('torchvision_to_mmseg').main
    monkeypatch.setattr(sys, 'argv', ['tool', str(source), str(out)])
    main()
    assert '120 of 121 tensors fit ResNet-18' in capsys.readouterr().out
    other = MODELS.build(
        dict(
            type='ResNet',
            depth=18,
            init_cfg=dict(type='Pretrained', checkpoint=str(out)),
        )
    )
    other.init_weights()
    torch.testing.assert_close(other.state_dict(), backbone.state_dict())
    with pytest.raises(UsageError, match='exists'):
        main()
    sys.argv.append('--overwrite')
    main()
    source.unlink()
    with pytest.raises(UsageError, match='does not exist'):
        main()


def test_coco_weights_reach_a_wrapped_student(tmp_path, network) -> None:
    """Through init_cfg of the segmentor, all but the unused branches."""
    cfg = Config.fromfile(ROOT / 'configs/_base_/models/deeplabv2_r101-d8.py')
    source = zeros(coco_shapes(network))
    source['layer1.0.conv1.weight'] = torch.full((64, 64, 1, 1), 0.5)
    source['layer5.conv2d_list.1.bias'] = torch.arange(21.0)
    state, _ = tool('advsemiseg_to_mmseg').convert(source)
    torch.save(dict(state_dict=state), tmp_path / 'coco.pth')
    cfg.model.init_cfg = dict(
        type='Pretrained', checkpoint=str(tmp_path / 'coco.pth')
    )
    model = MODELS.build(
        dict(
            type='SelfTrainingSegmentor',
            student=cfg.model,
            objective=dict(type='DynamicSelfTrainingLoss', gamma=9),
        )
    )
    model.init_weights()
    assert (model.student.backbone.layer1[0].conv1.weight == 0.5).all()
    assert model.decode_head.convs[1].bias.tolist() == list(range(21))


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
