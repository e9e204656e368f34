"""Settings with which the published programs acted, whatever they stated."""

import copy

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmsemi.registry import HOOKS, METRICS
from tests.configs import config
from tests.conftest import ROOT
from tests.test_adaptation_configs import groups


class Parts(nn.Module):
    """One weight in each part that a config gives a rate of its own."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        for name in ('backbone', 'decode_head', 'auxiliary_head'):
            setattr(self, name, nn.Linear(3, 2, bias=False))


def steps(model: nn.Module, optimizer, losses, number: int = 40):
    """Train, and return all weights after each step."""
    found = []
    for k in range(number):
        optimizer.zero_grad()
        losses(model, k).backward()
        optimizer.step()
        found.append(
            torch.cat([p.detach().flatten() for p in model.parameters()])
        )
    return torch.stack(found)


@pytest.mark.parametrize(
    'name', ['ael/cityscapes_744', 'ael/voc_662', 'u2pl/cityscapes_744_ael']
)
def test_ael_takes_the_steps_of_the_published_code(name) -> None:
    """There: rate 0.01, heads 0.1, decay 1e-4, and an eighth of the loss."""
    torch.manual_seed(0)
    data = torch.randn(40, 5, 3)

    def loss(model, k):
        return sum(part(data[k]).square().mean() for part in model.children())

    theirs = Parts()
    published = torch.optim.SGD(
        [
            dict(params=theirs.backbone.parameters(), lr=0.01),
            dict(params=theirs.decode_head.parameters(), lr=0.1),
            dict(params=theirs.auxiliary_head.parameters(), lr=0.1),
        ],
        lr=0.01,
        momentum=0.9,
        weight_decay=1e-4,
    )
    wanted = steps(theirs, published, lambda m, k: loss(m, k) / 8)
    ours = Parts()
    wrapper = build_optim_wrapper(
        ours, copy.deepcopy(config(name).optim_wrapper)
    )
    found = steps(ours, wrapper.optimizer, loss)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


def test_windows_add_up_what_is_published() -> None:
    """AEL probabilities, U2PL and its branch with AEL logits."""
    for name, added in (
        ('ael/cityscapes_744', 'probabilities'),
        ('u2pl/cityscapes_744', 'logits'),
        ('u2pl/cityscapes_744_ael', 'logits'),
    ):
        student = config(name).model.student
        test = dict(student.test_cfg)
        assert test.pop('added', 'logits') == added
        assert test == dict(
            mode='slide', crop_size=(769, 769), stride=(513, 513)
        )
        reads = student.type == 'FlexibleEncoderDecoder'
        assert reads == (added == 'probabilities')


def test_u2pl_on_ael_weighs_the_contrast_as_its_branch_did() -> None:
    """0.1, divided by eight processes once more than the other losses."""
    cfg = config('u2pl/cityscapes_744_ael')
    assert cfg.model.contrast.loss_weight == pytest.approx(0.1 / 8)
    hook = next(h for h in cfg.custom_hooks if h.type == 'MeanTeacherHook')
    teacher = HOOKS.build(dict(hook))
    assert [teacher.momentum_at(k) for k in (0, 1, 3, 500)] == [
        1,
        1 / 2,
        1 / 4,
        0.01,
    ]


RELEASED = [
    f'{path.parent.name}/{path.stem}'
    for path in sorted(ROOT.glob('configs/*/gta5*_released.py'))
]


@pytest.mark.parametrize('name', RELEASED)
def test_crst_takes_the_steps_of_the_published_code(name) -> None:
    """Tensors that an optimizer is given three or four times move as often."""
    _, found = groups(config(name))
    source = name.startswith('source_only')
    rate = 2.5e-4 if source else 5e-5
    seen = set()
    for key, (lr, _) in found.items():
        times = 3
        if key.startswith('decode_head'):
            times = 10
        elif key == 'backbone.conv1.weight':
            times = 1
        elif 'downsample' in key:
            times = 4
        assert lr == pytest.approx(times * rate), key
        seen.add(times)
    assert seen == {1, 3, 4, 10}


def test_portions_of_the_released_commands() -> None:
    """15 % for all three on GTA5, 20 % on SYNTHIA."""
    for suffix in ('', '_st', '_sp'):
        cfg = config(f'cbst/gta5_to_cityscapes{suffix}')
        assert cfg.train_cfg.portions.start == 0.15
    for suffix in ('', '_st'):
        cfg = config(f'cbst/synthia_to_cityscapes{suffix}')
        assert cfg.train_cfg.portions.start == 0.2


def test_dst_cbc_of_branch_scale() -> None:
    cfg = config('dst_cbc/voc_1-106_scale')
    usual = config('dst_cbc/voc_1464')
    loop = cfg.train_cfg
    assert loop.supervised_iters == 0 and loop.start_from == 'best'
    assert loop.val_interval == 1000
    assert loop.iters_per_round == 6 * -(-10482 // 4)
    assert cfg.default_hooks.checkpoint.save_best == 'mIoU'
    labeler = cfg.custom_hooks[-1].labeler
    assert (labeler.rule, labeler.stride) == ('argmax', 16)
    # The fixed augmentation of the usual config, other images.
    assert (
        cfg.semi_dataloader.dataset.labeled.pipeline
        == usual.semi_dataloader.dataset.labeled.pipeline
    )
    baseline = config('supervised/voc_1-106_scale')
    assert baseline.train_cfg.max_iters == 3900
    assert baseline.default_hooks.checkpoint.save_best == 'mIoU'
    assert baseline.train_dataloader.dataset.ann_file == (
        cfg.semi_dataloader.dataset.labeled.ann_file
    )


# Settings of the VOC programs of U2PL and AEL.
VOC = ['u2pl/voc_1464', 'supervised/u2pl_voc_1464', 'ael/voc_662']


@pytest.fixture
def photo(tmp_path):
    """An image of one color, smaller than the crop, and a mask of class 7."""
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((375, 500, 3), 200, np.uint8))
    cv2.imwrite(str(tmp_path / 'm.png'), np.full((375, 500), 7, np.uint8))
    return tmp_path


def loaded(pipeline, photo):
    """What a pipeline makes of the photo, without random scales."""
    kept = [step for step in pipeline if step['type'] != 'RandomChoice']
    results = dict(
        img_path=str(photo / 'a.png'),
        seg_map_path=str(photo / 'm.png'),
        label_map=None,
        reduce_zero_label=False,
        seg_fields=[],
    )
    return Compose(kept)(results)


@pytest.mark.parametrize('name', VOC)
def test_padding_of_voc_as_released(name, photo) -> None:
    """Around the image, of the mean color, and background everywhere."""
    cfg = config(f'{name}_released')
    test = loaded(cfg.test_pipeline, photo)
    canvas = test['inputs'].float()
    label = test['data_samples'].gt_sem_seg.data[0]
    assert canvas.shape[-2:] == label.shape == (513, 513)
    inside = (canvas[0] - 200).abs() < 0.5
    assert inside.sum() == 375 * 500
    rows, columns = inside.any(1).nonzero(), inside.any(0).nonzero()
    assert (rows.min(), columns.min()) == (69, 6)
    outside = canvas[:, ~inside].mean(1)
    assert outside.tolist() == pytest.approx([103.53, 116.28, 123.675])
    assert (label[inside] == 7).all() and (label[~inside] == 0).all()

    train = cfg.train_dataloader.dataset
    parts = (
        [(train.pipeline, None)]
        if 'pipeline' in train
        else [
            (train.labeled.pipeline, 'sup'),
            (train.unlabeled.dataset.pipeline, 'unsup_student'),
        ]
    )
    if 'paste' in train:
        parts.append((train.paste.pipeline, 'paste'))
    for pipeline, branch in parts:
        item = loaded(pipeline, photo)
        image, sample = item['inputs'], item['data_samples']
        if branch:
            image, sample = image[branch], sample[branch]
        # The canvas of the evaluation, mirrored or not.
        assert any(
            torch.equal(side, canvas)
            for side in (image.float(), image.float().flip(-1))
        )
        seen = sample.gt_sem_seg.data.unique().tolist()
        # Of unlabeled images it says that all of it is valid.
        assert seen == ([0] if branch == 'unsup_student' else [0, 7])
    ignored = loaded(
        config(name).train_dataloader.dataset.get(
            'labeled', config(name).train_dataloader.dataset
        )['pipeline'],
        photo,
    )['data_samples']
    ignored = ignored if name.startswith('sup') else ignored['sup']
    assert ignored.gt_sem_seg.data.unique().tolist() == [7, 255]


@pytest.mark.parametrize('name', VOC)
def test_selection_of_voc_as_released(name) -> None:
    """The best of all epochs, an absent class counting 0."""
    cfg, usual = config(f'{name}_released'), config(name)
    metric = METRICS.build(cfg.val_evaluator)
    assert metric.nan_to_num == 0
    best = cfg.default_hooks.checkpoint.save_best
    assert best == f'{metric.prefix}/mIoU' == 'voc513/mIoU'
    assert cfg.train_cfg.max_iters == 80 * cfg.train_cfg.val_interval
    if name.startswith('supervised'):
        assert cfg.train_cfg.max_iters == 7360
        short = config(f'{name}_released', '92')
        assert short.train_cfg.max_iters == 480
    else:
        assert cfg.train_cfg.max_iters == usual.train_cfg.max_iters
    if name.startswith('u2pl'):
        contrast = cfg.model.contrast
        assert contrast.type == 'ReleasedPixelContrastLoss'
        # 1 in the file, divided by four processes once more.
        assert (contrast.form, contrast.loss_weight) == ('as_released', 0.25)
    if name.startswith('ael'):
        hook = next(h for h in cfg.custom_hooks if h.type == 'MeanTeacherHook')
        assert hook.buffers == 'own'
        assert cfg.model.semi_train_cfg.teacher_mode == 'train'
