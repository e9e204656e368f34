"""Every base dataset config reads a small tree of its own layout."""

import copy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from mmseg.models.segmentors import BaseSegmentor

from mmsemi.doctor.data import check_data
from mmsemi.registry import DATASETS, METRICS
from tests.configs import dataset_config
from tests.conftest import ROOT

FOLDER = ROOT / 'configs/_base_/datasets'
# Height and width of a crop, of the labeling pass, of the labels compared.
IMAGE = (60, 90)
CASES = {
    ('camvid', '240x180'): ((144, 176), (180, 240), (180, 240)),
    ('camvid', '480x360'): ((288, 352), (288, 360), IMAGE),
    ('camvid_day_to_dusk', None): ((144, 176), (180, 240), (180, 240)),
    ('ccp', None): ((192, 128), (149, 224), (149, 224)),
    ('nuclei', None): ((160, 160), IMAGE, IMAGE),
    ('nuclei_to_stained', None): ((160, 160), IMAGE, IMAGE),
    ('voc12', 'fixed'): ((321, 321), (505, 505), IMAGE),
    ('voc12', 'paper'): ((321, 321), (321, 321), IMAGE),
    ('voc12_u2pl', None): ((513, 513), IMAGE, IMAGE),
    ('cityscapes', None): ((769, 769), IMAGE, IMAGE),
    ('cityscapes_cps', None): ((769, 769), IMAGE, IMAGE),
    ('ade20k', None): ((512, 512), IMAGE, IMAGE),
    ('coco_things', None): ((513, 513), IMAGE, IMAGE),
    ('cityscapes_half', 'fixed'): ((256, 512), (512, 1024), (512, 1024)),
    ('cityscapes_half', 'paper'): ((257, 513), (257, 513), (513, 1025)),
}
COLORS = Config.fromfile(ROOT / 'configs/_base_/strong_colors.py').strong


def loaders(case, regime='rounds', **data):
    """Loaders of a case, the labeled and other images as many."""
    name, variant = case
    data = data if variant is None else dict(data, variant=variant)
    return dataset_config(name, regime, **data)


def write(path, array):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), array)


def pair(image, mask, size=IMAGE, classes=11):
    rng = np.random.default_rng(len(image))
    write(image, rng.integers(0, 255, (*size, 3)).astype(np.uint8))
    write(mask, rng.integers(0, classes, size).astype(np.uint8))


def lists(folder, **names):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, lines in names.items():
        Path(folder, f'{name}.txt').write_text('\n'.join(lines))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """data/ with four training and two validation images of each set."""
    monkeypatch.chdir(tmp_path)
    train, val = [f't{k}' for k in range(4)], ['v0', 'v1']
    voc = 'data/VOCdevkit/VOC2012'
    # CamVid images are never smaller than their crop.
    for stem in train:
        pair(
            f'data/camvid/images/train/{stem}.jpg',
            f'data/camvid/annotations/train/{stem}.png',
            (288, 360),
        )
    for stem in val:
        pair(
            f'data/camvid/images/test/{stem}.jpg',
            f'data/camvid/annotations/test/{stem}.png',
        )
    for stem in train + val:
        pair(
            f'{voc}/JPEGImages/{stem}.jpg',
            f'{voc}/SegmentationClassAug/{stem}.png',
        )
    for part, stems in (('train', train), ('val', val)):
        for stem in stems:
            place = f'{part}/town/{stem}'
            pair(
                f'data/cityscapes/leftImg8bit/{place}_leftImg8bit.png',
                f'data/cityscapes/gtFine/{place}_gtFine_labelTrainIds.png',
            )
    for part, stems in (('train', train), ('test', val)):
        for stem in stems:
            pair(
                f'data/nuclei/images/{part}/{stem}.jpg',
                f'data/nuclei/masks/{part}/{stem}.png',
                classes=2,
            )
            pair(
                f'data/ccp/images/{part}/{stem}.jpg',
                f'data/ccp/annotations/{part}/{stem}.png',
            )
    ade = 'data/ade/ADEChallengeData2016'
    for place, stems in (('training', train), ('validation', val)):
        for stem in stems:
            pair(
                f'{ade}/images/{place}/{stem}.jpg',
                f'{ade}/annotations/{place}/{stem}.png',
            )
    for place, stems in (('train2017', train), ('val2017', val)):
        for stem in stems:
            pair(
                f'data/coco/{place}/{stem}.jpg', f'data/coco/masks/{stem}.png'
            )
    lists(
        'data/nuclei/splits/1_32/seed0', labeled=train[:2], unlabeled=train[2:]
    )
    lists('data/ccp/splits/1_16/seed0', labeled=train[:2], unlabeled=train[2:])
    lists(
        'data/nuclei/splits/fluorescence_to_stained',
        source_train=train[:2],
        target_train=train[2:],
        target_test=val,
    )
    lists(
        'data/camvid/splits/1_16/seed0', labeled=train[:2], unlabeled=train[2:]
    )
    lists(
        'data/camvid/splits/day_to_dusk',
        source_train=[f'train/{s}' for s in train[:2]],
        target_train=[f'train/{s}' for s in train[2:]],
        target_test=[f'test/{s}' for s in val],
    )
    lists(
        'data/splits/cityscapes/dst_cbc/30_0',
        labeled=[f'town/{s}' for s in train[:2]],
        unlabeled=[f'town/{s}' for s in train[2:]],
    )
    for folder, place in (
        ('voc12/u2pl/1464', ''),
        ('cityscapes/u2pl/744', 'town/'),
        ('cityscapes/unimatch/1_4', 'town/'),
        ('ade20k/unimatch_v2/1_16', ''),
        ('coco/unimatch/1_128', ''),
    ):
        lists(
            f'data/splits/{folder}',
            labeled=[place + s for s in train[:2]],
            unlabeled=[place + s for s in train[2:]],
        )
    lists(
        f'{voc}/ImageSets/Segmentation',
        train=train[:2],
        aug=train[2:],
        val=val,
    )
    return tmp_path


def label(cfg, folder):
    """Store labels as the labeling pass would: without the padding."""
    data = DATASETS.build(copy.deepcopy(cfg.label_dataloader.dataset))
    for k in range(len(data)):
        item = data[k]
        height, width = item['inputs'].shape[1:]
        _, right, _, bottom = item['data_samples'].get(
            'img_padding_size', (0, 0, 0, 0)
        )
        write(
            folder / 'labels' / f'{data.get_stem(k)}.png',
            np.full((height - bottom, width - right), 3, np.uint8),
        )
    return (height, width)


def test_every_config_has_a_case():
    names = {path.stem for path in FOLDER.glob('*.py')}
    # Those of zero-label segmentation: test_zero_label_configs.py; of domain
    # adaptation: test_adaptation_dataset_configs.py.
    elsewhere = ('shapes', 'zero_label', 'gta5_to', 'synthia_to')
    assert {n for n in names if not n.startswith(elsewhere)} == {
        name for name, _ in CASES
    }


@pytest.mark.parametrize('colors', [None, COLORS], ids=['equal', 'strong'])
@pytest.mark.parametrize('case', CASES, ids=str)
def test_online_loaders(case, colors, tree):
    """Three views of an unlabeled image, the same part of it."""
    cfg = loaders(case, 'online', strong=colors, views=2)
    roles = [
        line.split(',')[0]
        for line in check_data(cfg)
        if 'images' in line.split(',')[0]
    ]
    assert set(roles) == {
        'labeled: 2 images',
        'unlabeled: 2 images',
        'val: 2 images',
    }
    loader = copy.deepcopy(cfg.train_dataloader)
    loader.sampler.samples_per_source = (1, 2)
    loader.update(num_workers=0, persistent_workers=False, batch_size=3)
    batch = next(iter(Runner.build_dataloader(loader, seed=0)))
    weak, strong, second = (
        [x for x in batch['inputs'][branch] if x is not None]
        for branch in ('unsup_teacher', 'unsup_student', 'unsup_student_2')
    )
    assert len(weak) == len(strong) == len(second) == 2
    assert sum(x is not None for x in batch['inputs']['sup']) == 1
    for a, b, c in zip(weak, strong, second):
        assert a.shape[1:] == b.shape[1:] == c.shape[1:] == CASES[case][0]
        if colors is None:
            assert torch.equal(a, b) and torch.equal(b, c)
    if colors is not None:  # a view may be left as it is by chance
        everywhere = [
            torch.equal(a, b) and torch.equal(b, c)
            for a, b, c in zip(weak, strong, second)
        ]
        assert not all(everywhere)
    valid = [
        s.gt_sem_seg.data
        for s in batch['data_samples']['unsup_teacher']
        if s is not None
    ]
    for image, mask in zip(weak, valid):
        assert set(mask.unique().tolist()) <= {0, 255}
        assert not image[:, mask[0] == 255].any()  # what is padded is black


@pytest.mark.parametrize('case', CASES, ids=str)
def test_loaders(case, tree):
    cfg = loaders(case)
    crop, labeling, compared = CASES[case]
    messages = check_data(cfg)
    assert [line.split(',')[0] for line in messages[:3]] == [
        'labeled: 2 images',
        'unlabeled: 2 images',
        'val: 2 images',
    ]

    item = DATASETS.build(cfg.train_dataloader.dataset)[0]
    assert item['inputs'].shape[1:] == crop
    assert item['data_samples'].gt_sem_seg.shape == crop

    assert label(cfg, tree / 'round_1') == labeling
    semi = copy.deepcopy(cfg.semi_dataloader)
    semi.dataset.unlabeled.pseudo_label_dir = str(tree / 'round_1')
    semi.update(num_workers=0, persistent_workers=False, batch_size=8)
    semi.sampler.samples_per_source = (4, 4)
    batch = next(iter(Runner.build_dataloader(semi, seed=0)))
    present = {
        branch: [x is not None for x in batch['inputs'][branch]]
        for branch in ('sup', 'pseudo')
    }
    assert present['sup'] == [True] * 4 + [False] * 4
    assert present['pseudo'] == [False] * 4 + [True] * 4
    sample = batch['data_samples']['pseudo'][-1]
    assert sample.is_pseudo and sample.gt_sem_seg.shape == crop
    assert set(sample.gt_sem_seg.data.unique().tolist()) <= {3, 255}
    assert (sample.gt_sem_seg.data == 3).any()

    val = DATASETS.build(cfg.val_dataloader.dataset)
    assert val[0]['data_samples'].gt_sem_seg.shape == compared
    tta = copy.deepcopy(cfg.val_dataloader.dataset)
    tta.pipeline = cfg.tta_pipeline
    views = DATASETS.build(tta)[0]
    # SegTTAModel takes the labels of the first view.
    assert views['data_samples'][0].gt_sem_seg.shape == compared
    flips = [bool(s.flip) for s in views['data_samples']]
    assert not flips[0]
    assert flips.count(True) == flips.count(False) > 0
    assert cfg.test_dataloader.dataset == cfg.val_dataloader.dataset
    assert cfg.test_pipeline == cfg.val_dataloader.dataset.pipeline


@pytest.mark.parametrize('case', CASES, ids=str)
def test_perfect_logits_score_one(case, tree):
    """Logits of the input come back to the labels they are compared with."""
    cfg = loaders(case)
    for path in tree.glob('data/**/*.png'):
        if 'leftImg8bit' in path.name:
            continue
        mask = np.zeros(
            IMAGE
            if 'camvid/annotations/train' not in str(path)
            else (288, 360),
            np.uint8,
        )
        mask[:, mask.shape[1] // 2 :] = 1  # survives resizing in halves
        mask += 'ADE' in str(path)  # 0 is unlabeled there
        write(path, mask)
    data = DATASETS.build(cfg.val_dataloader.dataset)
    metric = METRICS.build(cfg.val_evaluator)
    metric.dataset_meta = data.metainfo
    batch = pseudo_collate([data[0]])
    height, width = batch['inputs'][0].shape[1:]
    sample = batch['data_samples'][0]
    _, right, _, bottom = sample.get('img_padding_size', (0, 0, 0, 0))
    logits = torch.zeros(1, 2, height, width)
    middle = (width - right) // 2
    logits[:, 1, :, middle:] = 1
    logits[:, 0, :, :middle] = 1
    model = type('M', (), dict(align_corners=False))()
    result = BaseSegmentor.postprocess_result(model, logits, [sample])
    assert result[0].pred_sem_seg.shape == CASES[case][2]
    metric.process(batch, [result[0].to_dict()])
    scores = metric.compute_metrics(metric.results)
    assert scores['aAcc'] > 99.5


def test_labelids_can_be_mapped_instead(tree):
    cfg = dataset_config('cityscapes_half')
    for path in (tree / 'data/cityscapes/gtFine').rglob('*.png'):
        mask = np.full(IMAGE, 33, np.uint8)  # bicycle
        mask[:20] = 7  # road
        mask[-1] = 1  # ego vehicle: ignored
        write(str(path).replace('TrainIds', 'Ids'), mask)
        path.unlink()
    dataset = copy.deepcopy(cfg.train_dataloader.dataset)
    dataset.seg_map_suffix = '_gtFine_labelIds.png'
    dataset.pipeline.insert(2, dict(type='MapLabels', table='cityscapes'))
    values = DATASETS.build(dataset)[0]['data_samples'].gt_sem_seg.data
    assert set(values.unique().tolist()) <= {0, 18, 255}
