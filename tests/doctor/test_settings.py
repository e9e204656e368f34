import copy

import pytest
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmseg.registry import OPTIMIZERS
from torch.optim import SGD

from mmsemi.apis.config import read_config, set_work_dir
from mmsemi.doctor.figures import check_best, check_metrics
from mmsemi.doctor.numbers import check_parts
from mmsemi.doctor.settings import check_device, check_options, check_settings
from mmsemi.engine.build import resolve
from mmsemi.registry import METRICS
from mmsemi.utils.errors import UsageError
from tests.engine.test_build import written

PARTS = ('cfg', 'dataloader', 'evaluator')
GOOD = dict(
    default_hooks=dict(checkpoint=dict(type='SafeCheckpointHook')),
    train_dataloader=dict(
        batch_size=4,
        num_workers=2,
        persistent_workers=True,
        sampler=dict(samples_per_source=(2, 2)),
    ),
    val_dataloader=dict(batch_size=1, num_workers=0),
    val_evaluator=dict(type='IoUMetric'),
    val_cfg=dict(type='ValLoop'),
    test_dataloader=None,
    model=dict(
        student=dict(
            decode_head=dict(
                num_classes=3,
                loss_decode=[
                    dict(class_weight=[1, 1, 2]),
                    dict(class_weight=None),
                    dict(class_weight='weights.json'),
                ],
            ),
            auxiliary_head=dict(
                num_classes=2, out_channels=1, class_weight=[3.0]
            ),
        ),
        unsup_loss=dict(criterion=dict(class_weight=(1, 1, 1))),
    ),
    train_cfg=dict(max_iters=10),
    max_iters=10,
    data_root='data',
)


@pytest.mark.parametrize(
    'change, words',
    [
        (
            {'train_dataloader.batch_size': 2},
            r'batch_size=2.*samples_per_source=\(2, 2\).*is 4',
        ),
        (
            {'train_dataloader.num_workers': 0},
            'persistent_workers=True needs workers.*num_workers=0',
        ),
        (
            {'val_dataloader.prefetch_factor': 2},
            'val_dataloader.prefetch_factor=2 needs workers',
        ),
        ({'val_dataloader.batch_size': 0}, 'must be 1 or more, got 0'),
        ({'val_evaluator': None}, 'but no val_evaluator'),
        ({'test_evaluator': dict(type='x')}, 'no test_dataloader and no test'),
        (
            {
                'model.student.decode_head.loss_decode.0.class_weight': [
                    0.5,
                    1.5,
                ]
            },
            'decode_head.loss_decode.0.class_weight has 2 .*num_classes=3',
        ),
        ({'train_dataloader.num_workers': -1}, 'num_workers .* 0 or more'),
        ({'val_dataloader.num_workers': 'x'}, "num_workers .*got 'x'"),
        ({'train_cfg.max_iters': 0}, 'max_iters .* 1 or more, got 0'),
        ({'train_cfg.max_iters': 1.5}, r'max_iters .*got 1\.5'),
        ({'train_cfg.val_interval': 0}, 'val_interval .* 1 or more, got 0'),
        ({'default_hooks.checkpoint.interval': 'x'}, "interval .* got 'x'"),
        ({'randomness.seed': -1}, 'seed must .*got -1'),
        ({'randomness.seed': 2**32}, r'seed must be below 2\*\*32'),
        ({'randomness': 3}, 'randomness must be a dict.*got 3'),
        ({'model.unsup_loss.weights': [1.0, float('nan')]}, r's\.1 is nan'),
        ({'log_level': 'LOUD'}, "log_level must be one of .*'LOUD'"),
        ({'val_evaluator.iou_metrics': ['mIoUU']}, 'there is no mIoUU'),
        ({'val_evaluator.iou_metrics': []}, 'must be some of mIoU.*got \\[]'),
        ({'val_evaluator.iou_metrics': 3}, 'must be some of mIoU.*got 3'),
        (
            {'val_evaluator.iou_metric': ['mDice']},
            'has no such setting. Did you mean iou_metrics',
        ),
        (
            {'default_hooks.checkpoint.save_best': 'mIou'},
            'no validation gives mIou, but aAcc, mAcc, mIoU. Did you mean',
        ),
        ({'default_hooks.checkpoint.save_best': 3}, 'must name figures'),
        (
            {
                'default_hooks.checkpoint.save_best': 'mIoU',
                **dict.fromkeys(f'val_{k}' for k in PARTS),
            },
            'save_best=.* nothing is validated',
        ),
        ({'default_hooks.checkpoint.max_keep_ckpts': 0}, 'would keep all'),
        ({'default_hooks.chekpoint.interval': 3}, 'default_hooks.checkpoint'),
        (
            {'train_dataloader.sampler.samples_per_source': 3},
            'a whole number of 0 or more for each source, got 3',
        ),
        (
            {'train_dataloader.sampler.samples_per_source': (4, 'x')},
            'for each source',
        ),
        (
            {'model.unsup_loss.criterion.class_weight': [1] * 4},
            'unsup_loss.criterion.class_weight has 4 values',
        ),
    ],
)
def test_settings_that_contradict_each_other(change, words):
    cfg = Config(GOOD)
    check_settings(cfg)
    cfg.merge_from_dict(change)
    with pytest.raises(UsageError, match=words):
        check_settings(cfg)


@pytest.mark.parametrize(
    'change, words',
    [
        (dict(model=None), 'model must be a dict of settings, got None'),
        (dict(train_cfg=None), 'train_cfg must be .*got None'),
        (dict(optim_wrapper=3), 'optim_wrapper must be .*got 3'),
        (
            dict(optim_wrapper=dict(optimizer=dict(type='SGDD'))),
            'there is no optimizer SGDD',
        ),
    ],
)
def test_a_training_has_all_its_parts(change, words):
    optimizer = dict(type='SGD', lr=0.1)
    parts = dict(GOOD, optim_wrapper=dict(optimizer=optimizer))
    check_parts(Config(parts))
    with pytest.raises(UsageError, match=words):
        check_parts(Config(dict(parts, **change)))


@pytest.mark.parametrize(
    'wrapper',
    [
        dict(optimizer=dict(type='mmengine.SGD')),
        dict(optimizer=dict(type='torch.optim.SGD')),
        dict(optimizer=dict(type='OptimizerOfASegmentationProject')),
        dict(constructor='Several', g=dict(optimizer=dict(type='SGD'))),
    ],
)
def test_other_optimizers_are_found(wrapper, monkeypatch):
    name = 'OptimizerOfASegmentationProject'
    monkeypatch.setitem(OPTIMIZERS.module_dict, name, SGD)
    check_parts(Config(dict(GOOD, optim_wrapper=wrapper)))


@pytest.mark.parametrize('level', ['WARN', 'DEBUG', 20])
def test_levels_of_logging_that_python_knows(level):
    check_settings(Config(dict(GOOD, log_level=level)))


def test_a_run_without_validation_needs_no_interval():
    plain = dict(max_iters=10, val_interval=None)
    phase = dict.fromkeys(('val_cfg', 'val_dataloader', 'val_evaluator'))
    check_settings(Config(dict(GOOD, train_cfg=plain, **phase)))
    with pytest.raises(UsageError, match='val_interval must be'):
        check_settings(Config(dict(GOOD, train_cfg=plain)))


@pytest.mark.parametrize(
    'options, words',
    [
        ({'max_iters': 2}, 'max_iters=2 would.*train_cfg.max_iters is meant'),
        ({'data_root': 'x'}, 'data_root=x would change nothing'),
        ({'modle.student': 1}, 'nothing reads modle. Did you mean model'),
        ({'trian_cfg.max_iters': 3}, 'Did you mean train_cfg'),
        ({'hook.teacher': None}, 'Did you mean hooks'),
        ({'nonsense': 3}, 'nothing reads nonsense'),
        ({'hooks.techer': None}, 'hooks has no techer to leave out.*teacher'),
        ({'default_hooks.sumary': None}, 'has no sumary to leave out'),
    ],
)
def test_options_nothing_reads(options, words):
    written = dict(GOOD, hooks=dict(teacher=dict(type='MeanTeacherHook')))
    cfg = Config(copy.deepcopy(written))
    cfg.merge_from_dict(options)
    with pytest.raises(UsageError, match=words):
        check_options(cfg, options, Config(written))


@pytest.mark.parametrize(
    'options',
    [
        {'train_cfg.max_iters': 2},
        {'model.student.decode_head.num_classes': 3},
        {'load_from': 'x.pth', 'randomness.seed': 3},
        {'semi_dataloader.batch_size': 3, 'load_except': 'decode_head'},
        {'hooks.teacher': None, 'default_hooks.logger': None},
        {'hooks.teacher.start_iter': None},
    ],
)
def test_options_that_are_read(options):
    written = dict(GOOD, hooks=dict(teacher=dict(type='MeanTeacherHook')))
    cfg = Config(copy.deepcopy(written))
    cfg.merge_from_dict(options)
    check_options(cfg, options, Config(written))


@pytest.mark.parametrize(
    'line, meant',
    [
        ('trian_cfg = dict(max_iters=3)', 'Did you mean train_cfg'),
        ('hook = dict(teacher=None)', 'Did you mean hooks'),
        ('optim_wraper = dict(clip_grad=None)', 'Did you mean optim_wrapper'),
        ('randomnes = dict(seed=3)', 'Did you mean randomness'),
        ("load_form = 'x.pth'", 'Did you mean load_from'),
        ("regim = 'online'  # regim", 'Did you mean regime'),
        ('custom_hook = [dict(type="Own")]', 'Did you mean custom_hooks'),
        ('checkpoint_config = dict(interval=3)', 'default_hooks.checkpoint'),
    ],
)
def test_misspelt_names_in_files(tmp_path, line, meant):
    path = tmp_path / 'a.py'
    path.write_text(f'train_cfg = dict(max_iters=10)\n{line}\n')
    with pytest.raises(UsageError, match=rf'a\.py: nothing reads .*{meant}'):
        read_config(str(path))


@pytest.mark.parametrize(
    'text',
    [
        'env_cgf = dict(type="X")\nmodel = dict(backbone=env_cgf)\n',
        'mode = "x"\ndate = "2024"\nsplits = dict(a=1)\nmodels = ["a"]\n',
        "root = 'x'\nnumbers = [1]\nclasses = ('a',)\nrun = 1\nimages = 2\n",
        'student = dict(type="X")\ncriterion = dict(type="Y")\n',
        'train_pipeline = []\nloader = dict(pipeline=train_pipeline)\n',
        'train_pipeline = []\nval_pipeline = []\ntta_cfg = dict(a=1)\n',
    ],
)
def test_variables_of_a_config_are_its_own(tmp_path, text):
    path = tmp_path / 'a.py'
    path.write_text(text)
    read = read_config(str(path))
    for name, value in Config.fromfile(path).items():
        assert read[name] == value


def test_variables_that_another_file_uses(tmp_path):
    (tmp_path / 'a.py').write_text('modell = dict(type="X")\n')
    (tmp_path / 'b.py').write_text("_base_ = 'a.py'\nmodel = _base_.modell\n")
    read_config(str(tmp_path / 'b.py'))
    with pytest.raises(UsageError, match='Did you mean model'):
        read_config(str(tmp_path / 'a.py'))


@pytest.mark.parametrize(
    'name, gpus, words',
    [
        ('cuda', 0, 'sees no GPU'),
        ('cuda:3', 2, 'sees 2 GPUs, numbered from 0'),
        ('gpu', 0, 'no name of a device'),
    ],
)
def test_devices_that_are_not_there(monkeypatch, name, gpus, words):
    monkeypatch.setattr('torch.cuda.device_count', lambda: gpus)
    with pytest.raises(UsageError, match=f'--device {name}: .*{words}'):
        check_device(name)
    check_device('cpu')
    if gpus:
        check_device('cuda:1')


@pytest.mark.parametrize('processes', [1, 4])
@pytest.mark.parametrize(
    'name', ['ael/cityscapes_744', 'ael/camvid_1-16', 'u2pl/voc_1464']
)
def test_our_own_configs_do_not(name, processes):
    check_settings(resolve(written(name), None, processes))


@pytest.mark.parametrize(
    'line, words',
    [
        ('param_scheduler = 3', 'param_scheduler must be .* a list, got 3'),
        ('param_scheduler = [3]', 'param_scheduler.0 must be a dict'),
        ('custom_hooks = 3', 'custom_hooks must be a list, got 3'),
        ('custom_hooks = [3]', 'custom_hooks.0 must be a dict'),
        ('load_from = 3', 'load_from must be text, got 3'),
        ('env_cfg = 3', 'env_cfg must be a dict of settings'),
        (
            'env_cfg = dict(cudnn_benchmrk=True)',
            'Did you mean cudnn_benchmark',
        ),
        ('semi_dataloader = 3', 'semi_dataloader must be a dict'),
        (
            "default_scope = 'nope'",
            "default_scope='nope': no package .*mmsemi",
        ),
        ('default_scope = 3', 'default_scope must be text'),
    ],
)
def test_settings_of_another_kind(tmp_path, line, words):
    (tmp_path / 'a.py').write_text(f'{line}\n')
    with pytest.raises(UsageError, match=words):
        read_config(str(tmp_path / 'a.py'))


@pytest.mark.parametrize('scope', ['mmsemi', 'mmseg', 'mmengine', 'own'])
def test_scopes_that_are_there(tmp_path, monkeypatch, scope):
    """Also of a package that mmengine will find, and nobody has imported."""
    (tmp_path / 'own').mkdir()
    (tmp_path / 'own/registry.py').write_text('')
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'a.py').write_text(f'default_scope = {scope!r}\n')
    assert read_config(str(tmp_path / 'a.py')).default_scope == scope


def test_an_empty_work_dir_is_not_the_present_folder():
    with pytest.raises(UsageError, match="work_dir is ''"):
        set_work_dir(Config(dict(work_dir='')), 'a.py', None)


@METRICS.register_module(force=True)
class BoundaryMetric(BaseMetric):
    """Somebody's own, which reads settings and knows figures of its own."""

    def __init__(self, **settings) -> None:
        self.width = settings.pop('width', 1)
        settings.pop('iou_metrics', None)
        super().__init__(**settings)

    def process(self, data_batch, data_samples) -> None:
        pass

    def compute_metrics(self, results) -> dict:
        return {}


def test_metrics_of_others_know_their_settings():
    own = dict(type='BoundaryMetric', width=3, iou_metrics=['mBoundary'])
    several = (dict(type='IoUMetric'), own)
    check_metrics(Config(dict(val_evaluator=several)), 'val')
    hooks = dict(checkpoint=dict(save_best='mBoundary'))
    cfg = dict(default_hooks=hooks, val_dataloader=dict(batch_size=1))
    check_best(Config(dict(cfg, val_evaluator=several)))
