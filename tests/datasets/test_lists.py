import codecs
import os
import time

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmsemi.apis.run_record import list_hashes
from mmsemi.datasets import lists as lists_module
from mmsemi.datasets.lists import read_lines
from mmsemi.datasets.names import Names
from mmsemi.datasets.splits import read_list
from mmsemi.doctor.data import check_data
from mmsemi.engine.build import resolve
from mmsemi.registry import DATASETS
from mmsemi.report.facts import data_facts
from mmsemi.utils.errors import UsageError

WRITTEN = {
    'plain': b'a\nb c\nd/e\n',
    'no end of the last line': b'a\nb c\nd/e',
    'byte order mark': codecs.BOM_UTF8 + b'a\nb c\nd/e\n',
    'blank lines': b'\na\n\n  \nb c\nd/e\n\n\n',
    'spaces and tabs': b'a \n\tb c\t\nd/e\n',
    'line ends of Windows': b'a\r\nb c\r\nd/e\r\n',
    'line ends of old Macs': b'a\rb c\rd/e\r',
    'backslashes': b'a\nb c\nd\\e\n',
    'UTF-16': 'a\nb c\nd/e\n'.encode('utf-16'),
    'UTF-16, big end first': codecs.BOM_UTF16_BE
    + 'a\r\nb c\r\nd/e\r\n'.encode('utf-16-be'),
    'UTF-32': 'a\nb c\nd/e\n'.encode('utf-32'),
    'joined files': b'a\n' + codecs.BOM_UTF8 + b'b c\nd/e\n',
    'dots': b'./a\nb c\nd/./x/../e\n',
    'doubled slashes': b'a\nb c\nd//e\n',
}


@pytest.mark.parametrize('kind', WRITTEN)
def test_lists_are_read_as_people_write_them(tmp_path, kind):
    path = tmp_path / 'labeled.txt'
    path.write_bytes(WRITTEN[kind])
    assert read_lines(str(path)) == ['a', 'b c', 'd/e']
    dataset = DATASETS.build(
        dict(
            type='BaseSegDataset',
            metainfo=dict(classes=('x', 'y')),
            ann_file=str(path),
            data_prefix=dict(img_path='images'),
            pipeline=[],
        )
    )
    assert [dataset.get_data_info(i)['img_path'] for i in range(3)] == [
        'images/a.jpg',
        'images/b c.jpg',
        'images/d/e.jpg',
    ]
    assert len(dataset) == 3


def test_names_in_other_scripts(tmp_path):
    (tmp_path / 'x.txt').write_text('Größe 1\n画像\u2028b\n', 'utf-8')
    assert read_lines(tmp_path / 'x.txt') == ['Größe 1', '画像\u2028b']


@pytest.mark.parametrize(
    'content, words',
    [
        ('Größe\n'.encode('latin-1'), 'line 1: this is not text in UTF-8'),
        (b'a\nb\n\xe9c\n', 'line 3: this is not text in UTF-8'),
        ('abc\n'.encode('utf-16-le'), 'UTF-16 without its mark'),
        (b'\x89PNG\r\n\x1a\n' + bytes(range(256)), 'not text in UTF-8'),
        (codecs.BOM_UTF16_LE + b'a\0\n', 'not text in UTF-8'),
    ],
)
def test_a_file_that_is_no_text_is_named(tmp_path, content, words):
    path = tmp_path / 'x.txt'
    path.write_bytes(content)
    with pytest.raises(UsageError, match=f'^{path}.*{words}'):
        read_lines(str(path))


def test_one_image_under_two_names(tmp_path):
    path = tmp_path / 'x.txt'
    path.write_text('a\n./a\nb\\c\nb/c\n')
    with pytest.raises(UsageError, match="'a' is listed twice .and 1 more"):
        read_list(str(path))


def test_a_folder_is_no_list(tmp_path):
    with pytest.raises(UsageError, match='cannot be read'):
        read_lines(str(tmp_path))


def test_long_lists_take_no_time(tmp_path):
    path = tmp_path / 'x.txt'
    path.write_text(''.join(f'folder/image_{i:07d}\n' for i in range(100_000)))
    start = time.process_time()
    assert len(read_list(str(path))) == 100_000
    assert time.process_time() - start < 2


def test_a_start_reads_each_list_once(tmp_path, monkeypatch):
    """What checks, counts, records and loads asks for the same names."""
    for name in ('images', 'masks'):
        (tmp_path / name).mkdir()
    for name in 'abcd':
        cv2.imwrite(
            f'{tmp_path}/images/{name}.jpg', np.zeros((4, 4, 3), np.uint8)
        )
        mask = np.array([[0, 1], [1, 0]], np.uint8)
        cv2.imwrite(
            f'{tmp_path}/masks/{name}.png', mask.repeat(2, 0).repeat(2, 1)
        )
    lists = {'labeled.txt': 'a', 'unlabeled.txt': 'b\nc', 'val.txt': 'd'}
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (1e9, 1e9))
    part = dict(
        type='BaseSegDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        metainfo=dict(classes=('x', 'y')),
    )
    data = dict(
        labeled=part,
        unlabeled=dict(),
        val=dict(ann_file='val.txt'),
        splits=dict(mine=dict(lists=('labeled.txt', 'unlabeled.txt'))),
        split='mine',
        augment=[],
        batch=dict(labeled=1, unlabeled=1, alone=1),
    )
    opened = []
    read = lists_module.plain_text

    def counted(path):
        opened.append(os.path.basename(path))
        return read(path)

    monkeypatch.setattr(lists_module, 'plain_text', counted)
    cfg = resolve(Config(dict(data=data, regime='online')))
    list_hashes(cfg)
    check_data(cfg)
    facts = data_facts(cfg)
    DATASETS.build(cfg.train_dataloader.dataset)
    DATASETS.build(cfg.val_dataloader.dataset)
    assert sorted(opened) == sorted(lists)
    assert facts['unlabeled'][0]['images'] == 2

    # A list that changes is read again, whatever its size.
    (tmp_path / 'unlabeled.txt').write_text('c\nb')
    assert read_lines(f'{tmp_path}/unlabeled.txt') == ['c', 'b']
    (tmp_path / 'unlabeled.txt').write_text('b\nc')
    assert read_lines(f'{tmp_path}/unlabeled.txt') == ['b', 'c']


def test_a_file_name_that_is_no_text_is_said(tmp_path):
    """Linux takes any bytes; archives of Windows bring such names."""
    wrong = os.fsdecode(b'caf\xe9')
    with pytest.raises(UsageError, match=r"b'caf\\xe9'.*Rename the file"):
        Names(['a', wrong])
