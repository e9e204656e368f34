import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from mmsemi.datasets import ShapesDataset, landscapes, shapes
from mmsemi.doctor.lists import ImageList
from mmsemi.utils.errors import UsageError, WriteError
from tests.full_disk import FullDisk


@pytest.fixture
def small(monkeypatch):
    """A set of a few images instead of hundreds."""
    content = dict(shapes.CONTENT, train=12, val=4, labeled=3)
    monkeypatch.setattr(shapes, 'CONTENT', content)
    return content


def files(root):
    return {
        path.relative_to(root): path.read_bytes()
        for path in sorted(root.rglob('*'))
        if path.is_file()
    }


def test_pictures_depend_on_seed_and_number_only():
    image, labels = landscapes.draw_landscape(0, 7)
    again, same = landscapes.draw_landscape(0, 7)
    other, _ = landscapes.draw_landscape(1, 7)
    assert np.array_equal(image, again) and np.array_equal(labels, same)
    assert not np.array_equal(image, other)
    assert image.shape == (*landscapes.SIZE, 3) and image.dtype == np.uint8
    assert labels.shape == landscapes.SIZE and labels.dtype == np.uint8
    assert labels.max() < len(landscapes.CLASSES)


def test_small_things_are_rare_and_every_class_occurs():
    counts = sum(
        np.bincount(landscapes.draw_landscape(0, k)[1].ravel(), minlength=8)
        for k in range(60)
    )
    share = dict(zip(landscapes.CLASSES, counts / counts.sum()))
    assert min(share.values()) > 0.002
    assert max(share['boat'], share['lamp']) < 0.04 < 0.2 < share['sky']


def test_first_use_writes_images_masks_and_lists(small, tmp_path):
    root = tmp_path / 'data' / 'shapes'
    split = 'splits/1_32/seed1'
    prefix = dict(img_path='images/train', seg_map_path='annotations/train')
    labeled, unlabeled, val = [
        ShapesDataset(data_root=str(root), ann_file=ann, data_prefix=folder)
        for ann, folder in (
            (f'{split}/labeled.txt', prefix),
            (f'{split}/unlabeled.txt', prefix),
            ('', dict(img_path='images/val', seg_map_path='annotations/val')),
        )
    ]
    assert (len(labeled), len(unlabeled), len(val)) == (3, 9, 4)
    seen = set()
    for dataset in (labeled, unlabeled, val):
        for info in dataset:
            image = cv2.imread(info['img_path'])
            mask = cv2.imread(info['seg_map_path'], cv2.IMREAD_UNCHANGED)
            assert image.shape[:2] == mask.shape == landscapes.SIZE
            seen.add(info['img_path'])
    assert len(seen) == 16
    number = int(info['img_path'][-8:-4])
    drawn, labels = landscapes.draw_landscape(small['seed'], number)
    assert np.array_equal(image[..., ::-1], drawn)
    assert np.array_equal(mask, labels)


def test_a_current_set_is_left_alone_an_old_one_drawn_anew(
    small, tmp_path, monkeypatch
):
    root = tmp_path / 'shapes'
    ShapesDataset.prepare(root)
    before = files(root)
    (root / 'images/val/0012.png').write_bytes(b'changed')
    ShapesDataset.prepare(root)
    assert (root / 'images/val/0012.png').read_bytes() == b'changed'
    old = json.loads((root / shapes.MANIFEST).read_text())
    (root / shapes.MANIFEST).write_text(json.dumps(dict(old, version=-1)))
    ShapesDataset.prepare(root)
    assert files(root) == before
    assert [path.name for path in tmp_path.iterdir()] == ['shapes']


def test_a_foreign_folder_is_not_touched(small, tmp_path):
    (tmp_path / 'holiday.jpg').write_bytes(b'mine')
    with pytest.raises(FileExistsError, match='something else'):
        ShapesDataset.prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ['holiday.jpg']


@pytest.mark.parametrize('content', ['{"version": 7}', '[1]', 'damaged'])
def test_a_foreign_folder_may_have_a_manifest_too(small, tmp_path, content):
    (tmp_path / 'holiday.jpg').write_bytes(b'mine')
    (tmp_path / shapes.MANIFEST).write_text(content)
    with pytest.raises(FileExistsError, match='something else'):
        ShapesDataset.prepare(tmp_path)
    assert (tmp_path / 'holiday.jpg').read_bytes() == b'mine'


def test_an_interrupted_writing_leaves_no_set(small, tmp_path, monkeypatch):
    root = tmp_path / 'shapes'
    draw = landscapes.draw_landscape

    def stop(seed, number):
        if number == 5:
            raise KeyboardInterrupt
        return draw(seed, number)

    monkeypatch.setattr(landscapes, 'draw_landscape', stop)
    with pytest.raises(KeyboardInterrupt):
        ShapesDataset.prepare(root)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(landscapes, 'draw_landscape', draw)
    ShapesDataset.prepare(root)
    assert shapes.is_current(root)


@pytest.mark.parametrize('fits', [0, 5, 33, 39])
def test_a_full_disk_leaves_no_set(small, tmp_path, fits):
    root = tmp_path / 'shapes'
    with FullDisk(tmp_path).after(fits), pytest.raises(WriteError) as error:
        ShapesDataset.prepare(root)
    assert 'disk is full. Free some space' in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_no_permission_is_one_sentence(small, tmp_path, monkeypatch):
    def refused(**kwargs):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(shapes.tempfile, 'mkdtemp', refused)
    with pytest.raises(WriteError, match='shapes could not.*no permission'):
        ShapesDataset.prepare(tmp_path / 'shapes')


def test_writers_at_the_same_time_end_with_one_set(small, tmp_path):
    root = tmp_path / 'shapes'
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(shapes.write_set, [root] * 3))
    assert shapes.is_current(root)
    assert len(list((root / 'images/train').iterdir())) == 12
    assert [path.name for path in tmp_path.iterdir()] == ['shapes']


@pytest.mark.parametrize('name', ['/elsewhere/0001', '../train/0001'])
def test_names_in_lists_stay_in_the_folder_of_the_images(
    small, tmp_path, name
):
    root = tmp_path / 'shapes'
    ShapesDataset.prepare(root)
    names = tmp_path / 'labeled.txt'
    names.write_text(f'0001\n{name}\n')
    config = dict(
        type='ShapesDataset',
        data_root=str(root),
        ann_file=str(names),
        data_prefix=dict(
            img_path='images/train', seg_map_path='annotations/train'
        ),
    )
    with pytest.raises(UsageError, match='leaves the folder'):
        ImageList('labeled', config)


@pytest.mark.parametrize('how', ['another list', 'a changed list'])
def test_lists_of_others_in_an_old_set_stay(small, tmp_path, monkeypatch, how):
    """A new version of the set does not replace what it did not write."""
    root = tmp_path / 'shapes'
    ShapesDataset.prepare(root)
    mine = root / 'splits/1_32/seed0/labeled.txt'
    if how == 'another list':
        mine = root / 'splits/mine/labeled.txt'
        mine.parent.mkdir()
    mine.write_text('0001\n')
    later = time.time() + 5
    os.utime(mine, (later, later))
    monkeypatch.setitem(shapes.CONTENT, 'version', 99)
    name = mine.relative_to(root).as_posix()
    with pytest.raises(FileExistsError, match=f'{name}, which it did not'):
        ShapesDataset.prepare(root)
    assert mine.read_text() == '0001\n' and not shapes.is_current(root)
    mine.unlink()
    if how == 'another list':
        ShapesDataset.prepare(root)
        assert shapes.is_current(root)
