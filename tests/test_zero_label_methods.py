"""Configs of SPNet and STRICT: published numbers, and networks that learn."""

import copy
import functools
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from mmsemi.engine.build import resolve
from mmsemi.models.pseudo_labelers.views import Views
from mmsemi.registry import LOOPS, MODELS
from tests.conftest import ROOT
from tests.models.tiny import batch

NAMES = [
    f'{folder}/{path.stem}'
    for folder in ('spnet', 'strict')
    for path in sorted((ROOT / 'configs' / folder).glob('*.py'))
]
SIZE = (64, 80)
# Iterations of SPNet and of a round, as published.
LENGTHS = dict(
    voc12=(20000, 2000),
    cocostuff=(100000, 22356),
    cocostuff171=(100000, 22356),
)
CLASSES = dict(
    voc12=(15, 20),
    voc12_bkg=(16, 21),
    cocostuff=(167, 182),
    cocostuff171=(156, 171),
    camvid=(7, 10),
    voc12_tune=(12, 15),
    cocostuff_tune=(155, 167),
    camvid_tune=(5, 7),
)
VIEWS = {  # number of views; the tables of the variants
    'hp': 1,
    'mirror': 2,
    'random': 3,
    'random-mirror': 6,
    'down': 3,
    'down-mirror': 6,
    'up': 3,
}


@functools.cache
def parsed(name):
    return resolve(Config.fromfile(ROOT / f'configs/{name}.py'))


def config(name):
    """A fresh copy of a parsed config."""
    return copy.deepcopy(parsed(name))


def data_of(name):
    """``('voc12', 'hp')`` of ``'strict/voc12_hp'``."""
    data, _, variant = name.split('/')[1].partition('_')
    return data, variant


@pytest.mark.parametrize('name', NAMES)
def test_classes_are_those_of_the_data(name):
    cfg = config(name)
    data, variant = data_of(name)
    head = cfg.model.student.decode_head
    expected = CLASSES.get(f'{data}_{variant}', CLASSES[data])
    assert (head.num_seen, len(head.classes)) == expected
    rounds = ('semi',) if name.startswith('strict') else ()
    for key in ('train', 'val', 'test', *rounds):
        meta = cfg[f'{key}_dataloader'].dataset.metainfo
        assert list(meta.classes) == list(head.classes)
        assert meta.num_seen == head.num_seen
    background = cfg.model.get('semi_train_cfg', {}).get('background')
    assert (background == 0) == (name == 'strict/voc12_bkg')
    assert ('background' in head.classes) == (variant == 'bkg')
    warped = data in ('voc12', 'cocostuff') and variant != 'native'
    prefix = (
        'warped-513'
        if warped
        else ('240x180' if data == 'camvid' else 'native')
    )
    assert cfg.val_evaluator.prefix == cfg.test_evaluator.prefix == prefix


@pytest.mark.parametrize('name', NAMES)
def test_published_settings(name):
    cfg = config(name)
    data, variant = data_of(name)
    rounds = name.startswith('strict')
    if data != 'camvid':
        supervised, length = LENGTHS[data]
        loop = cfg.train_cfg
        assert (
            loop.supervised_iters if rounds else loop.max_iters
        ) == supervised
        assert not rounds or loop.iters_per_round == length
        assert cfg.train_dataloader.batch_size == 10
        assert not rounds or cfg.semi_dataloader.batch_size == 8
        optimizer = cfg.optim_wrapper.optimizer
        assert (optimizer.lr, optimizer.momentum, optimizer.weight_decay) == (
            2.5e-4,
            0.9,
            5e-4,
        )
        flips = {
            key: [
                step.prob
                for step in cfg[f'{key}_dataloader'].dataset.pipeline
                if step.type == 'RandomFlip'
            ]
            for key in ('train', *(('semi',) if rounds else ()))
        }
        assert flips == dict(
            train=[0.5], **(dict(semi=[0.9]) if rounds else {})
        )
    gamma = cfg.model.student.decode_head.get('gamma', 0)
    published = dict(voc12=0.6, cocostuff=0.4)
    assert gamma == (published[data] if variant == 'calibrated' else 0)
    if rounds:
        assert len(Views(**cfg.model.views)) == VIEWS.get(variant, 6)
        merged = cfg.model.get('semi_train_cfg', {}).get('merge_ignore', False)
        assert merged == (variant == 'paper')
        # cuDNN would try its algorithms again for every new size.
        assert cfg.env_cfg.cudnn_benchmark == ('random' not in variant)
        number = dict(camvid=2).get(data, 1)
        if variant.endswith('rounds'):
            number = int(variant[0])
        assert len(cfg.train_cfg.portions) == number


# Networks: as configured, with thin layers and random word vectors.
DIFFERENT = (
    'spnet/voc12',
    'spnet/camvid',
    'strict/voc12',
    'strict/camvid',
    'strict/voc12_bkg',
    'strict/voc12_paper',
    'strict/voc12_random',
)


def small(name):
    """The model of a config, small enough to build at once."""
    cfg = config(name)
    student = cfg.model.student
    head = student.decode_head
    rng = np.random.default_rng(0)
    head.embeddings = rng.standard_normal((len(head.classes), 8)).tolist()
    head.pop('embedding'), head.pop('names', None)
    student.backbone.pop('init_cfg', None)
    student.data_preprocessor.size = SIZE
    if student.backbone.type == 'ResNet':
        student.backbone.update(depth=50, base_channels=4, stem_channels=4)
        head.head.in_channels = 128
    return cfg


@pytest.mark.parametrize('name', DIFFERENT)
def test_model_takes_a_step(name):
    cfg = small(name)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    num_seen = cfg.model.student.decode_head.num_seen
    data = batch(dict(sup=2), SIZE, num_seen)
    data = {key: value['sup'] for key, value in data.items()}
    for sample in data['data_samples']:
        sample.gt_sem_seg.data[:, :, 10:30] = 254
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    for refreshed in (False, True) if name.startswith('strict') else (False,):
        if refreshed:
            model.refresh_generator()
        before = [p.detach().clone() for p in trained]
        figures = model.train_step(copy.deepcopy(data), wrapper)
        assert all(torch.isfinite(v).all() for v in figures.values())
        assert figures['loss'] > 0
        # Unlabeled pixels take part from the first round on.
        assert ('pseudo_share' in figures) == refreshed
        changed = [not torch.equal(a, b) for a, b in zip(before, trained)]
        assert sum(changed) / len(changed) > 0.9
    model.eval()
    sample = batch(dict(sup=1), SIZE)['data_samples']['sup'][0]
    result = model.test_step(
        dict(
            inputs=[torch.zeros(3, *SIZE, dtype=torch.uint8)],
            data_samples=[sample],
        )
    )
    assert result[0].seg_logits.data.shape == (
        len(cfg.model.student.decode_head.classes),
        *SIZE,
    )


def test_learning_rates_of_the_published_groups():
    cfg = small('strict/voc12')
    model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    settings = {
        id(p): (group['lr'] / 2.5e-4, group['weight_decay'])
        for group in wrapper.param_groups
        for p in group['params']
    }
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:  # batch normalization stays
            assert '.bn' in name or 'downsample.1' in name
            continue
        expected = (1, 5e-4)
        if 'decode_head' in name:
            expected = (20, 0) if name.endswith('bias') else (10, 5e-4)
        assert settings[id(parameter)] == pytest.approx(expected), name
    heads = [n for n, _ in model.named_parameters() if 'decode_head' in n]
    assert len(heads) == 8  # four branches, and no word vector among them


def test_network_of_the_published_code():
    cfg = small('strict/voc12')
    model = MODELS.build(cfg.model).student
    # Sizes of the feature map at stride 8.
    for side, cells in ((81, 11), (97, 13)):
        with torch.no_grad():
            logits = model(torch.zeros(1, 3, side, side))
        assert logits.shape[2:] == (cells, cells)
    stage = model.backbone.layer4
    assert {b.conv2.dilation for b in stage} == {(4, 4)}
    assert model.backbone.layer2[0].conv1.stride == (2, 2)


def test_rounds_of_the_loop():
    loop = LOOPS.get('SelfTrainingLoop')
    cfg = config('strict/cocostuff_2rounds')
    built = loop(
        MagicMock(cfg=cfg),
        MagicMock(),
        **{k: v for k, v in cfg.train_cfg.items() if k != 'type'},
    )
    assert built.round_ends == [100000, 122356, 144712]
