"""GTA5, SYNTHIA and Cityscapes with one set of classes."""

import cv2
import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset

from mmsemi.datasets import GTA5Dataset, SYNTHIADataset
from mmsemi.datasets.synthia import (
    SYNTHIA_CLASSES,
    SYNTHIA_IDS,
    read_synthia_ids,
)
from mmsemi.datasets.transforms.labels import train_to_label_ids
from mmsemi.registry import DATASETS
from mmsemi.utils.errors import UsageError

CITYSCAPES = CityscapesDataset.METAINFO
LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), array)


def tree(root, image, mask):
    """One image whose mask has every training id of Cityscapes, and 255."""
    write(root / image, np.zeros((4, 5, 3), np.uint8))
    labels = np.append(np.arange(19), 255).astype(np.uint8)
    write(root / mask, labels.reshape(4, 5))


def labels_of(dataset):
    return dataset[0]['gt_seg_map'].ravel().tolist()


@pytest.mark.parametrize('from_list', [False, True])
def test_gta5(tmp_path, from_list):
    tree(tmp_path, 'images/00001.png', 'labels/00001_labelTrainIds.png')
    (tmp_path / 'list.txt').write_text('00001\n')
    dataset = DATASETS.build(
        dict(
            type='GTA5Dataset',
            ann_file=str(tmp_path / 'list.txt') if from_list else '',
            data_prefix=dict(
                img_path=str(tmp_path / 'images'),
                seg_map_path=str(tmp_path / 'labels'),
            ),
            pipeline=LOAD,
        )
    )
    assert isinstance(dataset, GTA5Dataset) and len(dataset) == 1
    assert dataset.metainfo['classes'] == CITYSCAPES['classes']
    assert labels_of(dataset) == [*range(19), 255]


def synthia(root, **kwargs):
    return SYNTHIADataset(
        data_prefix=dict(
            img_path=str(root / 'RGB'), seg_map_path=str(root / 'GT/LABELS')
        ),
        pipeline=LOAD,
        **kwargs,
    )


def test_synthia_and_its_target_agree(tmp_path):
    tree(tmp_path, 'RGB/0000000.png', 'GT/LABELS/0000000_labelTrainIds.png')
    tree(
        tmp_path, 'img/a/a_leftImg8bit.png', 'gt/a/a_gtFine_labelTrainIds.png'
    )
    source = synthia(tmp_path)
    target = CityscapesDataset(
        metainfo=dict(classes=SYNTHIA_CLASSES),
        data_prefix=dict(
            img_path=str(tmp_path / 'img'), seg_map_path=str(tmp_path / 'gt')
        ),
        pipeline=LOAD,
    )
    for dataset in (source, target):
        assert len(dataset.metainfo['classes']) == 16
        # Ids of the 16 classes in CBST and CRST: sky 9, car 12, bicycle 15.
        assert labels_of(dataset) == [
            0,
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            8,
            255,
            9,
            10,
            11,
            12,
            255,
            13,
            255,
            14,
            15,
            255,
        ]
    assert source.metainfo['palette'] == target.metainfo['palette']
    car = SYNTHIA_CLASSES.index('car')
    assert source.metainfo['palette'][car] == [0, 0, 142]


def test_synthia_with_19_classes(tmp_path):
    tree(tmp_path, 'RGB/0000000.png', 'GT/LABELS/0000000_labelTrainIds.png')
    dataset = synthia(tmp_path, num_classes=19)
    assert dataset.metainfo['classes'] == CITYSCAPES['classes']
    assert labels_of(dataset) == [*range(19), 255]
    with pytest.raises(ValueError, match='16 classes'):
        synthia(tmp_path, num_classes=13)


def test_synthia_ids_name_the_right_classes():
    # Of SYNTHIA's own list, a witness for the table.
    names = {
        1: 'sky',
        2: 'building',
        3: 'road',
        4: 'sidewalk',
        5: 'fence',
        6: 'vegetation',
        7: 'pole',
        8: 'car',
        9: 'traffic sign',
        10: 'person',
        11: 'bicycle',
        12: 'motorcycle',
        15: 'traffic light',
        16: 'terrain',
        17: 'rider',
        18: 'truck',
        19: 'bus',
        20: 'train',
        21: 'wall',
    }
    for k, train_id in enumerate(SYNTHIA_IDS):
        if k in names:
            assert CITYSCAPES['classes'][train_id] == names[k]
        else:
            assert train_id == 255


def synthia_label(ids):
    """16 bits, in OpenCV's order: blue, instance, class."""
    ids = np.asarray(ids, np.uint16)
    return np.stack([ids * 0, ids + 700, ids], -1)


def test_synthia_labels_are_read_with_16_bits(tmp_path):
    ids = np.array([[0, 1, 3], [8, 21, 22]])
    path = tmp_path / 'label.png'
    write(path, synthia_label(ids))
    np.testing.assert_array_equal(read_synthia_ids(str(path)), ids)
    # What the usual readers make of it, the reason for ours.
    assert not cv2.imread(str(path))[..., 2].any()


@pytest.mark.parametrize(
    'array, message',
    [
        (np.zeros((4, 4, 3), np.uint8), '8 bits, 3'),
        (np.zeros((4, 4), np.uint16), '16 bits, 1'),
        (synthia_label(np.full((4, 4), 23)), 'class id 23'),
    ],
)
def test_other_labels_are_refused(tmp_path, array, message):
    path = tmp_path / 'label.png'
    write(path, array)
    with pytest.raises(UsageError, match=f'label.png: {message}'):
        read_synthia_ids(str(path))
    with pytest.raises(UsageError, match='cannot be read'):
        read_synthia_ids(str(tmp_path / 'absent.png'))


def test_label_ids_of_16_classes_are_those_of_the_same_names():
    all_ids, ids = train_to_label_ids(19), train_to_label_ids(16)
    for k, name in enumerate(SYNTHIA_CLASSES):
        assert ids[k] == all_ids[CITYSCAPES['classes'].index(name)]
    assert not ids[16:].any() and not all_ids[19:].any()
    with pytest.raises(ValueError, match='not for 13'):
        train_to_label_ids(13)
