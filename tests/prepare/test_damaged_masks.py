"""Masks of data sets that are brought in: damaged, or with values of none."""

import os

import numpy as np
import pytest
from PIL import Image

from mmsemi.prepare.conversion import Item, bad_pairs
from mmsemi.prepare.rendered_masks import gta5_ids
from mmsemi.prepare.split_coverage import Coverage
from mmsemi.utils.errors import UsageError


def save(path, values):
    Image.fromarray(values).save(
        path, 'TIFF' if values.itemsize > 1 else 'PNG'
    )


def cut(path):
    save(path, np.arange(900, dtype=np.uint8).reshape(30, 30) % 19)
    path.write_bytes(path.read_bytes()[:-60])


READERS = {
    'label ids': gta5_ids,
    'coverage': lambda path: Coverage(lambda _: path, 1)._present('a'),
}


@pytest.mark.parametrize('reader', READERS)
@pytest.mark.parametrize('damage', [cut, os.mkfifo, lambda p: p.touch()])
def test_a_mask_that_cannot_be_read_is_named(tmp_path, reader, damage):
    damage(tmp_path / 'a.png')
    with pytest.raises(UsageError, match=r'a\.png: mask cannot be read'):
        READERS[reader](str(tmp_path / 'a.png'))


def test_values_of_no_class_take_no_memory(tmp_path):
    """Counts of all values up to the largest would be 17 GB."""
    path = tmp_path / 'a.png'
    values = np.array([[3, 3, 2**31 - 1, -7]], np.int32)
    save(path, values)
    assert np.flatnonzero(READERS['coverage'](str(path))).tolist() == [3]
    with pytest.raises(UsageError, match=r'a\.png: value 2147483647, but'):
        gta5_ids(str(path))
    save(path, np.minimum(values, 5))
    with pytest.raises(UsageError, match=r'a\.png: value -7, but'):
        gta5_ids(str(path))


def test_pairs_that_cannot_be_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    save(tmp_path / 'a.png', np.zeros((30, 30), np.uint8))
    os.mkfifo(tmp_path / 'b.png')
    items = [
        Item('x', str(tmp_path / f'{name}.png'), '', '', '') for name in 'ab'
    ]
    large, pipe = bad_pairs(items)
    assert 'a.png: cannot be read (more pixels than Pillow reads)' in large
    assert 'b.png: cannot be read (it is a pipe' in pipe
