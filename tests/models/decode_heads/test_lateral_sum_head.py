import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS as MMSEG

from mmsemi.registry import MODELS

CFG = dict(
    type='LateralSumHead',
    in_channels=[3, 4, 5],
    in_index=[0, 1, 3],
    channels=6,
    num_classes=2 + 1,
    loss_decode=dict(type='CrossEntropyLoss'),
)


def inputs():
    g = torch.Generator().manual_seed(0)
    sizes = [(3, 16, 20), (4, 8, 10), (9, 6, 6), (5, 3, 4)]
    return [torch.randn(2, *size, generator=g) for size in sizes]


@pytest.mark.parametrize('align_corners', [False, True])
def test_equals_the_written_formula(align_corners) -> None:
    head = MODELS.build(dict(CFG, align_corners=align_corners)).eval()
    x = inputs()
    total = 0
    for lateral, i in zip(head.laterals, CFG['in_index']):
        weight = lateral.weight
        assert lateral.bias is None
        total = total + F.interpolate(
            F.conv2d(x[i], weight),
            (16, 20),
            mode='bilinear',
            align_corners=align_corners,
        )
    want = head.conv_seg(head.fuse(F.relu(head.norm(total))))
    torch.testing.assert_close(head(x), want)
    assert want.shape == (2, 3, 16, 20)


@pytest.mark.parametrize('norm', ['BN', 'SyncBN'])
def test_becomes_a_head_of_mmseg_with_equal_output(norm) -> None:
    cfg = dict(CFG, norm_cfg=dict(type=norm))
    head = MODELS.build(dict(cfg))
    for value in head.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.1, 1)
    plain_cfg, state = head.eval().to_mmseg(cfg)
    plain = MMSEG.build(plain_cfg).eval()
    plain.load_state_dict(state, strict=True)
    x = inputs()
    torch.testing.assert_close(plain(x), head(x))
