"""Sizes of feature maps and first weights of the published networks."""

import copy
import re

import pytest
import torch
from mmseg.models.backbones import ResNet, ResNetV1c
from torch import nn

from mmsemi.registry import MODELS
from tests.configs import config
from tests.conftest import ROOT

# One config of each network and data set: of those that name a base with the
# network.
NAMES = [
    f'{path.parent.name}/{path.stem}'
    for folder in ('ael', 'cbst', 'source_only', 'spnet', 'strict', 'u2pl')
    for path in sorted(ROOT.glob(f'configs/{folder}/*.py'))
    if not path.stem.startswith(('camvid', 'nuclei'))
    and re.search('_base_/(models|methods)/', path.read_text())
]
# Image and feature map of the published networks, at output stride 8.
SIZES = {
    (512, 1024): (65, 129),
    (1024, 2048): (129, 257),
    (600, 900): (76, 113),
    (513, 513): (65, 65),
    (188, 250): (24, 32),
}


def student(cfg):
    return cfg.model.get('student', cfg.model)


def feature_size(backbone, size):
    """Size of the last map: only strides and the first pooling count."""
    backbone = dict(copy.deepcopy(backbone), init_cfg=None, depth=18)
    with torch.device('meta'):
        model = MODELS.build(backbone)
        return tuple(model(torch.empty(1, 3, *size))[-1].shape[-2:])


@pytest.mark.parametrize('name', NAMES)
def test_whose_pooling_rounds_up(name) -> None:
    """All but ResNet-38 and the DeepLabV3+ that is our choice."""
    backbone = student(config(name)).backbone
    expected = not (
        backbone.type == 'ResNet38'
        or backbone.type == 'ResNetV1c'
        and 'deeplabv3plus' in name
    )
    rounds_up = backbone.type == 'DeepLabResNet' and backbone.get(
        'ceil_mode', True
    )
    assert rounds_up == expected


@pytest.mark.parametrize(
    'name', ['crst/gta5_to_cityscapes_mrkld', 'strict/voc12']
)
@pytest.mark.parametrize('size', SIZES)
def test_feature_maps_have_the_published_size(name, size) -> None:
    assert feature_size(student(config(name)).backbone, size) == SIZES[size]


def test_unimatch_rounds_down() -> None:
    backbone = student(config('unimatch/voc_1464')).backbone
    assert feature_size(backbone, (512, 1024)) == (32, 64)
    rounding = dict(backbone, ceil_mode=True)
    assert feature_size(rounding, (512, 1024)) == (33, 65)


@pytest.mark.parametrize('deep_stem', [False, True])
def test_but_for_the_pooling_it_is_mmsegs_resnet(deep_stem) -> None:
    """Same weights under the same names, same output where sizes are odd."""
    torch.manual_seed(0)
    cfg = dict(depth=18, base_channels=8, stem_channels=8)
    theirs = (ResNetV1c if deep_stem else ResNet)(**cfg)
    ours = MODELS.build(dict(type='DeepLabResNet', deep_stem=deep_stem, **cfg))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    ours.eval()
    theirs.eval()
    image = torch.randn(1, 3, 33, 65)
    with torch.no_grad():
        for one, other in zip(ours(image), theirs(image)):
            assert torch.equal(one, other)
    even = torch.randn(1, 3, 32, 64)
    assert ours(even)[0].shape[-2:] == (9, 17)
    assert theirs(even)[0].shape[-2:] == (8, 16)


def spread(module: nn.Module) -> dict[str, float]:
    """Deviation of the weights of every layer that is not tiny."""
    return {
        name: layer.weight.std().item()
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Conv2d) and layer.weight.numel() > 200
    }


@pytest.mark.parametrize(
    'name', ['u2pl/voc_1464', 'u2pl/cityscapes_744', 'ael/cityscapes_744']
)
def test_heads_start_as_pytorch_draws_them(name) -> None:
    """Published without any code of their own to initialize heads."""
    torch.manual_seed(0)
    model = student(config(name))
    model.backbone = dict(
        type='ResNetV1c', depth=18, base_channels=16, stem_channels=16
    )
    model.decode_head.update(
        in_channels=128, channels=32, c1_in_channels=16, c1_channels=16
    )
    if 'auxiliary_head' in model:
        model.auxiliary_head.update(in_channels=64, channels=32)
    model = MODELS.build(model)
    model.init_weights()
    heads = [model.decode_head]
    heads += [model.auxiliary_head] if model.with_auxiliary_head else []
    for head in heads:
        found = spread(head)
        fresh = copy.deepcopy(head)
        for layer in fresh.modules():
            if hasattr(layer, 'reset_parameters'):
                layer.reset_parameters()
        expected = spread(fresh)
        assert len(found) >= 2
        for key, value in found.items():
            assert value == pytest.approx(expected[key], rel=0.15), key
        # Who initializes twice does not draw twice.
        before = copy.deepcopy(head.state_dict())
        head.init_weights()
        for key, value in head.state_dict().items():
            assert torch.equal(value, before[key])
