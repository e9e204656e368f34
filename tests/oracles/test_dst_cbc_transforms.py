"""Old (DST-CBC) and new (DMT) transforms, with the recorded draws."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.dataset import Compose

from mmsemi.datasets.transforms.geometry import nearest_indices
from mmsemi.datasets.transforms.labels import MapLabels
from mmsemi.pseudo_labels.codes import encode_confidence
from tests.oracles.kinds import cases, files

COCO_MEAN = np.array([104.008, 116.669, 122.675], dtype=np.float32)
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


class Draws:
    """Stands for numpy's random source: gives back what was recorded.

    mmcv draws the width before the height, and it draws crop offsets even
    where the image has the size of the crop; the official code does neither.
    The draw for the flip is the last one.
    """

    def __init__(self, monkeypatch, numbers) -> None:
        self.numbers = list(numbers)
        monkeypatch.setattr(np.random, 'randint', self.randint)
        monkeypatch.setattr(np.random, 'uniform', self.uniform)
        monkeypatch.setattr(np.random, 'choice', self.choice)

    def randint(self, low, high):
        if len(self.numbers) == 1:
            assert high - low == 1, 'an offset was not recorded'
            return low
        number = int(self.numbers.pop(0))
        assert low <= number < high
        return number

    def uniform(self, low, high):
        number = self.numbers.pop(0)
        assert low <= number <= high
        return number

    def choice(self, options, p):
        assert list(options) == ['horizontal', None]
        return options[0] if self.numbers.pop(0) < p[0] else options[1]


def normalized(image: np.ndarray, kind: str) -> np.ndarray:
    """BGR float image to (3, H, W) as the data preprocessors do."""
    if kind == 'coco':
        return (image - COCO_MEAN).transpose(2, 0, 1)
    return ((image[..., ::-1] / 255 - MEAN) / STD).transpose(2, 0, 1)


def run(case, steps, tmp_path, pseudo=False):
    """Load from files as training does, then the given transforms."""
    label = case.get('label', case.get('label_uint8'))
    image_path = tmp_path / 'image.png'
    cv2.imwrite(str(image_path), case['image_rgb_uint8'][..., ::-1])
    item = dict(
        img_path=str(image_path),
        seg_fields=[],
        label_map=None,
        reduce_zero_label=False,
    )
    pipeline = [dict(type='LoadImageFromFile', to_float32=True)]
    if label is not None:
        if pseudo:
            label, confidence = label[..., 0], label[..., 1]
            codes = encode_confidence(confidence)
            cv2.imwrite(str(tmp_path / 'confidence.png'), codes)
            item['confidence_path'] = str(tmp_path / 'confidence.png')
        cv2.imwrite(str(tmp_path / 'label.png'), label.astype(np.uint8))
        item['seg_map_path'] = str(tmp_path / 'label.png')
        loader = 'LoadPseudoLabel' if pseudo else 'LoadAnnotations'
        pipeline.append(dict(type=loader))
    return Compose(pipeline + steps)(item)


def check(result, case, kind):
    tolerance = 1e-3 if kind == 'coco' else 1e-5
    np.testing.assert_allclose(
        normalized(result['img'], kind),
        case['out_image'],
        rtol=0,
        atol=tolerance,
    )
    if 'out_label' in case and case['out_label'].ndim == 2:
        np.testing.assert_array_equal(result['gt_seg_map'], case['out_label'])


def steps_of(name, case):
    """The pipeline of a case, from what was drawn and the sizes."""
    size = tuple(case['out_image'].shape[1:])
    height, width = case['image_rgb_uint8'].shape[:2]
    drawn = str(case['draw_names'])
    if drawn == 'none':
        if size[0] >= height and size[1] >= width:
            return [dict(type='PadSegFields', size=size)]
        return [dict(type='TorchResize', scale=size[::-1])]
    steps = [
        dict(type='RandomCrop', crop_size=size),
        dict(type='PadSegFields', size=size),
        dict(type='RandomFlip', prob=0.5),
    ]
    if 'resize_h' in drawn:
        steps.insert(
            0,
            dict(
                type='RandomResize',
                scale=[(1, 1), (999, 999)],
                resize_type='TorchResize',
            ),
        )
    elif 'scale' in drawn:
        steps.insert(0, dict(type='RandomScale', ratio_range=(0.5, 1.5)))
        if 'city' in name:  # half resolution first, crops are half of that
            steps.insert(
                0, dict(type='TorchResize', scale=(2 * size[1], 2 * size[0]))
            )
    return steps


def kind_of(case, name):
    """Which normalization: by the name, else by the range of the output."""
    if 'coco' in name or 'imagenet' in name:
        return 'coco' if 'coco' in name else 'imagenet'
    return 'coco' if np.abs(case['out_image']).max() > 10 else 'imagenet'


def test_old_transforms(oracle_dir, tmp_path, monkeypatch):
    for path in files(oracle_dir, 'dst_cbc', 'transforms_dst_cbc'):
        for name, case in cases(path).items():
            if 'table' in case:
                check_table(case['table'])
                continue
            draws = list(case['draws'])
            if 'resize_h' in str(case['draw_names']):
                draws[:2] = draws[1::-1]
            with monkeypatch.context() as patch:
                recorded = Draws(patch, draws)
                result = run(case, steps_of(name, case), tmp_path)
            assert not recorded.numbers, name
            check(result, case, kind_of(case, name))


def test_new_transforms(oracle_dir, tmp_path, monkeypatch):
    for path in files(oracle_dir, 'dst_cbc', 'transforms_dmt'):
        for name, case in cases(path).items():
            pseudo = case.get('label', np.zeros(1)).ndim == 3
            with monkeypatch.context() as patch:
                recorded = Draws(patch, case['draws'])
                result = run(case, steps_of(name, case), tmp_path, pseudo)
            assert not recorded.numbers, name
            check(result, case, kind_of(case, name))
            if pseudo:
                check_confidence(result, case['out_label'])


def check_table(table):
    ids = np.arange(256, dtype=np.uint8)
    mapped = MapLabels('cityscapes')(dict(gt_seg_map=ids))['gt_seg_map']
    np.testing.assert_array_equal(mapped[: len(table)], table)
    # 255, and whatever the official table has no entry for.
    assert (mapped[len(table) :] == 255).all()


def check_confidence(result, expected):
    labels, confidence = expected
    np.testing.assert_array_equal(result['gt_seg_map'], labels)
    # The confidence of a pixel without label is never used; ours is 0 in
    # the padding, the official one 255. Elsewhere: lower edge of its code.
    used = labels != 255
    found, stored = result['gt_confidence'][used], confidence[used]
    assert (found <= stored).all()
    np.testing.assert_array_equal(
        encode_confidence(found), encode_confidence(stored)
    )
    assert (result['gt_confidence'][confidence == 255] == 0).all()


@pytest.mark.parametrize('seed', range(3))
def test_nearest_index_is_that_of_torch(seed):
    rng = np.random.default_rng(seed)
    for source, target in rng.integers(1, 1100, (300, 2)).tolist():
        column = torch.arange(source, dtype=torch.float32)[None, None]
        expected = F.interpolate(column, size=target, mode='nearest')
        np.testing.assert_array_equal(
            nearest_indices(source, target), expected[0, 0].numpy()
        )
