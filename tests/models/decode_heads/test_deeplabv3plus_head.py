"""The network of U2PL, and heads with a representation."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS as MMSEG

from mmsemi.registry import MODELS

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / 'configs/_base_/models/deeplabv3plus_r101-deep-stem_u2pl.py'
LOSS = dict(type='CrossEntropyLoss')


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


def head(**cfg):
    return MODELS.build(
        dict(
            dict(
                type='DeepLabV3PlusHead',
                in_channels=12,
                in_index=3,
                channels=6,
                c1_in_channels=5,
                c1_channels=4,
                num_classes=3,
                dilations=(1, 2, 3),
                norm_cfg=dict(type='BN'),
                loss_decode=LOSS,
            ),
            **cfg,
        )
    )


def feats(n=2):
    g = torch.Generator().manual_seed(0)
    sizes = [(5, 9, 11), (7, 5, 6), (9, 5, 6), (12, 5, 6)]
    return [torch.randn(n, *size, generator=g) for size in sizes]


def test_parameters_are_the_published_ones() -> None:
    cfg = Config.fromfile(CONFIG).model
    cfg.decode_head.representation_head = dict(type='RepresentationHead')
    cfg.auxiliary_head = dict(
        type='FCNHead',
        in_channels=1024,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        num_classes=19,
        norm_cfg=dict(type='BN'),
        loss_decode=LOSS,
    )
    with torch.device('meta'):
        model = MODELS.build(cfg)
    assert count(model.backbone) == 42_623_936
    decoder = model.decode_head
    assert (
        count(decoder.image_pool) + count(decoder.aspp_modules) == 15_206_912
    )
    assert count(decoder.bottleneck) == 2_949_632
    assert count(decoder.c1_bottleneck) == 66_304
    assert count(decoder.convs) + count(decoder.conv_seg) == 1_776_405
    assert count(decoder.representation_head) == 1_836_800
    assert count(decoder) == 21_836_053
    assert count(model.backbone) + count(decoder) == 64_459_989
    # mmseg's auxiliary head leaves out a bias before its normalization.
    assert count(model.auxiliary_head) == 2_364_947 - 256
    blocks = model.backbone.layer4
    assert [b.conv2.dilation for b in blocks] == [(4, 4), (8, 8), (16, 16)]
    assert model.backbone.layer3[0].conv2.dilation == (1, 1)
    assert model.backbone.layer3[1].conv2.dilation == (2, 2)


def test_output_stride() -> None:
    cfg = Config.fromfile(CONFIG).model.backbone
    cfg.update(depth=50, base_channels=4, stem_channels=8)
    backbone = MODELS.build(cfg)
    backbone.eval()
    maps = backbone(torch.zeros(1, 3, 65, 65))
    assert [tuple(m.shape[2:]) for m in maps] == [(17, 17)] + 3 * [(9, 9)]


def test_forward_is_the_written_formula() -> None:
    model = head(representation_head=dict(channels=6, out_channels=7))
    model.eval()
    x = feats()
    logits, rep = model.forward_with_representation(x)
    assert logits.shape == (2, 3, 9, 11) and rep.shape == (2, 7, 9, 11)
    torch.testing.assert_close(model(x), logits)
    pooled = model.image_pool(x[3]).expand(-1, -1, 5, 6)
    high = model.bottleneck(torch.cat([pooled, *model.aspp_modules(x[3])], 1))
    high = torch.nn.functional.interpolate(
        high, (9, 11), mode='bilinear', align_corners=True
    )
    fused = torch.cat([high, model.c1_bottleneck(x[0])], 1)
    torch.testing.assert_close(logits, model.conv_seg(model.convs(fused)))
    torch.testing.assert_close(rep, model.representation_head(fused))


def test_without_representation_nothing_is_left_over() -> None:
    plain, full = head(), head(representation_head=dict(channels=6))
    extra = set(full.state_dict()) - set(plain.state_dict())
    assert extra and all('representation_head' in key for key in extra)
    plain.train()(feats()).sum().backward()
    assert all(p.grad is not None for p in plain.parameters())


@pytest.mark.parametrize(
    'cfg',
    [
        dict(
            type='LateralSumRepresentationHead',
            in_channels=[5, 12],
            in_index=[0, 3],
            channels=6,
        ),
        dict(
            type='SepASPPRepresentationHead',
            in_channels=12,
            in_index=3,
            channels=6,
            dilations=(1, 2),
            c1_in_channels=5,
            c1_channels=4,
            norm_cfg=dict(type='BN'),
        ),
    ],
)
def test_other_heads_with_a_representation(cfg) -> None:
    cfg = dict(
        cfg,
        num_classes=3,
        loss_decode=LOSS,
        representation_head=dict(channels=4, out_channels=5),
    )
    model = MODELS.build(dict(cfg)).eval()
    logits, rep = model.forward_with_representation(feats())
    torch.testing.assert_close(model(feats()), logits)
    assert rep.shape == (2, 5, 9, 11)
    rep.sum().backward()
    assert model.representation_head[0].conv.weight.grad.any()
    assert model.conv_seg.weight.grad is None
    plain_cfg, state = model.to_mmseg(cfg)
    plain = MMSEG.build(plain_cfg).eval()
    plain.load_state_dict(state, strict=True)
    torch.testing.assert_close(plain(feats()), logits)
