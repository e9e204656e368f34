"""What a method lives on is there, or a run does not start."""

import glob
import re

import pytest
import torch
from mmengine.hooks import Hook

from mmsemi.apis.config import read_config
from mmsemi.doctor.methods import check_methods
from mmsemi.doctor.optimization import check_optimization
from mmsemi.doctor.settings import check_settings
from mmsemi.engine.build import resolve
from mmsemi.registry import HOOKS, MODELS
from mmsemi.utils.errors import UsageError
from tests.conftest import ROOT
from tests.engine.test_build import written

MEAN_TEACHER = 'mean_teacher/camvid_1-16'


@HOOKS.register_module(force=True)
class TeacherOfSomebody(Hook):
    def after_train_iter(self, runner, *args, **kwargs) -> None:
        """Move the teacher."""


@HOOKS.register_module(force=True)
class LaterTeacherOfSomebody(TeacherOfSomebody):
    """The method is that of its base."""


def checked(name: str, **options) -> list[str]:
    return check_methods(resolve(written(name, **options)))


@pytest.mark.parametrize(
    'name, options, words',
    [
        (
            MEAN_TEACHER,
            {'hooks.teacher': None},
            'MeanTeacher has a teacher, but no hook moves it.*hooks.teacher=',
        ),
        (
            'unimatch_v2/camvid_1-16',
            {'hooks.teacher': None},
            'UniMatchV2 has a teacher',
        ),
        (
            'strict/camvid',
            {'hooks.generator': None},
            'has a generator, but no hook moves it.*GeneratorRefreshHook',
        ),
        (
            'dst_cbc/camvid_1-16',
            {'hooks.labeling': None},
            'no hook makes any.*PseudoLabelHook',
        ),
        (
            'dst_cbc/camvid_1-16',
            {'train_cfg': dict(_delete_=True, type='IterBasedTrainLoop')},
            'PseudoLabelHook labels at .*IterBasedTrainLoop has none',
        ),
        (
            'dst_cbc/camvid_1-16',
            {'semi_dataloader': None},
            'the config has none. Take semi_dataloader=None out',
        ),
        *(
            ('dst_cbc/camvid_1-16', {f'train_cfg.{name}': value}, words)
            for name, value, words in (
                ('supervised_iters', 10.5, 'whole number .*got 10.5'),
                ('supervised_iters', None, 'supervised_iters .*got None'),
                ('iters_per_round', (3, 'x'), "iters_per_round .*got 'x'"),
                ('portions', (), r'portions must name .*got \(\)'),
                ('portions', 3, 'portions must name .*got 3'),
            )
        ),
        (
            MEAN_TEACHER,
            {'hooks.teacher': dict(momentum=0, schedule='constant')},
            'momentum=0 the teacher takes nothing over',
        ),
        (
            MEAN_TEACHER,
            {'model.semi_train_cfg': 3},
            'semi_train_cfg must be a dict of settings, got 3',
        ),
        (
            MEAN_TEACHER,
            {'hooks.class_frequency': None},
            "class_frequency='labeled'.*ClassFrequencyHook",
        ),
        (
            MEAN_TEACHER,
            {'data.batch.labeled': 0},
            'train_dataloader: a batch holds no labeled .*batch.labeled',
        ),
        (
            'dst_cbc/camvid_1-16',
            {'data.batch.labeled': 0},
            'semi_dataloader: a batch holds no labeled',
        ),
        (
            'dst_cbc/camvid_1-16',
            {'data.batch.unlabeled': 0},
            'semi_dataloader: a batch holds no pseudo-labeled',
        ),
    ],
)
def test_a_method_has_what_it_lives_on(name, options, words) -> None:
    with pytest.raises(UsageError, match=words):
        checked(name, **options)


def test_a_hook_of_somebody_may_move_the_teacher() -> None:
    options = {'hooks.teacher': None}
    options['custom_hooks'] = [dict(type='LaterTeacherOfSomebody')]
    assert not checked(MEAN_TEACHER, **options)


@pytest.mark.parametrize(
    'name, options, words',
    [
        (
            MEAN_TEACHER,
            {'data.batch.unlabeled': 0},
            'no unlabeled images .*supervised, with an averaged teacher',
        ),
        (
            MEAN_TEACHER,
            {'regime': 'supervised'},
            'train_dataloader names no unlabeled images',
        ),
        (
            MEAN_TEACHER,
            {'train_cfg.val_begin': 1001},
            'val_begin=1001 is behind max_iters=1000: nothing is validated',
        ),
        (
            'cps/camvid_1-16',
            {'data.batch.unlabeled': 0},
            'training is supervised$',
        ),
        (
            'u2pl/camvid_1-16',
            {'train_cfg.max_iters': 200},
            'warmup_iters=200 is not below train_cfg.max_iters=200',
        ),
        (
            'u2pl/camvid_1-16',
            {'train_cfg.max_iters': 300, 'hooks.teacher.start_iter': 300},
            'up to iteration 300 the teacher is a copy',
        ),
        (
            MEAN_TEACHER,
            {'model.semi_train_cfg.ramp_up_iters': 1001},
            'ramp_up_iters=1001 ends behind train_cfg.max_iters=1000',
        ),
        (
            MEAN_TEACHER,
            {'default_hooks.checkpoint.save_optimizer': False},
            'save_optimizer=False: if this run is stopped, it cannot be',
        ),
        (
            MEAN_TEACHER,
            {'model.semi_train_cfg.unsup_weight': 0},
            'unsup_weight=0: these losses have no effect',
        ),
    ],
)
def test_what_is_left_out_on_purpose_is_said(name, options, words) -> None:
    (note,) = checked(name, **options)
    assert re.search(words, note)


def test_our_own_configs_have_all_and_leave_nothing_out() -> None:
    """Nor are their variables taken for misspelt settings."""
    for path in sorted(glob.glob(f'{ROOT}/configs/[!_]*/*.py')):
        cfg = read_config(path)
        if cfg.get('model') and cfg.get('train_cfg'):
            cfg = resolve(cfg)
            check_settings(cfg)
            check_optimization(cfg)
            assert not check_methods(cfg), path


@pytest.mark.parametrize(
    'option, value, words',
    [
        (
            'optim_wrapper.optimizer.lr',
            0,
            'lr must be a number above 0, got 0',
        ),
        ('optim_wrapper.optimizer.lr', 'x', "lr must be .*got 'x'"),
        ('optim_wrapper.clip_grad', 3, 'must be a dict such as .*got 3'),
        ('optim_wrapper.clip_grad', dict(max_nrom=1), 'Did you mean max_norm'),
        ('optim_wrapper.clip_grad', dict(max_norm=-1), 'above 0, got -1'),
        (
            'optim_wrapper.clip_grad',
            dict(type='value', clip_value=0),
            'clip_value must be .*got 0',
        ),
        ('optim_wrapper.paramwise_cfg', 3, 'must be a dict of settings'),
        (
            'optim_wrapper.paramwise_cfg',
            dict(custom_key={}),
            'custom_key: nothing reads this. Did you mean custom_keys',
        ),
        (
            'optim_wrapper.paramwise_cfg',
            dict(custom_keys=dict(decode_head=dict(lr_mul=10))),
            'decode_head.lr_mul: nothing .*mean lr_mult',
        ),
        (
            'param_scheduler',
            [dict(type='PolyLR', power=0.9)],
            r'param_scheduler.0 \(PolyLR\) counts epochs.*by_epoch=False',
        ),
        (
            'model.unsup_loss.criterion.loss_weight',
            -1.0,
            'loss_weight=-1.0 of .*the opposite is learned',
        ),
        ('data.std', (0, 1, 1), r'std=\(0, 1, 1\) of .*positive numbers'),
    ],
)
def test_nothing_or_the_opposite_would_be_learned(option, value, words):
    cfg = resolve(written(MEAN_TEACHER, **{option: value}))
    with pytest.raises(UsageError, match=words):
        check_optimization(cfg)


@pytest.mark.parametrize(
    'option, value',
    [
        # It waits for a figure and moves after each validation.
        (
            'param_scheduler',
            [dict(type='ReduceOnPlateauLR', monitor='mIoU', by_epoch=True)],
        ),
        (
            'param_scheduler',
            [dict(type='PolyLR', power=0.9, convert_to_iter_based=True)],
        ),
        ('optim_wrapper.optimizer', dict(type='Adafactor', lr=None)),
    ],
)
def test_what_only_looks_as_if_it_learned_nothing(option, value):
    check_optimization(resolve(written(MEAN_TEACHER, **{option: value})))


@MODELS.register_module(force=True)
class DiversityLoss(torch.nn.Module):
    """Somebody's own."""


def test_a_loss_of_somebody_may_be_maximized() -> None:
    options = {
        'model.unsup_loss.criterion.type': 'DiversityLoss',
        'model.unsup_loss.criterion.loss_weight': -0.1,
    }
    cfg = resolve(written(MEAN_TEACHER, **options))
    (note,) = check_optimization(cfg)
    assert note.startswith('loss_weight=-0.1 of DiversityLoss: ')
