"""Source, labeled target and unlabeled target images in one batch."""

import shutil
from itertools import islice
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmsemi.datasets.recipe import Recipe
from mmsemi.datasets.splits import config_datasets, set_split
from mmsemi.datasets.splits_table import choose_split
from mmsemi.datasets.target_domain import both_domains
from mmsemi.doctor.data import check_data
from mmsemi.engine.build import resolve
from mmsemi.engine.hooks.class_frequency_hook import ClassFrequencyHook
from mmsemi.engine.loops.round_lengths import epoch_lengths
from mmsemi.engine.runner import build_runner
from mmsemi.models.losses import ClassBalancedCrossEntropyLoss
from mmsemi.registry import DATA_SAMPLERS, DATASETS
from mmsemi.utils.errors import UsageError
from tests.models.segmentors.test_mean_teacher import tiny_student
from tests.tiny import CLASSES, make_tiny_set


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Six source images, two labeled and seven unlabeled target images."""
    root = make_tiny_set(tmp_path_factory.mktemp('domains'))
    names = (root / 'unlabeled.txt').read_text().split()
    (root / 'few.txt').write_text('\n'.join(names[:2]))
    (root / 'rest.txt').write_text('\n'.join(names[2:]))
    return root


def facts(root, **more):
    return dict(
        labeled=dict(
            type='BaseSegDataset',
            metainfo=dict(classes=CLASSES),
            data_prefix=dict(
                img_path=str(root / 'images'), seg_map_path=str(root / 'masks')
            ),
            img_suffix='.png',
        ),
        val=dict(ann_file=str(root / 'val.txt')),
        split='plain',
        splits=dict(
            plain=dict(
                lists=tuple(
                    str(root / f'{name}.txt')
                    for name in ('labeled', 'unlabeled')
                )
            ),
            few=dict(
                lists=tuple(
                    str(root / f'{name}.txt')
                    for name in ('labeled', 'rest', 'few')
                )
            ),
        ),
        augment=[dict(type='RandomFlip', prob=0.5)],
        batch=dict({'alone': 4, 'labeled': 3, 'unlabeled': 2}, **more),
        num_workers=0,
    )


def recipe(root, regime, split='few', **more):
    data = facts(root, **more)
    choose_split(data, split)
    return Recipe(data, regime)


@pytest.mark.parametrize('regime', ['online', 'rounds'])
def test_a_batch_holds_the_three_kinds(root, regime):
    loaders = recipe(root, regime, target=1).loaders()
    loader = loaders[
        'semi_dataloader' if regime == 'rounds' else 'train_dataloader'
    ]
    assert loader['sampler']['samples_per_source'] == (2, 1, 2)
    assert loader['batch_size'] == 5
    dataset = DATASETS.build(loader['dataset'])
    assert dataset.cumulative_sizes == [6, 8, 15]
    sampler = DATA_SAMPLERS.build(
        dict(loader['sampler'], dataset=dataset, seed=0)
    )
    few = (root / 'few.txt').read_text().split()
    rest = (root / 'rest.txt').read_text().split()
    indices = list(islice(sampler, 5))
    for index in indices[2:3]:
        info = dataset.target.get_data_info(index - 6)
        assert info['img_path'][-6:-4] in few
    assert {dataset.unlabeled.get_stem(i - 8) for i in indices[3:]} < set(rest)
    if regime == 'online':  # methods see labeled images of either domain
        item = dataset[indices[2]]
        assert item['inputs']['sup'] is not None
        assert item['inputs']['unsup_teacher'] is None


def test_labeled_images_alone_are_of_both_domains(root):
    loader = recipe(root, 'supervised').loaders()['train_dataloader']
    assert loader['sampler']['samples_per_source'] == (3, 1)
    assert len(DATASETS.build(loader['dataset'])) == 8
    plain = recipe(root, 'supervised', 'plain').loaders()['train_dataloader']
    assert plain['sampler']['type'] == 'InfiniteSampler'


def test_rounds_that_mix_freely_know_the_three_kinds(root):
    """CBST's sampler: a share of the source, and all of the target."""
    data = facts(root, rounds=2, labeled=4, target=2)
    data['round_sampler'] = dict(
        type='SourceSubsetSampler', portions=(0.5, 1.0)
    )
    choose_split(data, 'few')
    loader = Recipe(data, 'rounds').loaders()['semi_dataloader']
    assert loader['sampler']['target_share'] == 0.5
    dataset = DATASETS.build(loader['dataset'])
    sampler = DATA_SAMPLERS.build(
        dict(loader['sampler'], dataset=dataset, seed=0)
    )
    # 3 and 6 source images, 2 target images (twice, 3 times), 7 without.
    assert len(sampler) == 3 + 2 * 2 + 7
    sampler.set_round(2)
    assert len(sampler) == 6 + 2 * 3 + 7
    assert epoch_lengths(loader, 7, 2, (0.5, 1.0)) == [7, 10]
    # A pass is one over the images without labels.
    loader = recipe(root, 'rounds').loaders()['semi_dataloader']
    assert epoch_lengths(loader, 7, 1) == [4]


@pytest.mark.parametrize('regime', ['online', 'supervised'])
def test_class_weights_are_of_both_domains(root, regime, monkeypatch):
    loaders = recipe(root, regime).loaders()
    dataset = DATASETS.build(loaders['train_dataloader']['dataset'])
    seen = []
    monkeypatch.setattr(
        'mmsemi.engine.hooks.class_frequency_hook.count_classes',
        lambda part, threads: seen.append(len(part)) or np.ones(3),
    )
    loss = ClassBalancedCrossEntropyLoss(
        mode='sqrt_inverse', class_frequency='labeled'
    )
    runner = MagicMock()
    runner.model = torch.nn.Sequential(loss, torch.nn.Conv2d(1, 1, 1))
    runner.train_dataloader.dataset = dataset
    monkeypatch.setattr(
        'mmsemi.engine.hooks.class_frequency_hook.trains', lambda _: True
    )
    ClassFrequencyHook().before_run(runner)
    assert seen == [6, 2]


@pytest.mark.parametrize('regime', ['online', 'supervised', 'rounds'])
def test_another_split_of_a_written_config(root, tmp_path, regime):
    """``--split FOLDER`` leaves the target list, or has one for it."""
    cfg = Config(recipe(root, regime).loaders())
    for name in ('labeled', 'unlabeled'):
        shutil.copy(root / f'{name}.txt', tmp_path)

    def lists():
        found = {}
        for role, dataset in config_datasets(cfg):
            found.setdefault(role, set()).add(dataset['ann_file'])
        return found

    set_split(cfg, str(tmp_path))
    labeled = {str(tmp_path / 'labeled.txt'), str(root / 'few.txt')}
    assert lists()['labeled'] == labeled
    if regime != 'supervised':
        assert lists()['unlabeled'] == {str(tmp_path / 'unlabeled.txt')}
    shutil.copy(root / 'few.txt', tmp_path / 'target.txt')
    set_split(cfg, str(tmp_path))
    labeled = {str(tmp_path / f'{name}.txt') for name in ('labeled', 'target')}
    assert lists()['labeled'] == labeled
    data = facts(root)
    choose_split(data, str(tmp_path))
    assert data['target']['ann_file'] == str(tmp_path / 'target.txt')


@pytest.mark.parametrize('target', [0, 3])
def test_both_domains_must_be_in_a_batch(root, target):
    with pytest.raises(UsageError, match=f'batch.target: {target} of the 3'):
        recipe(root, 'online', target=target)


def config(root, work_dir):
    student = tiny_student()
    student['decode_head']['num_classes'] = len(CLASSES)
    return dict(
        default_scope='mmsemi',
        regime='online',
        data=facts(root),
        model=dict(
            type='MeanTeacher',
            student=student,
            pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.0),
            unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
        ),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=2),
        val_cfg=dict(type='ValLoop'),
        test_cfg=dict(type='TestLoop'),
        hooks=dict(teacher=dict(type='MeanTeacherHook', momentum=0.1)),
        work_dir=str(work_dir),
        experiment_name='domains',
    )


def test_a_method_trains_and_the_checks_know_the_lists(root, tmp_path):
    cfg = resolve(Config(config(root, tmp_path)), 'few')
    lists = {
        d['ann_file'] for role, d in config_datasets(cfg) if role == 'labeled'
    }
    assert lists == {str(root / 'labeled.txt'), str(root / 'few.txt')}
    check_data(cfg)
    seen = []
    runner = build_runner(cfg)
    step = runner.model.step
    runner.model.step = lambda batch: seen.append(batch) or step(batch)
    runner.train()
    assert [len(batch.sup) for batch in seen] == [3, 3]
    assert [len(batch.weak) for batch in seen] == [2, 2]
    # An image may not be labeled and unlabeled.
    other = tmp_path / 'data'
    shutil.copytree(root, other)
    (other / 'few.txt').write_text((other / 'rest.txt').read_text())
    wrong = resolve(Config(config(other, tmp_path / 'w')), 'few')
    with pytest.raises(UsageError, match='in both'):
        check_data(wrong)


def test_both_domains_are_in_every_batch() -> None:
    for batch, shares, wanted in ((2, (4, 3), (1, 1)), (8, (4, 1), (6, 2))):
        sampler, _ = both_domains({}, {}, batch, shares)
        assert sampler['samples_per_source'] == wanted
    with pytest.raises(UsageError, match='data.batch.alone=1: .* at least 2'):
        both_domains({}, {}, 1, (4, 1))


def test_a_target_without_a_list_is_none() -> None:
    """Settings of the third list do not make one of another."""
    data = dict(
        splits=dict(
            none=dict(lists=('a.txt', 'b.txt')),
            few=dict(lists=('a.txt', 'b.txt', 'c.txt')),
        ),
        split='none',
        target=dict(data_prefix=dict(img_path='target')),
    )
    choose_split(data, 'few')
    assert data['target']['ann_file'] == 'c.txt'
    data['target'].pop('ann_file')
    choose_split(data, 'none')
    assert 'target' not in data
