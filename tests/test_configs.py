"""Every config parses, builds what it names and has the published numbers."""

import copy
import inspect
import json
import math
import re
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.visualization import Visualizer

from mmsemi.engine.build import resolve
from mmsemi.engine.student_config import dicts
from mmsemi.registry import (
    DATA_SAMPLERS,
    DATASETS,
    HOOKS,
    LOOPS,
    METRICS,
    MODELS,
    PARAM_SCHEDULERS,
    TRANSFORMS,
)
from tests.configs import config
from tests.conftest import ROOT
from tests.models.tiny import batch

PATHS = sorted(ROOT.glob('configs/[!_]*/*.py'))
NAMES = [f'{path.parent.name}/{path.stem}' for path in PATHS]
SIZE = (32, 64)

# Epochs of the published scripts and images of the published lists.
LABELED = {
    'voc_1': 10582,
    'voc_1-4': 2645,
    'voc_1-8': 1322,
    'voc_1-20': 530,
    'voc_1-50': 211,
    'voc_1-106': 100,
    'voc_1464': 1464,
    'cityscapes_1': 2975,
    'cityscapes_1-4': 743,
    'cityscapes_1-8': 371,
    'cityscapes_1-30': 100,
}
EPOCHS = {
    'voc_1': 30,
    'voc_1-4': 60,
    'voc_1-8': 85,
    'voc_1-20': 134,
    'voc_1-50': 212,
    'voc_1-106': 300,
    'voc_1464': 85,
    'cityscapes_1': 60,
    'cityscapes_1-4': 120,
    'cityscapes_1-8': 170,
    'cityscapes_1-30': 330,
}
# DMT: epochs of the baselines and of a phase, and the portion of labels a
# baseline sees.
MUTUAL = {
    'voc_1-20': (134, 4, 1),
    'voc_1-106_dms': (300, 4, 0.8),
    'voc_1464': (85, 5, 1),
    'cityscapes_1-8': (170, 10, 1),
    'voc_1-50_naive': (134, 4, 0.8),
    'voc_1-50_flip': (134, 4, 0.8),
    'voc_1-50_dst': (134, 4, 1),
    'voc_1-50_cbst': (134, 4, 1),
    'voc_1-50_online': (134, 20, 1),
}
# Printed in the papers' code or computed from it, as a second witness.
ROUND_LENGTHS = {
    'dst_cbc/voc_1-106': 15726,
    'dst_cbc/voc_1-20': 15078,
    'dst_cbc/voc_1-50': 15558,
    'dst_cbc/voc_1-8': 13890,
    'dst_cbc/voc_1-4': 11910,
    'dst_cbc/cityscapes_1-30': 4314,
    'dst_cbc/cityscapes_1-8': 3906,
    'dst_cbc/cityscapes_1-4': 3348,
    'dmt/voc_1-20_a': 5744,
    'dmt/voc_1-106_dms_a': 5992,
    'dmt/voc_1464_a': 6515,
    'dmt/cityscapes_1-8_a': 4340,
    'dmt/voc_1-50_online': 29640,
}
# Methods that train online; test_online_configs.py and test_peer_configs.py
# have their numbers.
ONLINE = (
    'ael',
    'augseg',
    'corrmatch',
    'cps',
    'fixmatch',
    'mean_teacher',
    'u2pl',
    'unimatch',
)
# Stages from scratch; test_stage_configs.py has their numbers.
STAGES = ('st/', 'st_plus_plus/')
# Domain adaptation; test_adaptation_configs.py has its numbers and networks.
ADAPTATION = tuple(
    f'{folder}/{source}_'
    for source in ('gta5', 'synthia')
    for folder in ('source_only', 'cbst', 'crst')
)
# Zero-label segmentation; test_zero_label_methods.py has its numbers and
# networks.
ZERO_LABEL = ('spnet/', 'strict/')
PUBLISHED = [
    name
    for name in NAMES
    if re.search('/(voc|cityscapes)_', name)
    and not name.startswith(ONLINE + STAGES)
]
_SIZES: dict = {}


def split_of(name):
    """``'voc_1-20'`` of ``'dst_cbc/voc_1-20_paper'``."""
    return re.match(r'\w+/((voc|cityscapes)_[\d-]+)', name)[1]


# Configs that also serve the other splits of their data set.
FAMILIES = (
    'supervised/voc_1464',
    'supervised/voc_1-20_paper',
    'supervised/cityscapes_1-30',
    'supervised/cityscapes_1-30_paper',
    'dst_cbc/voc_1464',
    'dst_cbc/voc_1-20_paper',
    'dst_cbc/cityscapes_1-30',
    'dst_cbc/cityscapes_1-30_paper',
)


def published():
    """``(config, --split or None, data and ratio)``."""
    for name in PUBLISHED:
        yield name, None, split_of(name)
        data = split_of(name).split('_')[0]
        for other in LABELED if name in FAMILIES else ():
            kind, ratio = other.split('_')
            if kind != data or ratio == '1' and 'dst_cbc' in name:
                continue
            ratio = ratio.removeprefix('1-')
            ratio = {'1': 'all', '1464': '1464'}.get(ratio, f'{ratio}_0')
            yield name, ratio, other


class Sources(list):
    """A dataset of two sources, or of three."""

    def __init__(self, items, three: bool) -> None:
        super().__init__(items)
        self.cumulative_sizes = [10, 20, 30] if three else [10, 30]


@pytest.mark.parametrize('name', NAMES)
def test_parts_build(name):
    cfg = config(name)
    Visualizer.get_instance('visualizer')  # a hook asks for the present one
    for hook in list(cfg.default_hooks.values()) + cfg.get('custom_hooks', []):
        hook = HOOKS.build(hook)
        if hasattr(hook, 'labeler'):
            # A spatial prior is made from data that is not here.
            MODELS.build(
                dict(
                    hook.labeler,
                    num_classes=5,
                    **(dict(prior=None) if 'prior' in hook.labeler else {}),
                )
            )
    loaders = {key: cfg[key] for key in cfg if key.endswith('_dataloader')}
    assert {'train_dataloader', 'val_dataloader', 'test_dataloader'} <= set(
        loaders
    )
    for loader in loaders.values():
        data = range(30)
        if loader.dataset.type == 'SemiDataset':
            data = Sources(data, three='paste' in loader.dataset)
        sampler = DATA_SAMPLERS.build(
            dict(loader.sampler, dataset=data, seed=0)
        )
        assert (
            getattr(sampler, 'batch_size', loader.batch_size)
            == loader.batch_size
        )
        for part in dicts(loader.dataset):
            TRANSFORMS.build(
                dict(type='Compose', transforms=part['pipeline'])
            ) if 'pipeline' in part else None
            assert 'type' not in part or any(
                registry.get(part['type'])
                for registry in (DATASETS, TRANSFORMS)
            )
    TRANSFORMS.build(dict(type='Compose', transforms=cfg.tta_pipeline))
    METRICS.build(cfg.val_evaluator)
    METRICS.build(cfg.test_evaluator)

    loop = cfg.train_cfg
    inspect.signature(LOOPS.get(loop.type)).bind(
        runner=None,
        dataloader=None,
        **{k: v for k, v in loop.items() if k != 'type'},
    )
    rounds = loop.type == 'SelfTrainingLoop'
    assert not rounds or 'semi_dataloader' in cfg
    assert cfg.default_hooks.checkpoint.type == 'SafeCheckpointHook'
    if rounds and loop.get('start_from') == 'best':
        assert cfg.default_hooks.checkpoint.save_best
    if rounds and not loop.supervised_iters:
        assert cfg.load_from


@pytest.mark.parametrize('name', NAMES)
def test_schedule_reaches_its_end(name):
    """The last step of a phase is the last that changes the weights."""
    cfg = config(name)
    rounds = cfg.train_cfg.type == 'SelfTrainingLoop'
    if cfg.param_scheduler is None:  # constant rate
        assert name.startswith(ADAPTATION)
        return
    steps = 40 if rounds else cfg.train_cfg.max_iters
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    schedulers = []
    for scheduler in copy.deepcopy(cfg.param_scheduler):
        if rounds:  # one phase, whatever its length
            scheduler.setdefault('end', steps + 1)
        schedulers.append(
            PARAM_SCHEDULERS.build(dict(scheduler, optimizer=optimizer))
        )
    poly = schedulers[-1]
    assert poly.end == steps + 1 and not poly.by_epoch
    assert poly.power == 0.9 and poly.eta_min == 0
    for step in range(min(steps, 40)):
        if len(schedulers) == 1:
            assert optimizer.param_groups[0]['lr'] == pytest.approx(
                (1 - step / steps) ** 0.9
            )
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()


# Models that differ in more than the weights they start from.
def without_weights(model):
    model = json.loads(json.dumps(model))
    for part in dicts(model):
        for key in (
            'init_cfg',
            'data_preprocessor',
            'warmup_iters',
            'iters_per_epoch',
        ):
            part.pop(key, None)
    return model


def distinct_models():
    found = {}
    for name in NAMES:
        if name.startswith('unimatch_v2/') and 'camvid' not in name:
            continue  # backbones of mmpretrain have tests of their own
        # Those on nuclei are those on CamVid with fewer classes.
        if name.startswith(ADAPTATION + ZERO_LABEL) or '/nuclei_' in name:
            continue
        key = json.dumps(without_weights(config(name).model), sort_keys=True)
        found.setdefault(key, name)
    return sorted(found.values())


@pytest.mark.parametrize('name', distinct_models())
def test_model_takes_a_step(name):
    cfg = config(name)
    torch.manual_seed(0)
    wrapped = 'student' in cfg.model
    inner = cfg.model.student if wrapped else cfg.model
    for part in dicts(cfg.model):
        if part.get('class_frequency') == 'labeled':
            part.class_frequency = [1] * inner.decode_head.num_classes
    inner.data_preprocessor.size = SIZE
    inner.data_preprocessor.pop('size_divisor', None)
    model = MODELS.build(cfg.model)
    cfg.optim_wrapper.type = 'OptimWrapper'  # mixed precision needs a GPU
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    trained = [p for p in model.parameters() if p.requires_grad]
    before = [p.detach().clone() for p in trained]
    online = name.startswith(ONLINE)
    views = ['unsup_student', 'unsup_student_2']
    branches = (
        dict.fromkeys(
            ['sup', 'unsup_teacher', *views[: model.strong_views]],
            # A pooled image alone has no batch statistics.
            1
            if model.semi_train_cfg.get('joint_forward')
            and not name.startswith('corrmatch')
            # Its teacher is in train mode.
            and name != 'ael/voc_662_released'
            else 2,
        )
        if online
        else dict(sup=1, pseudo=1)
        if wrapped
        else dict(sup=2)
    )
    if getattr(getattr(model, 'mixing', None), 'partner', None) == 'same':
        branches.update(dict.fromkeys(model.other_branches, 2))
    classes = min(4, inner.decode_head.num_classes)
    data = batch(branches, SIZE, classes, confidence=True)
    if online:  # unlabeled samples say only what is padding
        steps = cfg.train_cfg.max_iters
        model.set_progress(steps - 1, steps)
        for sample in data['data_samples']['unsup_teacher']:
            sample.gt_sem_seg.data[:] = 0
    if not wrapped:
        data = {key: value['sup'] for key, value in data.items()}
    model.train()
    figures = model.train_step(data, wrapper)
    assert all(torch.isfinite(value).all() for value in figures.values())
    assert figures['loss'] > 0
    changed = [not torch.equal(a, b) for a, b in zip(before, trained)]
    assert sum(changed) / len(changed) > 0.9
    if wrapped:
        assert ('loss_unsup' if online else 'pseudo_weight') in figures
    model.eval()
    result = model.test_step(
        dict(
            inputs=[torch.zeros(3, *SIZE, dtype=torch.uint8)],
            data_samples=[batch(dict(sup=1), SIZE)['data_samples']['sup'][0]],
        )
    )
    assert result[0].seg_logits.data.shape == (
        inner.decode_head.num_classes,
        *SIZE,
    )


# Iterations of VOC and Cityscapes, recomputed from the sizes of the lists.
@pytest.fixture(scope='module')
def lists(tmp_path_factory):
    """Lists of the published lengths, and Cityscapes' training folder."""
    root = tmp_path_factory.mktemp('lists')
    (root / 'nowhere').mkdir()

    def write(path, number):
        path = root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(f'{k:05d}' for k in range(number)))

    voc = 'data/VOCdevkit/VOC2012/ImageSets/Segmentation'
    (root / 'data/VOCdevkit/VOC2012/JPEGImages').mkdir(parents=True)
    for name, number in (
        ('train', 1464),
        ('aug', 9118),
        ('trainaug', 10582),
        ('val', 1449),
    ):
        write(f'{voc}/{name}.txt', number)
    for name, number in LABELED.items():
        data, ratio = name.split('_')
        folder = (
            'data/splits/'
            + dict(voc='voc12', cityscapes='cityscapes')[data]
            + '/dst_cbc'
        )
        ratio = ratio.split('-')[-1]
        for k in range(3):
            write(f'{folder}/{ratio}_{k}/labeled.txt', number)
            write(
                f'{folder}/{ratio}_{k}/unlabeled.txt',
                LABELED[f'{data}_1'] - number,
            )
            for side in 'lr':
                write(
                    f'{folder}/{ratio}-{side}_{k}/labeled.txt',
                    number - math.ceil(0.2 * number),
                )
    images = root / 'data/cityscapes/leftImg8bit/train/town'
    images.mkdir(parents=True)
    for k in range(2975):
        (images / f'{k}_leftImg8bit.png').touch()
    return root


def images_of(dataset):
    """Number of images of a dataset config, its pipeline left out."""
    dataset = copy.deepcopy(dataset)
    for part in dicts(dataset):
        if 'pipeline' in part:
            part.update(pipeline=[], serialize_data=False)
    key = json.dumps(dataset)
    if key not in _SIZES:
        _SIZES[key] = len(DATASETS.build(dataset))
    return _SIZES[key]


def round_lengths(cfg):
    runner = MagicMock(cfg=cfg)
    loop = LOOPS.build(
        dict(cfg.train_cfg, runner=runner, dataloader=MagicMock())
    )
    ends = [0] + loop.round_ends
    return [b - a for a, b in zip(ends, ends[1:])]


@pytest.mark.parametrize('name, option, split', list(published()))
@pytest.mark.parametrize('there', [True, False], ids=['lists', 'no lists'])
def test_published_iterations(name, option, split, there, lists, monkeypatch):
    """Epochs become the same iterations with the lists and without them."""
    monkeypatch.chdir(lists if there else lists / 'nowhere')
    cfg = resolve(Config.fromfile(ROOT / f'configs/{name}.py'), split=option)
    monkeypatch.chdir(lists)
    method = name.split('/')[0]
    labeled = images_of(cfg.train_dataloader.dataset)
    assert cfg.train_dataloader.batch_size == 8
    epochs, passes, seen = EPOCHS[split], 6, 1
    if method == 'dmt':
        epochs, passes, seen = MUTUAL[re.sub('.*/|_[ab]$', '', name)]
    assert labeled == LABELED[split] - math.ceil(
        (1 - seen) * LABELED[split] - 1e-9
    )
    supervised = epochs * math.ceil(labeled / 8)
    if method == 'supervised':
        assert cfg.train_cfg.max_iters == supervised
        return
    semi = cfg.semi_dataloader
    for part in (semi.dataset.unlabeled, cfg.label_dataloader.dataset):
        assert (
            images_of(part)
            == LABELED[split.split('_')[0] + '_1'] - LABELED[split]
        )
    assert images_of(semi.dataset.labeled) == LABELED[split]
    assert semi.batch_size == sum(semi.sampler.samples_per_source) == 8
    lengths = round_lengths(cfg)
    assert lengths[0] == (cfg.train_cfg.supervised_iters and supervised)
    if len(lengths) == 2 and method == 'dst_cbc':
        passes = 30
    unlabeled = images_of(cfg.label_dataloader.dataset)
    expected = passes * math.ceil(
        unlabeled / semi.sampler.samples_per_source[1]
    )
    assert set(lengths[1:]) == {expected}
    key = name if option is None else f'{method}/{split}'
    assert expected == ROUND_LENGTHS.get(key, expected)


def lists_named(cfg):
    return {
        part['ann_file']
        for key in cfg
        if key.endswith('dataloader')
        for part in dicts(cfg[key])
        if part.get('ann_file')
    }


@pytest.mark.parametrize('name', [n for n in PUBLISHED if 'paper' in n])
def test_paper_variant_uses_the_same_lists(name):
    usual = name.replace('_paper', '').replace('voc_1-20', 'voc_1464')
    split = '20_0' if 'voc' in name else None
    assert lists_named(config(name)) == lists_named(config(usual, split))


# What is written about the configs.
@pytest.mark.parametrize(
    'folder', sorted({p.parent for p in PATHS}), ids=lambda folder: folder.name
)
def test_readme_and_metafile_name_every_config(folder):
    files = {path.name for path in folder.glob('*.py')}
    text = (folder / 'README.md').read_text()
    linked = re.findall(r'\]\(([^)/]+\.py)\)', text)
    rows = {
        name
        for line in text.splitlines()
        if line.startswith('|')
        for name in re.findall(r'\]\(([^)/]+\.py)\)', line)
    }
    assert rows == files and set(linked) == files
    for link in re.findall(r'\]\(((?!http)[^)#]+)\)', text):
        assert (folder / link).exists(), link
    meta = yaml.safe_load((folder / 'metafile.yml').read_text())
    collections = {item['Name'] for item in meta['Collections']}
    models = {Path(item['Config']).name: item for item in meta['Models']}
    assert set(models) == files
    for item in models.values():
        assert (ROOT / item['Config']).is_file()
        assert item['In Collection'] in collections
