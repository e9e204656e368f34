import codecs
import time

import pytest

from mmsemi.datasets.lists import read_lines
from mmsemi.datasets.splits import read_list
from mmsemi.registry import DATASETS
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
