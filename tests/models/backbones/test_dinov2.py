"""DINOv2 of mmpretrain as a backbone, and a step of UniMatch V2 with it."""

from importlib import import_module

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmsemi.models.segmentors import UniMatchV2
from mmsemi.prepare.checkpoints.dinov2 import convert
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from tests.configs import config
from tests.models.segmentors.peers import BRANCHES
from tests.models.segmentors.test_mean_teacher import data_of
from tests.prepare.test_published_checkpoints import official_dinov2

SIZE = (42, 56)


def mmpretrain():
    """Skip where it is missing or does not fit the installed torch."""
    try:
        import_module('mmpretrain.models')
    except (ImportError, RuntimeError) as error:
        pytest.skip(f'mmpretrain cannot be imported: {error}')


def backbone(**changes):
    torch.manual_seed(0)
    return MODELS.build(dict(dict(type='DINOv2', img_size=56), **changes))


def test_levels_are_normalized_alike():
    mmpretrain()
    network = backbone(layers=(1, 4, 11)).eval()
    torch.nn.init.normal_(network.transformer.ln1.weight)
    seen = []
    for k in (1, 4, 11):
        network.transformer.layers[k].register_forward_hook(
            lambda module, given, found: seen.append(found)
        )
    levels = network(torch.randn(2, 3, *SIZE))
    assert [level.shape for level in levels] == [(2, 384, 3, 4)] * 3
    for tokens, level in zip(seen, levels):
        wanted = network.transformer.ln1(tokens)[:, 1:]
        torch.testing.assert_close(level.flatten(2).transpose(1, 2), wanted)


def test_official_weights_fit():
    """The position embedding of 518 pixels becomes that of 56."""
    mmpretrain()
    torch.manual_seed(0)
    source = {
        name: torch.randn(shape).mul_(0.02)
        for name, shape in official_dinov2(384, 12).items()
    }
    state = convert(source).state
    network = backbone().transformer
    network.load_state_dict(dict(state), strict=True)
    assert torch.equal(
        network.layers[3].attn.gamma1.weight, source['blocks.3.ls1.gamma']
    )
    assert network.pos_embed.shape == (1, 17, 384)
    assert torch.equal(network.pos_embed[:, 0], source['pos_embed'][:, 0])
    whole = source['pos_embed'][:, 1:].unflatten(1, (37, 37)).movedim(-1, 1)
    small = torch.nn.functional.interpolate(
        whole, (4, 4), mode='bicubic', align_corners=False
    )
    torch.testing.assert_close(
        network.pos_embed[:, 1:].unflatten(1, (4, 4)).movedim(-1, 1), small
    )


@pytest.mark.parametrize('frozen', [False, True])
def test_one_step_of_unimatch_v2(frozen):
    mmpretrain()
    init_default_scope('mmsemi')
    cfg = config('unimatch_v2/voc_1464_small')
    student = cfg.model.student
    student.data_preprocessor.size = SIZE
    student.backbone.update(init_cfg=None, frozen=frozen, img_size=56)
    cfg.model.pseudo_labeler = dict(
        type='ConfidencePseudoLabeler', threshold=0.0
    )
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    assert isinstance(model, UniMatchV2)
    model.teacher_follows = True
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    rates = {
        group['lr']
        for group in wrapper.param_groups
        for parameter in group['params']
        if any(parameter is p for p in model.student.backbone.parameters())
    }
    assert frozen or list(rates) == [pytest.approx(5e-6)]
    before = {k: v.clone() for k, v in model.student.named_parameters()}
    logs = model.train_step(data_of(BRANCHES[UniMatchV2], size=SIZE), wrapper)
    assert logs['loss'].isfinite() and logs['loss_unsup_2'] > 0
    moved = {
        name.partition('.')[0]
        for name, value in model.student.named_parameters()
        if not torch.equal(value, before[name])
    }
    assert moved == (
        {'decode_head'} if frozen else {'backbone', 'decode_head'}
    )
    inner = model.student.backbone.transformer
    assert inner.training != frozen
    assert any(p.requires_grad for p in inner.parameters()) != frozen


def test_what_is_missing_is_said(monkeypatch):
    import sys

    with pytest.raises(ValueError, match="got 'giant'"):
        MODELS.build(dict(type='DINOv2', size='giant'))
    monkeypatch.setitem(sys.modules, 'mmpretrain.models', None)
    with pytest.raises(UsageError, match='pip install .*mmpretrain torch'):
        MODELS.build(dict(type='DINOv2'))
