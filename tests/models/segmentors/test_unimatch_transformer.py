"""UniMatch V2 around a plain transformer."""

import pytest
import torch
from mmengine.optim import OptimWrapper

from mmsemi.models.segmentors import UniMatchV2
from tests.models.segmentors.peers import BRANCHES
from tests.models.segmentors.test_mean_teacher import data_of
from tests.models.tiny import tiny_student

SIZE = (48, 64)


@pytest.mark.parametrize('head', ['LateralSumHead', 'PatchDPTHead'])
def test_one_mask_for_all_levels(head):
    torch.manual_seed(0)
    student = tiny_student()
    student['data_preprocessor']['size'] = SIZE
    student['backbone'] = dict(
        type='VisionTransformer',
        img_size=SIZE,
        patch_size=16,
        embed_dims=32,
        num_layers=4,
        num_heads=2,
        out_indices=(0, 1, 2, 3),
        final_norm=True,
    )
    cfg = student['decode_head']
    cfg.update(type=head, in_channels=[32] * 4)
    cfg.update(in_index=[0, 1, 2, 3], channels=16)
    if head == 'PatchDPTHead':
        cfg.update(input_transform='multiple_select', norm_cfg=None)
        cfg.update(embed_dims=32, post_process_channels=[4, 8, 16, 32])
    for name in ('num_convs', 'concat_input'):
        cfg.pop(name)
    model = UniMatchV2(
        student,
        pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.0),
    ).train()
    model.teacher_follows = True
    seen = []
    model.perturbation.register_forward_hook(
        lambda module, feats, found: seen.append((feats[0], found))
    )
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    data = data_of(BRANCHES[UniMatchV2], size=SIZE)
    logs = model.train_step(data, optim)
    assert logs['loss'].isfinite() and logs['loss_unsup_2'] > 0
    ((given, found),) = seen
    assert [level.shape for level in given] == [(6, 32, 3, 4)] * 4
    masks = [
        (after / before)[..., 0, 0].round()
        for before, after in zip(given, found)
    ]
    for mask in masks[1:]:
        assert torch.equal(mask, masks[0])
    assert (masks[0][:3] + masks[0][3:] == 2).all()
