"""A U2PL run that is killed and resumed against one that is not."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import set_random_seed

from mmsemi.registry import HOOKS
from tests.engine.test_online_training import lines, online_config
from tests.tiny import CLASSES, Killed, make_tiny_set, train


@HOOKS.register_module(force=True)
class U2PLDrawsHook(Hook):
    """Make the draws of an iteration depend on its number alone.

    A checkpoint does not hold the state of the random generators: boxes,
    anchors and negatives of a resumed run are other draws.
    """

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        set_random_seed(runner.iter)


def u2pl_config(root: Path, work_dir: Path, **contrast):
    """Eight iterations, two of them warm-up, four of an epoch."""
    cfg = online_config(root, work_dir)
    student = cfg.model.student
    student.backbone.out_indices = (0, 1)
    student.decode_head = dict(
        type='LateralSumRepresentationHead',
        in_channels=[8, 16],
        in_index=[0, 1],
        channels=8,
        num_classes=len(CLASSES),
        align_corners=False,
        representation_head=dict(channels=8, out_channels=6),
        loss_decode=dict(type='ClassBalancedCrossEntropyLoss'),
    )
    cfg.model = dict(
        type='U2PL',
        student=student,
        contrast=dict(
            dict(
                num_anchors=8,
                num_negatives=4,
                capacity=[300, 200, 100],
                low_rank=1,
                high_rank=3,
                positive_threshold=0.2,
                prototype_momentum=0.9,
            ),
            **contrast,
        ),
        mixing=dict(type='CutMix', box='u2pl', prob=0.5),
        semi_train_cfg=dict(warmup_iters=2, iters_per_epoch=2),
        semi_test_cfg=dict(predict_on='teacher'),
    )
    cfg.custom_hooks = [
        dict(type='OnlineRecordHook'),
        dict(type='U2PLDrawsHook'),
        dict(
            type='MeanTeacherHook',
            momentum=0.1,
            schedule='inverse',
            start_iter=2,
            copy_until=4,
            buffers='own',
        ),
    ]
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg.pop('val_interval')
    return cfg


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_tiny_set(tmp_path_factory.mktemp('u2pl') / 'data')


@pytest.fixture(scope='module')
def whole(root, tmp_path_factory):
    """A run that nothing interrupts, with its config."""
    cfg = u2pl_config(root, tmp_path_factory.mktemp('u2pl') / 'whole')
    return cfg, train(cfg).model.state_dict()


def kill_and_resume(cfg):
    killed = copy.deepcopy(cfg)
    killed.custom_hooks.append(dict(type='KillHook', iteration=5))
    with pytest.raises(Killed):
        train(killed)
    return train(cfg, resume=True).model.state_dict()


def test_killed_run_resumes_exactly(root, whole, tmp_path) -> None:
    cfg, expected = whole
    again = u2pl_config(root, tmp_path / 'killed')
    state = kill_and_resume(again)
    # Images, losses, thresholds and fill of the bank in every iteration.
    seen = lines(again)
    assert seen == lines(cfg)
    assert [figures.get('drop_percent') for _, figures in seen.values()] == [
        None,
        None,
        85,
        85,
        90,
        90,
        95,
        95,
    ]
    assert seen[7][1]['loss_contra'] > 0
    # Student, teacher with its own statistics, bank and prototypes.
    assert set(state) == set(expected)
    for key, value in expected.items():
        assert torch.equal(state[key], value), key
    assert state['contrast.bank.counts'].any()
    assert state['contrast.prototypes.steps'] == 6


def test_bank_that_is_not_saved_starts_empty(root, whole, tmp_path) -> None:
    cfg, expected = whole
    again = u2pl_config(root, tmp_path / 'killed', save_bank=False)
    state = kill_and_resume(again)
    assert set(expected) - set(state) == {
        f'contrast.bank.{k}' for k in ('rows', 'scales', 'counts', 'pointers')
    }
    before, after = lines(cfg), lines(again)
    assert [v[0] for v in after.values()] == [v[0] for v in before.values()]
    assert all(after[k] == before[k] for k in range(4))
    assert after[4][1]['bank_rows'] < before[4][1]['bank_rows']
