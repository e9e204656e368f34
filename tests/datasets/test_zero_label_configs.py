"""Base configs of zero-label data: their classes, labels and protocols."""

import copy
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmsemi.datasets.facts import settle_variant
from mmsemi.datasets.transforms.zero_label import zero_label_table
from mmsemi.doctor.data import check_data
from mmsemi.models.decode_heads.class_embeddings import load_class_embeddings
from mmsemi.registry import DATASETS, METRICS, TRANSFORMS
from tests.configs import DATASETS as DATASETS_FOLDER
from tests.configs import dataset_config

# Data sets and their variants.
NAMES = [
    *(('camvid', variant) for variant in ('test', 'tune')),
    *(('cocostuff', variant) for variant in ('182', '171', 'tune')),
    *(
        ('voc12', variant)
        for variant in ('15/5', 'native', 'background', 'tune')
    ),
]
# Names of mmseg that differ from those of the published files.
RENAMED = dict(pottedplant='potted_plant', tvmonitor='tv')


def config(name, variant=None):
    """Loaders, and the facts that networks and labels take from the data."""
    path = DATASETS_FOLDER / f'zero_label_{name}.py'
    cfg = dataset_config(
        f'zero_label_{name}', **(dict(variant=variant) if variant else {})
    )
    facts = settle_variant(
        dict(
            Config.fromfile(path).data,
            **(dict(variant=variant) if variant else {}),
        )
    )
    cfg.update(facts['zero_label'], crop_size=facts['crop_size'])
    cfg.word_vectors = facts['word_vectors']
    return cfg


def steps(pipeline, kind):
    return [step for step in pipeline if step['type'] == kind]


def test_every_variant_is_tested():
    found = {
        (path.stem.removeprefix('zero_label_'), variant)
        for path in DATASETS_FOLDER.glob('zero_label_*.py')
        for variant in Config.fromfile(path).data.variants
    }
    assert found == set(NAMES)


@pytest.mark.parametrize('name, variant', NAMES)
def test_parts_agree(name, variant, data_dir):
    cfg = config(name, variant)
    classes, num_seen = list(cfg.classes), cfg.num_seen
    assert len(set(classes)) == len(classes) > num_seen
    for key, evaluate in (
        ('train', False),
        ('semi', False),
        ('val', True),
        ('test', True),
    ):
        dataset = cfg[f'{key}_dataloader'].dataset
        assert list(dataset.metainfo.classes) == classes
        assert dataset.metainfo.num_seen == num_seen
        (step,) = steps(dataset.pipeline, 'MapZeroLabels')
        assert bool(step.get('evaluate')) == evaluate
        assert list(step.classes) == classes and step.num_seen == num_seen
        # Behind everything that pads.
        assert dataset.pipeline[-2] == step
    steps_of = [
        {step['type'] for step in cfg[f'{key}_dataloader'].dataset.pipeline}
        for key in ('train', 'semi')
    ]
    assert steps_of[0] == steps_of[1]
    # The protocol is declared: warped labels, or their own size.
    warped = bool(steps(cfg.test_pipeline, 'SetOriShape'))
    assert (cfg.val_evaluator.prefix != 'native') == warped
    metric = METRICS.build(cfg.val_evaluator)
    metric.dataset_meta = dict(classes=classes, num_seen=num_seen)
    assert metric.seen() == num_seen
    vectors = dict(cfg.word_vectors)
    path = data_dir / 'zero_label' / Path(vectors.pop('embeddings')).name
    assert load_class_embeddings(path, classes, **vectors).shape == (
        len(classes),
        600,
    )


def published(data_dir, dataset):
    with np.load(data_dir / f'zero_label/{dataset}_splits.npz') as arrays:
        return dict(arrays)


def ids(cfg, names):
    return [list(cfg.file_classes).index(name) for name in names]


def test_voc_classes_are_the_published_ones(data_dir):
    split, cfg = published(data_dir, 'voc12'), config('voc12')
    assert [RENAMED.get(n, n) for n in cfg.file_classes] == split[
        'class_names'
    ].tolist()
    assert ids(cfg, cfg.seen_classes) == split['seen'].tolist()
    assert ids(cfg, cfg.validation_classes) == split['val'].tolist()
    assert ids(cfg, cfg.unseen_classes) == split['unseen'].tolist()
    assert ids(cfg, cfg.classes) == split['gzlss_order'].tolist()
    assert cfg.num_seen == len(split['seen_all'])
    background = config('voc12', 'background')
    assert ids(cfg, background.classes) == [0] + split['gzlss_order'].tolist()
    assert background.num_seen == 16
    tune = config('voc12', 'tune')
    assert ids(cfg, tune.classes) == split['seen_all'].tolist()
    assert tune.num_seen == len(split['seen'])
    # Held-out images, and none of them in training.
    stems = (data_dir / 'zero_label/voc12_train_list.txt').read_text().split()
    assert tune.train_dataloader.dataset.indices == len(stems) - 500
    assert tune.val_dataloader.dataset.indices == -500


def test_cocostuff_classes_are_the_published_ones(data_dir):
    split, cfg = published(data_dir, 'cocostuff'), config('cocostuff')
    assert list(cfg.file_classes) == split['class_names'].tolist()
    assert ids(cfg, cfg.classes) == split['gzlss_order'].tolist()
    assert cfg.num_seen == len(split['seen_all']) == 167
    tune = config('cocostuff', 'tune')
    assert ids(cfg, tune.classes) == split['seen_all'].tolist()
    assert tune.num_seen == len(split['seen'])
    later = config('cocostuff', '171')
    assert ids(cfg, later.absent_classes) == split['absent_in_164k'].tolist()
    order = split['gzlss_order']
    kept = order[~np.isin(order, split['absent_in_164k'])]
    assert ids(cfg, later.classes) == kept.tolist()
    assert later.num_seen == 156 and len(later.classes) == 171
    # As indices of mmseg's 171 classes, and as its label files hold them.
    names = DATASETS.get('COCOStuffDataset').METAINFO['classes']
    index = split['id182_to_id171'][kept]
    assert [names[i] for i in index] == list(later.classes)
    table = zero_label_table(later.file_classes, later.classes, 156)
    assert (table[split['absent_in_164k']] == 255).all()


def test_camvid_classes(data_dir):
    import json

    cfg = config('camvid')
    rows = json.loads((data_dir / 'zero_label/camvid_names.json').read_text())
    names = {
        item['camvid_name']: item['word_vector_name']
        for item in rows['classes']
    }
    assert list(cfg.file_classes) == list(names)
    assert set(cfg.classes) == {n for n, word in names.items() if word}
    for name in cfg.classes:
        assert cfg.word_vectors.names.get(name, name) == names[name]
    known = DATASETS.get('CamVidDataset').METAINFO
    assert list(cfg.file_classes) == list(known['classes'])
    colors = dict(zip(known['classes'], known['palette']))
    for part in (cfg, config('camvid', 'tune')):
        assert part.train_dataloader.dataset.metainfo.palette == [
            colors[n] for n in part.classes
        ]
    # What the comment says: of the seen words the one of the look-alike is
    # the nearest, and its nearest unseen word is that of the class.
    vectors = load_class_embeddings(
        data_dir / 'zero_label/cocostuff_word_vectors.npz',
        cfg.classes,
        names=cfg.word_vectors.names,
    )
    near = vectors[: cfg.num_seen] @ vectors[cfg.num_seen :].T
    for unseen, seen in (
        ('pavement', 'road'),
        ('fence', 'tree'),
        ('bicyclist', 'car'),
    ):
        column = cfg.unseen_classes.index(unseen)
        row = cfg.classes.index(seen)
        assert near[:, column].argmax() == row
        assert near[row].argmax() == column


# Reading a small tree.
def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), array)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Images of each set; masks hold every id in columns, and void."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    voc, coco = Path('data/VOCdevkit/VOC2012'), Path('data/coco_stuff164k')
    camvid = Path('data/camvid')

    def pair(image, mask, number, size):
        write(
            tmp_path / image, rng.integers(0, 255, (*size, 3)).astype(np.uint8)
        )
        columns = np.append(np.arange(number), 255).repeat(
            -(-size[1] // (number + 1))
        )[: size[1]]
        columns[-2:] = 255
        write(tmp_path / mask, np.tile(columns.astype(np.uint8), (size[0], 1)))

    for stem in ('a', 'b', 'c'):
        pair(
            voc / f'JPEGImages/{stem}.jpg',
            voc / f'SegmentationClassAug/{stem}.png',
            21,
            (90, 132),
        )
        for part in ('train2017', 'val2017'):
            pair(
                coco / f'images/{part}/{part}{stem}.jpg',
                coco / f'annotations/{part}/{part}{stem}.png',
                182,
                (60, 366),
            )
        for part in ('train', 'val', 'test'):
            pair(
                camvid / f'images/{part}/{part}{stem}.jpg',
                camvid / f'annotations/{part}/{part}{stem}.png',
                11,
                (180, 240),
            )
    lists = {
        voc / 'ImageSets/Segmentation/trainaug.txt': ['a', 'b'],
        voc / 'ImageSets/Segmentation/val.txt': ['c'],
        Path('data/zero_label/voc12_train_list.txt'): ['a', 'b', 'c'],
        camvid / 'splits/all_train.txt': ['traina', 'trainb'],
    }
    for path, lines in lists.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(lines))
    return tmp_path


@pytest.mark.parametrize('name, variant', NAMES)
def test_loaders(name, variant, tree):
    cfg = config(name, variant)
    train, val = (
        copy.deepcopy(cfg[f'{k}_dataloader'].dataset) for k in ('train', 'val')
    )
    for part, indices in ((train, 2), (val, -1)):
        if 'indices' in part:
            part.indices = indices  # of three images
    check_data(
        Config(
            dict(
                train_dataloader=dict(dataset=train),
                val_dataloader=dict(dataset=val),
            )
        )
    )
    label = DATASETS.build(train)[0]['data_samples'].gt_sem_seg.data
    height, width = cfg.crop_size
    assert label.shape == (1, height, width)
    values = set(label.unique().tolist())
    assert values <= set(range(cfg.num_seen)) | {254, 255}
    assert len(values & set(range(cfg.num_seen))) > 1
    sample = DATASETS.build(val)[0]['data_samples']
    truth = set(sample.gt_sem_seg.data.unique().tolist())
    # Unseen classes are there to be compared with, void is not.
    assert truth == set(range(len(cfg.classes))) | {255}
    assert sample.ori_shape == sample.gt_sem_seg.shape
    if cfg.val_evaluator.prefix == 'warped-513':
        assert sample.gt_sem_seg.shape == (513, 513)
    view = copy.deepcopy(val)
    view.pipeline = cfg.tta_pipeline
    assert (
        DATASETS.build(view)[0]['data_samples'][0].gt_sem_seg.shape
        == sample.gt_sem_seg.shape
    )
    if cfg.val_evaluator.prefix == 'native':
        assert sample.ori_shape != (513, 513)


def test_void_and_padding_stay_ignored_and_background_is_unlabeled(tree):
    pipeline = config('voc12').train_dataloader.dataset.pipeline
    map_labels = TRANSFORMS.build(pipeline[-2])
    raw = np.array([[0, 255, 1, 16]], np.uint8)
    mapped = map_labels(dict(gt_seg_map=raw))['gt_seg_map']
    assert mapped.tolist() == [[254, 255, 0, 254]]


def test_padding_puts_the_image_in_the_middle():
    pad = TRANSFORMS.build(
        dict(type='CenterPadFields', size=(6, 5), pad_val=(1.5, 2, 3))
    )
    item = pad(
        dict(
            img=np.zeros((3, 2, 3), np.float32),
            gt_seg_map=np.zeros((3, 2), np.uint8),
            seg_fields=['gt_seg_map'],
        )
    )
    expected = np.full((6, 5), 255)
    expected[1:4, 1:3] = 0
    assert (item['gt_seg_map'] == expected).all()
    assert item['img'][0, 0].tolist() == [1.5, 2, 3]
    assert (item['img'][..., 0] == np.where(expected, 1.5, 0)).all()
    assert item['img_shape'] == (6, 5)
    large = dict(img=np.zeros((9, 8, 3), np.uint8))
    assert pad(large)['img'].shape == (9, 8, 3)
