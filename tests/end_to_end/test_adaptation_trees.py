"""Domain adaptation configs on trees of their layout, for two rounds.

One of each kind: with small networks the others differ by a rate or a weight
alone. Source and target are CamVid pictures by day and at dusk, made small.
Masks hold CamVid's classes as if they were the data set's.
"""

import copy
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import save_checkpoint

from mmsemi.doctor.data import check_data
from mmsemi.engine.student_config import dicts
from mmsemi.registry import MODELS
from tests.configs import config as resolved
from tests.tiny import Killed, record, train

NAMES = [
    'cbst/gta5_to_cityscapes',
    'cbst/gta5_to_cityscapes_deeplabv2',
    'cbst/gta5_to_cityscapes_deeplabv2_released',
    'cbst/gta5_to_cityscapes_sp',
    'cbst/synthia_to_cityscapes',
    'cbst/synthia_to_cityscapes_st',
    'crst/gta5_to_cityscapes_mrent',
    'crst/gta5_to_cityscapes_mrkld_released',
    'crst/gta5_to_cityscapes_mrl2',
    'crst/synthia_to_cityscapes_lrent',
]
SIZE = (48, 96)  # height, width
CROP = (32, 64)
LAYOUT = dict(
    gta5=('data/gta5/images/{}.png', 'data/gta5/labels/{}_labelTrainIds.png'),
    synthia=(
        'data/synthia/RGB/{}.png',
        'data/synthia/GT/LABELS/{}_labelTrainIds.png',
    ),
    train=(
        'data/cityscapes/leftImg8bit/train/town/{}_leftImg8bit.png',
        'data/cityscapes/gtFine/train/town/{}_gtFine_labelTrainIds.png',
    ),
    val=(
        'data/cityscapes/leftImg8bit/val/town/{}_leftImg8bit.png',
        'data/cityscapes/gtFine/val/town/{}_gtFine_labelTrainIds.png',
    ),
)


@pytest.fixture(scope='module')
def trees(data_dir, tmp_path_factory):
    """data/ with 12 source, 6 target and 2 validation images."""
    root = tmp_path_factory.mktemp('trees')
    lists = data_dir / 'camvid/splits/day_to_dusk'
    parts = dict(
        gta5=('source_train', 12),
        synthia=('source_train', 12),
        train=('target_train', 6),
        val=('target_test', 2),
    )
    for name, (split, number) in parts.items():
        stems = (lists / f'{split}.txt').read_text().split()
        for k, stem in enumerate(stems[:: len(stems) // number][:number]):
            for folder, suffix, target, how in (
                ('images', 'jpg', LAYOUT[name][0], cv2.INTER_AREA),
                ('annotations', 'png', LAYOUT[name][1], cv2.INTER_NEAREST),
            ):
                picture = cv2.imread(
                    str(data_dir / f'camvid/{folder}/{stem}.{suffix}'),
                    cv2.IMREAD_UNCHANGED,
                )
                path = root / target.format(f'{k:05d}')
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(
                    str(path),
                    cv2.resize(picture, SIZE[::-1], interpolation=how),
                )
    for source, classes in (('gta5', 19),):
        np.savez(
            root / f'data/{source}/spatial_prior.npz',
            prior=np.ones((classes, 8, 16), np.float32),
        )
    return root


def shrunk(name, work_dir):
    """A config with a small network, small crops and two short rounds."""
    cfg = resolved(name)
    norm_cfg = dict(type='BN', requires_grad=False)
    classes = cfg.model.student.decode_head.num_classes
    cfg.model.student = dict(
        type='EncoderDecoder',
        data_preprocessor=dict(cfg.model.student.data_preprocessor, size=CROP),
        backbone=dict(
            type='ResNetV1c',
            depth=18,
            num_stages=2,
            out_indices=(1,),
            strides=(1, 2),
            dilations=(1, 1),
            norm_cfg=norm_cfg,
            norm_eval=True,
        ),
        decode_head=dict(
            type='DeepLabV2Head',
            in_channels=128,
            in_index=0,
            used_branches=4,
            num_classes=classes,
            loss_decode=dict(type='ClassBalancedCrossEntropyLoss'),
        ),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )
    for part in dicts(cfg._cfg_dict):
        if part.get('type') in ('RandomCrop', 'RareClassCrop'):
            part.crop_size = CROP
        elif part.get('type') == 'PadSegFields':
            part.size = CROP
        elif part.get('type') == 'TorchResize':
            part.scale = SIZE[::-1]
        elif 'num_workers' in part:
            part.update(num_workers=0, persistent_workers=False)
    rounds = dict(rounds=2)
    cfg.train_cfg.portions.update(rounds)
    cfg.train_cfg.epochs_per_round = 1
    if 'lr_scale' in cfg.train_cfg:
        cfg.train_cfg.lr_scale = cfg.train_cfg.lr_scale[:2]
    # A third of the twelve source images, and the six of the target.
    cfg.semi_dataloader.sampler.portions.update(rounds, start=0.34, stop=0.34)
    cfg.work_dir, cfg.log_level = str(work_dir), 'ERROR'
    cfg.experiment_name = f'trees_{abs(hash(str(work_dir)))}'
    cfg.env_cfg.dist_cfg = dict(backend='gloo')
    cfg.default_hooks = dict(
        checkpoint=dict(type='SafeCheckpointHook', interval=1)
    )
    cfg.vis_backends = cfg.visualizer.vis_backends = []
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='RecordHook')]
    return cfg


@pytest.fixture(scope='module')
def source_models(trees, tmp_path_factory):
    """Checkpoints to adapt, by the number of classes."""
    init_default_scope('mmsemi')
    folder = tmp_path_factory.mktemp('source_models')
    paths = {}
    for name in ('cbst/gta5_to_cityscapes', 'cbst/synthia_to_cityscapes'):
        cfg = shrunk(name, folder)
        torch.manual_seed(0)
        model = MODELS.build(cfg.model.student)
        model.init_weights()
        with torch.no_grad():  # predictions should differ in confidence
            for parameter in model.decode_head.parameters():
                parameter.mul_(20)
        classes = cfg.model.student.decode_head.num_classes
        paths[classes] = str(folder / f'{classes}.pth')
        save_checkpoint(dict(state_dict=model.state_dict()), paths[classes])
    return paths


def config(name, trees, source_models, work_dir, monkeypatch):
    monkeypatch.chdir(trees)
    cfg = shrunk(name, work_dir)
    cfg.load_from = source_models[cfg.model.student.decode_head.num_classes]
    return cfg


@pytest.fixture(scope='module')
def whole_run(trees, source_models, tmp_path_factory):
    """Function of a name: config and runner of a run that nothing stops."""
    found = {}

    def run(name, monkeypatch):
        if name not in found:
            folder = tmp_path_factory.mktemp('whole')
            cfg = config(name, trees, source_models, folder, monkeypatch)
            found[name] = cfg, train(cfg)
        return found[name]

    return run


@pytest.mark.parametrize('name', NAMES)
def test_two_rounds(name, trees, whole_run, monkeypatch):
    cfg, runner = whole_run(name, monkeypatch)
    monkeypatch.chdir(trees)
    assert [line.split(',')[0] for line in check_data(cfg)[:3]] == [
        'labeled: 12 images',
        'unlabeled: 6 images',
        'val: 2 images',
    ]
    # Four source and six target images, two a batch.
    assert runner.iter == len(record(cfg)) == 10
    for k in (1, 2):
        folder = Path(cfg.work_dir, f'pseudo_labels/round_{k}')
        manifest = json.loads((folder / 'manifest.json').read_text())
        assert manifest['images'] == 6 and manifest['accuracy'] is not None
        assert manifest['portion'] == cfg.train_cfg.portions.start + 0.05 * (
            k - 1
        )
        soft = 'soft' in manifest['files']['kinds']
        assert soft == ('lrent' in name)
        path = next((folder / 'labels').rglob('*.png'))
        label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert label.shape == SIZE
    assert all(torch.isfinite(p).all() for p in runner.model.parameters())


@pytest.mark.parametrize(
    'name', ['crst/synthia_to_cityscapes_lrent', 'cbst/gta5_to_cityscapes']
)
def test_killed_in_the_second_round(
    name, trees, source_models, whole_run, tmp_path, monkeypatch
):
    """The same labels and the same images as without the kill."""
    whole, _ = whole_run(name, monkeypatch)
    cfg = config(name, trees, source_models, tmp_path, monkeypatch)
    broken = copy.deepcopy(cfg)
    broken.custom_hooks.append(dict(type='KillHook', iteration=7))
    with pytest.raises(Killed):
        train(broken)
    # A damaged label of the round is made again, by the weights that the
    # round began with.
    labels = Path(cfg.work_dir, 'pseudo_labels/round_2')
    next(labels.rglob('*.png')).write_bytes(b'')
    cfg.load_from = None  # as `tools/train.py --resume` does
    train(cfg, resume=True)
    ended = []
    for run in (whole, cfg):
        images = {
            k: line.split()[:2] + sorted(line.split()[3:])
            for k, line in record(run).items()
        }
        ended.append(
            (
                images,
                {
                    str(path.relative_to(run.work_dir)): path.read_bytes()
                    for path in Path(run.work_dir).rglob('round_2/**/*.png')
                },
            )
        )
    assert ended[0] == ended[1]
    assert len(ended[0][0]) == 10 and ended[0][1]
