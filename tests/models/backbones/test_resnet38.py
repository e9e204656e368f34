"""ResNet-38 and its head after the published table of layers."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmsemi.models.backbones.resnet38 import PreActivationBlock
from mmsemi.registry import MODELS

# Weights of the convolutions and of BN in each level, counted from the table.
LEVELS = (820_608, 3_279_616, 27_274_752, 26_484_736, 9_442_304, 37_758_976)


def size(module):
    return sum(p.numel() for p in module.parameters())


def head(num_classes, in_channels=4096, channels=512):
    return MODELS.build(
        dict(
            type='DilatedFCNHead',
            in_channels=in_channels,
            channels=channels,
            num_classes=num_classes,
        )
    )


def test_parameters_and_output_of_the_full_size():
    with torch.device('meta'):  # neither memory nor time
        model = MODELS.build(dict(type='ResNet38')).eval()
        heads = {c: head(c) for c in (16, 19)}
        assert size(model.conv1) == 1_728
        assert tuple(size(level) for level in model.levels) == LEVELS
        assert size(model.norm) == 8_192
        assert size(model) == 105_070_912
        norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
        assert sum(size(m) for m in norms) == 47_744
        assert {m.eps for m in norms} == {1.001e-5}
        assert size(heads[19].convs) == 18_874_880
        assert size(heads[19].conv_seg) == 87_571
        assert size(model) + size(heads[19]) == 124_033_363
        assert size(model) + size(heads[16]) == 124_019_536
        features = model(torch.zeros(1, 3, 504, 504))
        assert [x.shape for x in features] == [(1, 4096, 63, 63)]
        assert heads[19](features).shape == (1, 19, 63, 63)


def narrow(**kwargs):
    torch.manual_seed(0)
    model = MODELS.build(dict(type='ResNet38', base_channels=4, **kwargs))
    model.init_weights()
    return model


def test_dilations_and_strides():
    model = narrow()
    convs = [
        [
            (c.kernel_size[0], c.stride[0], c.dilation[0])
            for block in level
            for c in block.convs
        ]
        for level in model.levels
    ]
    for level in convs[:3]:
        assert level == [(3, 2, 1)] + [(3, 1, 1)] * (len(level) - 1)
    assert convs[3] == [(3, 1, 1)] + [(3, 1, 2)] * 5
    for level in convs[4:]:
        assert level == [(1, 1, 1), (3, 1, 4), (1, 1, 1)]
    rates = [
        b.dropout.p
        for level in model.levels
        for b in level
        if isinstance(b.dropout, nn.Dropout)
    ]
    assert rates == [0.3, 0.5]


def test_features_of_several_levels():
    model = narrow(out_indices=(0, 2, 5)).eval()
    maps = model(torch.rand(2, 3, 32, 48))
    assert [x.shape for x in maps] == [
        (2, 8, 16, 24),
        (2, 32, 4, 6),
        (2, 256, 4, 6),
    ]
    assert (maps[2] >= 0).all() and (maps[0] < 0).any()
    shallow = narrow(out_indices=(1,)).eval()
    assert len(shallow.levels) == 2 and shallow.norm is None
    assert shallow(torch.rand(1, 3, 16, 16))[0].shape == (1, 16, 4, 4)
    with pytest.raises(ValueError, match='out_indices'):
        narrow(out_indices=(6,))


def random_norm(norm):
    for tensor in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(tensor)
    nn.init.uniform_(norm.running_var, 0.5, 2)


@pytest.mark.parametrize('project', [False, True])
def test_where_the_shortcut_starts(project):
    torch.manual_seed(0)
    block = PreActivationBlock(
        6, (4, 6), 1, (1, 2), 0.0, project, dict(type='BN')
    ).eval()
    for norm in block.norms:
        random_norm(norm)
    x = torch.randn(2, 6, 8, 8)

    def activated(norm, x):
        return F.batch_norm(
            x, norm.running_mean, norm.running_var, norm.weight, norm.bias
        ).relu()

    first = activated(block.norms[0], x)
    out = F.conv2d(first, block.convs[0].weight, padding=1)
    out = F.conv2d(
        activated(block.norms[1], out),
        block.convs[1].weight,
        padding=2,
        dilation=2,
    )
    shortcut = F.conv2d(first, block.shortcut.weight) if project else x
    torch.testing.assert_close(block(x), out + shortcut)


@pytest.mark.parametrize('norm_eval', [True, False])
def test_running_statistics_in_training(norm_eval):
    model = narrow(norm_eval=norm_eval)
    model.train()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(m.training != norm_eval for m in norms)
    before = norms[0].running_mean.clone()
    model(torch.rand(2, 3, 16, 16))[0].sum().backward()
    assert torch.equal(norms[0].running_mean, before) == norm_eval
    assert all(p.grad is not None for p in model.parameters())
    model.eval().train()
    assert model.levels[4][0].dropout.training


def test_head_sees_far_and_learns():
    torch.manual_seed(0)
    model = head(3, in_channels=8, channels=4)
    model.init_weights()
    x = torch.randn(2, 8, 49, 49)
    moved = x.clone()
    moved[:, :, 0, 0] += 10  # two dilations away from the middle
    change = (model([x]) - model([moved])).abs()
    assert change.shape == (2, 3, 49, 49)
    assert change[:, :, 24, 24].max() > 0 and change[:, :, 25:].max() == 0
    result = model.conv_seg(model.convs[0].conv(x).relu())
    torch.testing.assert_close(model([x]), result)
