"""Source and target of the domain adaptation configs, on small trees."""

import copy
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmsemi.doctor.data import check_data
from mmsemi.engine.build import resolve
from mmsemi.engine.loops.round_data import tell_datasets
from mmsemi.registry import DATASETS, METRICS
from tests.configs import dataset_config
from tests.conftest import ROOT

FOLDER = ROOT / 'configs/_base_/datasets'
# Height and width of the crop, training id of a car, scales of the test.
CASES = {
    ('gta5_to_cityscapes', 'crst'): ((512, 1024), 13, [0.9, 1.0, 1.2]),
    ('gta5_to_cityscapes', 'cbst'): ((504, 504), 13, [0.5, 0.75, 1.0]),
    ('synthia_to_cityscapes', 'crst'): ((600, 900), 12, [0.9, 1.0, 1.2]),
    ('synthia_to_cityscapes', 'cbst'): ((504, 504), 12, [0.5, 0.75, 1.0]),
}
CAR, TRAIN = 13, 16  # of 19
SIZE = (40, 80)


def write(path, array):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), array)


def pair(image, mask):
    labels = np.full(SIZE, CAR, np.uint8)
    labels[:10], labels[10:20], labels[30:] = TRAIN, 255, 0
    write(image, np.full((*SIZE, 3), 100, np.uint8))
    write(mask, labels)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """data/ with four source, three target and two validation images."""
    monkeypatch.chdir(tmp_path)
    for k in range(4):
        pair(
            f'data/gta5/images/{k:05}.png',
            f'data/gta5/labels/{k:05}_labelTrainIds.png',
        )
        pair(
            f'data/synthia/RGB/{k:07}.png',
            f'data/synthia/GT/LABELS/{k:07}_labelTrainIds.png',
        )
    for part, number in (('train', 3), ('val', 2)):
        for k in range(number):
            place = f'{part}/town/{part}{k}'
            pair(
                f'data/cityscapes/leftImg8bit/{place}_leftImg8bit.png',
                f'data/cityscapes/gtFine/{place}_gtFine_labelTrainIds.png',
            )
    return tmp_path


def values(sample):
    return set(sample.gt_sem_seg.data.unique().tolist())


@pytest.mark.parametrize('case', CASES, ids=str)
def test_loaders(case, tree):
    name, variant = case
    cfg = dataset_config(name, variant=variant)
    crop, car, scales = CASES[case]
    classes = 16 if 'synthia' in name else 19
    # A class the data set does not have is ignored.
    expected = {0, car, 255} if classes == 16 else {0, car, TRAIN, 255}
    messages = check_data(cfg)
    assert [line.split(',')[0] for line in messages[:3]] == [
        'labeled: 4 images',
        'unlabeled: 3 images',
        'val: 2 images',
    ]

    item = DATASETS.build(cfg.train_dataloader.dataset)[0]
    assert item['inputs'].shape[1:] == crop
    assert values(item['data_samples']) <= expected

    data = DATASETS.build(cfg.label_dataloader.dataset)
    assert len(data.metainfo['classes']) == classes
    for k in range(len(data)):
        item = data[k]
        assert item['inputs'].shape[1:] == SIZE
        assert 'gt_sem_seg' not in item['data_samples']
        assert set(np.unique(data.audit_map(k))) == expected
        write(
            tree / f'round_1/labels/{data.get_stem(k)}.png',
            np.full(SIZE, car, np.uint8),
        )

    semi = copy.deepcopy(cfg.semi_dataloader)
    with pytest.raises(ValueError, match='add PseudoLabelHook'):
        tell_datasets(semi.dataset, {})
    tell_datasets(
        semi.dataset,
        dict(folder=str(tree / 'round_1'), rare_classes=[car], rarest=[car]),
    )
    rare = semi.dataset.unlabeled.dataset.pipeline[3]
    assert rare.type == 'RareClassCrop' and rare.classes == [car]
    found = [
        'RareClassCrop' in str(part.pipeline)
        for part in (semi.dataset.labeled, semi.dataset.unlabeled.dataset)
    ]
    assert found == [variant == 'cbst', True]
    semi.sampler.portions = [0.5]
    semi.update(num_workers=0, persistent_workers=False)
    loader = Runner.build_dataloader(semi, seed=0)
    seen = dict(sup=set(), pseudo=set())
    for _, batch in zip(range(5), loader):  # two passes of 2 + 3 images
        for branch in seen:
            samples = [s for s in batch['data_samples'][branch] if s]
            for image in batch['inputs'][branch]:
                assert image is None or image.shape[1:] == crop
            for sample in samples:
                assert values(sample) <= (
                    expected if branch == 'sup' else {car, 255}
                )
                seen[branch].add(sample.img_path)
    assert len(seen['sup']) == 2 and len(seen['pseudo']) == 3

    val = DATASETS.build(cfg.val_dataloader.dataset)
    sample = val[0]['data_samples']
    assert sample.gt_sem_seg.shape == SIZE and values(sample) == expected
    metric = METRICS.build(cfg.val_evaluator)
    metric.dataset_meta = val.metainfo
    assert list(metric.subsets) == (
        ['mIoU13'] if classes == 16 else ['mIoU16', 'mIoU13']
    )
    assert [len(part) for part in metric.subsets.values()] == (
        [13] if classes == 16 else [16, 13]
    )
    assert cfg.test_dataloader == cfg.val_dataloader
    assert cfg.test_evaluator == cfg.val_evaluator

    tta = dict(cfg.val_dataloader.dataset, pipeline=cfg.tta_pipeline)
    views = DATASETS.build(tta)[0]
    assert views['data_samples'][0].gt_sem_seg.shape == SIZE
    sizes = [tuple(view.shape[1:]) for view in views['inputs'][::2]]
    assert sizes[0] == SIZE
    assert sorted(sizes) == [
        (int(SIZE[0] * s + 0.5), int(SIZE[1] * s + 0.5)) for s in scales
    ]
    assert [s.flip for s in views['data_samples']] == [False, True] * 3


def test_subsets_are_those_of_the_papers():
    cfg = Config.fromfile(FOLDER / 'gta5_to_cityscapes.py')
    from mmsemi.datasets.synthia import SYNTHIA_CLASSES

    assert tuple(cfg.classes16) == SYNTHIA_CLASSES
    assert set(cfg.classes16) - set(cfg.classes13) == {'wall', 'fence', 'pole'}


def test_published_lists_by_one_option(tree):
    """--split changes source and target, for all loaders alike."""
    split = tree / 'split'
    split.mkdir()
    (split / 'labeled.txt').write_text('00001\n00002\n')
    (split / 'unlabeled.txt').write_text('town/train1\n')
    cfg = Config.fromfile(FOLDER / 'gta5_to_cityscapes.py')
    cfg.regime = 'rounds'
    resolve(cfg, str(split))
    sizes = [
        len(DATASETS.build(part))
        for part in (
            cfg.train_dataloader.dataset,
            cfg.semi_dataloader.dataset.labeled,
            cfg.semi_dataloader.dataset.unlabeled,
            cfg.label_dataloader.dataset,
            cfg.val_dataloader.dataset,
        )
    ]
    assert sizes == [2, 2, 1, 1, 2]
