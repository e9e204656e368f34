"""Facts of a config become what the Runner asks for, once."""

import copy

import numpy as np
import pytest
from mmengine.config import Config

from mmsemi.datasets import (
    PseudoLabelDataset,
    SemiDataset,
    UnlabeledDataset,
    splits_table,
)
from mmsemi.datasets.splits import config_datasets, leaf_datasets
from mmsemi.doctor.settings import check_settings
from mmsemi.engine.build import resolve
from mmsemi.engine.hooks import MeanTeacherHook
from mmsemi.engine.loops.round_data import tell_datasets
from mmsemi.engine.student_config import dicts
from mmsemi.registry import DATASETS, HOOKS, LOOPS, class_of, is_type
from mmsemi.utils.errors import UsageError
from tests.configs import config
from tests.conftest import ROOT


def written(name: str, **options) -> Config:
    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    cfg.merge_from_dict(options)
    return cfg


@pytest.mark.parametrize(
    'name', ['u2pl/voc_1464', 'dst_cbc/camvid_1-16', 'strict/voc12']
)
def test_a_dumped_config_resolves_to_itself(name, tmp_path) -> None:
    cfg = config(name)
    cfg.dump(tmp_path / 'dumped.py')
    again = Config.fromfile(tmp_path / 'dumped.py')
    before = copy.deepcopy(again.to_dict())
    assert resolve(again).to_dict() == before
    assert {'data', 'hooks', 'regime'}.isdisjoint(before)
    for key in ('train_dataloader', 'model', 'custom_hooks', 'train_cfg'):
        assert before[key] == cfg.to_dict()[key]


@pytest.mark.parametrize('name', ['u2pl/camvid_1-16', 'dst_cbc/camvid_1-16'])
def test_without_images_to_validate_on(name) -> None:
    cfg = resolve(written(name, **{'data.val': None}))
    for role in ('val', 'test'):
        for part in ('dataloader', 'evaluator', 'cfg'):
            assert cfg[f'{role}_{part}'] is None
    assert cfg.test_pipeline
    # A test set of its own stays.
    own = written(name).copy()
    own.data.val = None
    own.test_dataloader = dict(batch_size=3)
    cfg = resolve(own)
    assert cfg.test_dataloader.batch_size == 3 and cfg.test_cfg is not None
    assert cfg.val_dataloader is None


def test_a_fact_changes_everything_that_follows_from_it() -> None:
    cfg = resolve(
        written(
            'u2pl/voc_1464',
            **{
                'data.crop_size': (257, 257),
                'data.split': '183',
                'data.batch.unlabeled': 8,
                'data.batch.labeled': 8,
            },
        )
    )
    text = str(cfg.train_dataloader) + str(cfg.model.student)
    assert '513' not in text
    assert tuple(cfg.model.student.data_preprocessor.size) == (257, 257)
    assert 'u2pl/183/' in cfg.train_dataloader.dataset.labeled.ann_file
    # Four processes of 2 images: 10399 // 4, filled up, of which 1300 whole.
    assert cfg.train_cfg.max_iters == 80 * 1300
    assert cfg.param_scheduler[0].end == 80 * 1300 + 1
    assert cfg.model.semi_train_cfg.warmup_iters == 1300
    assert cfg.custom_hooks[0].copy_until == 2 * 1300
    assert cfg.train_dataloader.batch_size == 16


def test_what_a_config_says_of_a_loader_is_kept() -> None:
    cfg = resolve(
        written(
            'mean_teacher/camvid_1-16',
            **{
                'train_dataloader.dataset.unlabeled.audit': True,
                'val_dataloader.dataset.ann_file': 'mine.txt',
                'train_cfg.max_iters': 7,
            },
        )
    )
    assert cfg.train_dataloader.dataset.unlabeled.audit is True
    assert cfg.val_dataloader.dataset.ann_file == 'mine.txt'
    assert 'ann_file' not in cfg.test_dataloader.dataset
    assert cfg.param_scheduler[-1].end == 8


def test_own_lists_by_folder(tmp_path) -> None:
    """Numbers come from the lists; settings from the usual split."""
    for role, number in (('labeled', 40), ('unlabeled', 160)):
        (tmp_path / f'{role}.txt').write_text(
            ''.join(f'{role}{k}\n' for k in range(number))
        )
    cfg = resolve(written('dst_cbc/voc_1464'), str(tmp_path))
    assert cfg.train_cfg.supervised_iters == 85 * 5
    assert cfg.train_cfg.iters_per_round == 6 * 40
    for role, dataset in config_datasets(cfg):
        if role != 'val':
            assert dataset.ann_file == f'{tmp_path}/{role}.txt'


@pytest.mark.parametrize(
    'name, options, split, words',
    [
        ('u2pl/voc_1464', {}, 'nonsense', 'nor one of the splits .* 92, 183'),
        ('u2pl/voc_1464', {}, '', '--split is empty'),
        ('u2pl/voc_1464', {}, '  ', '--split is empty'),
        ('strict/voc12', {}, '92', 'no labeled and unlabeled lists'),
        ('u2pl/voc_1464', {'data.crops': 3}, None, 'data.crops: no such'),
        ('strict/voc12', {'data.variant': 'x'}, None, 'no variant x, but 15'),
        ('u2pl/voc_1464', {'regime': 'on'}, None, 'regime must be one of'),
        (
            'mean_teacher/nuclei_1-32',
            {
                'data.splits': dict(mine=dict(lists=('l.txt', 'u.txt'))),
                'train_cfg.max_iters': '3 epochs',
            },
            'mine',
            'number is not known',
        ),
        (
            'dmt/camvid_1-16_a',
            {'train_cfg.val_interval': '{val_interval}'},
            None,
            'split 1_16 has no val_interval',
        ),
        (
            'mean_teacher/camvid_1-16',
            {'hooks.techer.momentum': 0.1},
            None,
            'hooks.techer: no hook has this name .* teacher',
        ),
        (
            'mean_teacher/camvid_1-16',
            {'hooks.techer': None},
            None,
            'hooks.techer=None leaves out .* Did you mean hooks.teacher',
        ),
        (
            'mean_teacher/camvid_1-16',
            {'custom_hooks.2.momentum': 0.1},
            None,
            'have names, not numbers',
        ),
        *(
            ('mean_teacher/camvid_1-16', {option: value}, None, words)
            for option, value, words in (
                ('hooks', 3, 'hooks must be a dict of hooks .*got 3'),
                ('hooks.teacher', 3, 'hooks.teacher must be .*got 3'),
                ('data.batch', 4, 'data.batch must be a dict .*got 4'),
                ('data.batch.labeled', 'x', "batch.labeled must be .*'x'"),
                ('data.num_workers', -1, 'num_workers must be .*got -1'),
                ('data.splits', {'1_16': 3}, 'splits.1_16 must be a dict'),
                ('data.variants', {'240x180': 3}, '240x180 must be a dict'),
                ('data.labeled.metainfo', dict(classes=3), 'name each class'),
                ('data.labeled.metainfo', dict(classes=()), 'name each class'),
                ('data.labeled.indices', 0, 'indices must be the .*got 0'),
                ('data.labeled.indices', 'x', "indices must be .*got 'x'"),
                ('data.tta_scales', (0,), 'tta_scales must be a list'),
                ('data.tta_scales', 'x', "tta_scales must be .*got 'x'"),
                ('data.partners', 3, 'partners must be True or False'),
                ('data.second_stream', 'x', 'second_stream must be True'),
                ('data.partly_labeled', 3, 'partly_labeled must be text'),
                ('data.round_sampler', 'x', 'round_sampler must be a dict'),
                ('data.lists', 3, 'lists must be a folder'),
                ('data.epoch', dict(processes=0), 'processes must be .*got 0'),
                ('data.batch.labelled', 4, 'labelled: .* mean labeled'),
                ('data.epoch.proceses', 4, 'proceses: .* mean processes'),
                ('data.views', 1.5, 'data.views must be .*got 1.5'),
                ('data.crop_size', (0, 9), 'crop_size must be .*0, 9'),
                ('data.crop_size', (9, 9, 9), 'crop_size must be a height'),
                ('data.augment', 3, 'augment must be a list .*got 3'),
                ('data.mean', 3, 'mean must be a number for each band'),
                ('data.labeled', None, 'labeled must be .* with a type'),
                ('data.val.ann_file', 3, 'val.ann_file must be text, got 3'),
                ('data.labeled.data_prefix', 3, 'data_prefix must be a dict'),
                ('data.evaluator', 3, 'evaluator must be a dict .*got 3'),
                ('data.labeled.datasets', [3], 'labeled must be one data set'),
                ('data.val.dataset', {}, 'val must be one data set'),
            )
        ),
    ],
)
def test_contradictions_are_named(name, options, split, words) -> None:
    with pytest.raises(UsageError, match=words):
        resolve(written(name, **options), split)


def test_whole_numbers_however_they_are_written() -> None:
    """A length that is a float would leave schedules without an end."""
    options = {
        'train_cfg.max_iters': 4e2,
        'train_cfg.val_interval': np.int64(50),
        'model.semi_train_cfg.warmup_iters': 1e1,
        'hooks.teacher.copy_until': 2e1,
        'data.batch.labeled': 4.0,
        'data.crop_size': (144.0, np.int32(176)),
        'randomness.seed': 3.0,
    }
    cfg = resolve(written('u2pl/camvid_1-16', **options))
    check_settings(cfg)
    found = (
        cfg.train_cfg.max_iters,
        cfg.train_cfg.val_interval,
        cfg.param_scheduler[-1].end,
        cfg.model.semi_train_cfg.warmup_iters,
        next(h.copy_until for h in cfg.custom_hooks if 'copy_until' in h),
        cfg.train_dataloader.sampler.samples_per_source[0],
        cfg.model.student.data_preprocessor['size'][1],
        cfg.randomness.seed,
    )
    assert found == (400, 50, 401, 10, 20, 4, 176, 3)
    assert {type(number) for number in found} == {int}
    with pytest.raises(UsageError, match='max_iters must .*got 400.5'):
        cfg.train_cfg.max_iters = 400.5
        check_settings(resolve(cfg))


def test_another_length_than_published_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / 'data/splits/voc12/u2pl/92'
    folder.mkdir(parents=True)
    (folder / 'unlabeled.txt').write_text(''.join(f'{k}\n' for k in range(64)))
    said = []
    monkeypatch.setattr(
        splits_table, 'print_log', lambda text, *_: said.append(text)
    )
    cfg = resolve(written('u2pl/voc_1464'), '92')
    assert cfg.train_cfg.max_iters == 80 * 4
    (text,) = said
    assert 'names 64 images' in text and '92 has 10490' in text


# Types given as classes.
def test_hooks_and_datasets_given_as_classes(tmp_path) -> None:
    cfg = written('dst_cbc/camvid_1-16')
    cfg = resolve(cfg)
    semi = cfg.semi_dataloader.dataset
    semi.type, semi.unlabeled.type = SemiDataset, PseudoLabelDataset
    cfg.label_dataloader.dataset.type = UnlabeledDataset
    assert [role for role, _ in config_datasets(cfg)] == [
        'labeled',
        'labeled',
        'unlabeled',
        'unlabeled',
        'val',
    ]
    tell_datasets(semi, dict(folder='round_1', rare_classes=[1], rarest=[1]))
    assert semi.unlabeled.pseudo_label_dir == 'round_1'
    resolve(cfg).dump(tmp_path / 'dumped.py')
    again = Config.fromfile(tmp_path / 'dumped.py')
    assert [role for role, _ in leaf_datasets(again.semi_dataloader.dataset)]
    assert is_type(again.semi_dataloader.dataset, DATASETS, 'SemiDataset')
    assert class_of(again.semi_dataloader.dataset.type, DATASETS) is (
        SemiDataset
    )


def test_types_are_compared_as_classes() -> None:
    class Mine(SemiDataset):
        pass

    for kind in (
        Mine,
        SemiDataset,
        'SemiDataset',
        'mmsemi.SemiDataset',
        'mmsemi.datasets.semi.SemiDataset',
    ):
        assert is_type(dict(type=kind), DATASETS, 'SemiDataset')
    assert is_type(dict(type=MeanTeacherHook), HOOKS, 'MeanTeacherHook')
    assert not is_type(dict(type=UnlabeledDataset), DATASETS, 'SemiDataset')
    assert not is_type(dict(type='Nobody'), LOOPS, 'SelfTrainingLoop')
    assert not is_type(None, LOOPS, 'SelfTrainingLoop')


# One config, any machine.
@pytest.mark.parametrize('processes, parts', [(1, 1), (4, 1), (2, 2), (8, 1)])
def test_a_step_is_shared_out(processes, parts) -> None:
    whole = config('ael/cityscapes_744')
    cfg = resolve(written('ael/cityscapes_744'), None, processes, parts)
    share = processes * parts
    loader = cfg.train_dataloader
    # A process loads its share whole and takes it in parts.
    assert loader.batch_size * processes == 48
    assert [n * processes for n in loader.sampler.samples_per_source] == [
        16,
        16,
        8,
    ]
    for head in ('decode_head', 'auxiliary_head'):
        loss = cfg.model.student[head].loss_decode
        assert loss.min_kept * share == 800000 and 'per_device' not in loss
    assert cfg.train_cfg.max_iters == whole.train_cfg.max_iters
    assert cfg.val_dataloader == whole.val_dataloader
    # A dumped config is divided anew, not once more.
    again = resolve(copy.deepcopy(cfg), None, 1)
    for key in ('train_dataloader', 'model', 'optim_wrapper'):
        assert again[key] == whole[key]
    assert 'machine' not in again


@pytest.mark.parametrize(
    'processes, words',
    [
        (3, '16 cannot be divided by 3.* Take 2 or 4 of these, or 15 or 18'),
        (32, '16 cannot be divided by 32.* Take 16 of these, or 32 for 16'),
        (0, 'must be at least 1, got 0'),
    ],
)
def test_sizes_that_do_not_divide(processes, words) -> None:
    with pytest.raises(UsageError, match=words):
        resolve(written('u2pl/voc_1464'), None, processes)


def test_validation_may_be_left_out() -> None:
    parts = [f'{phase}_{part}' for phase in ('val', 'test') for part in PARTS]
    cfg = resolve(written('mean_teacher/camvid_1-16', **dict.fromkeys(parts)))
    assert all(cfg[part] is None for part in parts)
    assert cfg.train_dataloader and cfg.test_pipeline


PARTS = ('dataloader', 'evaluator', 'cfg')


@pytest.mark.parametrize('several', [False, True])
def test_a_schedule_that_is_no_list_ends_with_the_run(several) -> None:
    poly = dict(type='PolyLR', by_epoch=False)
    given = dict(one=[dict(poly)], other=[dict(poly)]) if several else poly
    loop = dict(type='IterBasedTrainLoop', max_iters=10)
    cfg = resolve(Config(dict(train_cfg=loop, param_scheduler=given)))
    found = cfg.param_scheduler
    assert [part.end for part in dicts(found) if 'type' in part] == (
        [11, 11] if several else [11]
    )


def test_braces_in_the_path_of_a_split(tmp_path) -> None:
    folder = tmp_path / '{mine} {split'
    folder.mkdir()
    for name in ('labeled', 'unlabeled'):
        (folder / f'{name}.txt').write_text(f'{name}\n')
    cfg = resolve(written('u2pl/voc_1464'), str(folder))
    found = {
        c['ann_file'] for role, c in config_datasets(cfg) if role != 'val'
    }
    assert found == {
        str(folder / 'labeled.txt'),
        str(folder / 'unlabeled.txt'),
    }


@pytest.mark.parametrize(
    'name, fact, words',
    [
        ('u2pl/voc_1464', 'augment', 'data.augment is missing'),
        ('u2pl/voc_1464', 'batch', 'data.batch.labeled is missing'),
        ('supervised/voc_1464', 'batch', 'data.batch.alone is missing'),
        ('dst_cbc/shapes', 'batch', 'data.batch.alone is missing'),
    ],
)
def test_facts_that_a_way_of_training_needs(name, fact, words) -> None:
    cfg = written(name)
    for part in (cfg.data, *(cfg.data.get('variants') or {}).values()):
        part.pop(fact, None)
    with pytest.raises(UsageError, match=words):
        resolve(cfg)
