"""Masks of any kind are read as mmseg reads them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from mmsemi.datasets.transforms import LoadMask
from mmsemi.datasets.transforms.load_mask import decode_gray

LABELS = np.random.default_rng(0).integers(0, 256, (13, 17), np.uint8)


def palette() -> Image.Image:
    image = Image.fromarray(LABELS, 'P')
    image.putpalette(np.arange(768) // 3 * 7 % 256)
    return image


FAST = dict(
    gray=('a.png', lambda: Image.fromarray(LABELS), {}),
    gray_with_a_text=(
        'a.png',
        lambda: Image.fromarray(LABELS),
        dict(dpi=(72, 72)),
    ),
    clear_gray=(
        'a.png',
        lambda: Image.fromarray(LABELS),
        dict(transparency=3),
    ),
)
SLOW = dict(
    palette=('a.png', palette, {}),
    clear_palette=('a.png', palette, dict(transparency=3)),
    one_bit=('a.png', lambda: Image.fromarray(LABELS > 99), {}),
    deep=('a.png', lambda: Image.fromarray(LABELS.astype(np.uint16)), {}),
    gray_and_alpha=(
        'a.png',
        lambda: Image.fromarray(LABELS).convert('LA'),
        {},
    ),
    rgb=('a.png', lambda: palette().convert('RGB'), {}),
    rgba=('a.png', lambda: palette().convert('RGBA'), {}),
    jpeg=('a.jpg', lambda: Image.fromarray(LABELS), {}),
    bmp=('a.bmp', lambda: Image.fromarray(LABELS), {}),
    tiff=('a.tif', lambda: Image.fromarray(LABELS), {}),
)


def read(kind: type, path: Path, **facts) -> dict:
    item = dict(
        seg_map_path=str(path), reduce_zero_label=False, seg_fields=[], **facts
    )
    return kind()(item)


@pytest.mark.parametrize('name', [*FAST, *SLOW])
def test_masks_of_every_kind(tmp_path, name) -> None:
    file, make, options = {**FAST, **SLOW}[name]
    make().save(tmp_path / file, **options)
    ours, theirs = (
        read(kind, tmp_path / file) for kind in (LoadMask, LoadAnnotations)
    )
    mask = ours['gt_seg_map']
    assert mask.dtype == np.uint8 and mask.flags.writeable
    assert np.array_equal(mask, theirs['gt_seg_map'])
    assert ours['seg_fields'] == ['gt_seg_map']
    fast = decode_gray((tmp_path / file).read_bytes()) is not None
    assert fast == (name in FAST)


def test_masks_of_opencv(tmp_path) -> None:
    cv2.imwrite(str(tmp_path / 'a.png'), LABELS)
    found = read(LoadMask, tmp_path / 'a.png')
    assert np.array_equal(found['gt_seg_map'], LABELS)


def test_labels_are_changed_as_mmseg_does(tmp_path) -> None:
    path = tmp_path / 'a.png'
    Image.fromarray(LABELS).save(path)
    found = read(LoadMask, path, label_map={3: 7, 7: 3})['gt_seg_map']
    swapped = LABELS.copy()
    swapped[LABELS == 3], swapped[LABELS == 7] = 7, 3
    assert np.array_equal(found, swapped)
    item = dict(seg_map_path=str(path), reduce_zero_label=True, seg_fields=[])
    found = LoadMask()(item)['gt_seg_map']
    known = (LABELS > 0) & (LABELS < 255)
    assert np.array_equal(found, np.where(known, LABELS - 1, 255))


@pytest.mark.parametrize('share', [0.2, 0.5, 0.9])
def test_damaged_masks_are_no_labels(tmp_path, share) -> None:
    path = tmp_path / 'a.png'
    Image.fromarray(LABELS).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    for kind in (LoadMask, LoadAnnotations):
        with pytest.raises(OSError):
            read(kind, path)
