import errno
import json
import os
import resource
import signal

import numpy as np
import pytest
import torch

from mmsemi.engine.checkpoint_files import CheckpointFiles
from mmsemi.io import files
from mmsemi.utils.errors import UsageError, WriteError


@pytest.fixture
def small_files():
    """No file may grow beyond a megabyte, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize(
    'name', ['../a', '/a', 'b/../../a', 'b/../a', '', '.', 'link/a']
)
def test_nothing_is_written_outside(tmp_path, name):
    root = tmp_path / 'root'
    root.mkdir()
    (tmp_path / 'a').write_text('mine')
    (root / 'link').symlink_to(tmp_path)
    with pytest.raises(UsageError, match='outside'):
        files.write_bytes(root, name, b'theirs')
    assert (tmp_path / 'a').read_text() == 'mine'
    assert os.listdir(root) == ['link']


def test_a_link_is_replaced_and_not_followed(tmp_path):
    mine = tmp_path / 'photo.png'
    mine.write_text('mine')
    (tmp_path / 'root').mkdir()
    (tmp_path / 'root/a.png').symlink_to(mine)
    files.write_png(tmp_path / 'root', 'a.png', np.zeros((2, 2), np.uint8))
    assert mine.read_text() == 'mine'
    assert not (tmp_path / 'root/a.png').is_symlink()


def test_every_kind_is_read_back(tmp_path):
    files.write_text(tmp_path, 'x/a.txt', 'ü\n')
    files.write_json(tmp_path, 'a.json', dict(a=float('nan'), b=(1, 2)))
    files.write_torch(tmp_path, 'a.pth', dict(a=torch.ones(2)))
    with files.whole_file(tmp_path, 'a.npz') as file:
        np.savez_compressed(file, a=np.arange(3))
    content = files.write_png(tmp_path, 'a.png', np.eye(3, dtype=np.uint8))
    assert (tmp_path / 'x/a.txt').read_bytes() == 'ü\n'.encode()
    assert json.loads((tmp_path / 'a.json').read_text()) == dict(
        a=None, b=[1, 2]
    )
    assert torch.load(tmp_path / 'a.pth')['a'].tolist() == [1, 1]
    assert np.load(tmp_path / 'a.npz')['a'].tolist() == [0, 1, 2]
    assert (tmp_path / 'a.png').read_bytes() == content
    assert not list(tmp_path.rglob('*.partial'))


@pytest.mark.parametrize('kind', ['bytes', 'torch'])
def test_full_disk_leaves_the_old_file(tmp_path, small_files, kind):
    (tmp_path / 'a').write_text('old')
    with pytest.raises(WriteError, match=f'{tmp_path}/a could not be written'):
        if kind == 'bytes':
            files.write_bytes(tmp_path, 'a', bytes(3_000_000))
        else:
            files.write_torch(tmp_path, 'a', torch.zeros(3_000_000))
    assert (tmp_path / 'a').read_text() == 'old'
    assert os.listdir(tmp_path) == ['a']


@pytest.mark.parametrize(
    'name, words',
    [
        ('loop/a', 'a file or a broken link is in the way'),
        ('dangling/a', 'a file or a broken link is in the way'),
        ('file/a', 'a file or a broken link is in the way|a file is where'),
        ('x' * 300, 'the name is too long'),
    ],
)
def test_what_is_in_the_way_is_said(tmp_path, name, words):
    (tmp_path / 'loop').symlink_to(tmp_path / 'loop')
    (tmp_path / 'dangling').symlink_to('gone')
    (tmp_path / 'file').write_text('mine')
    folder, _, file = name.rpartition('/')
    with pytest.raises(WriteError, match=words):
        files.write_text(tmp_path / folder, file, 'text')
    assert (tmp_path / 'file').read_text() == 'mine'


def test_system_errors_in_plain_words():
    full = OSError(errno.ENOSPC, 'No space left on device', '/d/a.pth')
    assert 'the disk is full' in files.describe(full)
    assert '/d/a.pth' in files.describe(full)
    nameless = OSError(errno.ENOSPC, 'No space left on device')
    assert files.describe(nameless, 'w').startswith('w: the disk is full. ')
    assert files.describe(nameless) == 'the disk is full. Free some space'
    locked = files.cannot_write('w/x', OSError(errno.EROFS, 'Read-only'))
    assert 'read-only. Have it mounted for writing, or choose' in locked
    loaded = PermissionError(
        'Caught PermissionError in DataLoader worker process 0.\n'
        'Original Traceback (most recent call last):\n'
        '  File "x.py", line 1\n'
        "PermissionError: [Errno 13] Permission denied: '/d/1.png'\n"
    )
    assert files.describe(loaded).startswith('/d/1.png: there is no perm')


@pytest.mark.parametrize('kind', ['text', 'checkpoint'])
def test_a_link_where_a_file_is_begun_is_not_followed(tmp_path, kind):
    """A work dir of somebody else may hold one."""
    mine = tmp_path / 'mine.txt'
    mine.write_text('mine')
    root = tmp_path / 'root'
    root.mkdir()
    name = 'iter_1.pth'
    (root / f'{name}.partial').symlink_to(mine)
    if kind == 'text':
        files.write_text(root, name, 'theirs')
    else:
        CheckpointFiles(root, 'iter_{}.pth').write(Saver(), name, {})
    assert mine.read_text() == 'mine'
    assert not (root / name).is_symlink()
    assert (root / name).read_text() == 'theirs'


class Saver:
    """Stands for a runner."""

    def save_checkpoint(self, folder, name, **_):
        with open(os.path.join(folder, name), 'w') as file:
            file.write('theirs')


def test_names_as_long_as_there_are(tmp_path):
    """Labels have the names of images, which need not be short."""
    for length in (247, 251):
        name = 'ü' * (length // 2) + 'x' * (length % 2)
        files.write_bytes(tmp_path, f'{name}.png', b'labels')
        assert (tmp_path / f'{name}.png').read_bytes() == b'labels'
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(WriteError, match='the name is too long'):
        files.write_bytes(tmp_path, 'x' * 256, b'')


def test_a_name_that_is_no_text_in_utf_8(tmp_path):
    """Systems other than this may have named the folder of a run."""
    name = os.fsdecode(b'caf\xe9')
    files.write_text(tmp_path, 'pointer', name)
    assert (tmp_path / 'pointer').read_bytes() == b'caf\xe9'
