import json
import os
import socket
import subprocess
import sys

import pytest

from mmsemi.io import lock
from mmsemi.io.lock import LOCK, FolderLock
from mmsemi.utils.errors import UsageError

HOLD = """
import os, sys, time
from mmsemi.io.lock import FolderLock
held = FolderLock(sys.argv[1])
ready, say = os.pipe()
child = os.fork()
if child:
    os.read(ready, 1)  # until the child has let go of the lock
    print(os.getpid(), child, flush=True)
else:
    os.write(say, b'.')
time.sleep(60)
"""


def test_one_process_at_a_time_and_a_dead_one_does_not_count(tmp_path):
    """Not even if a process it started, to load data, outlives it."""
    other = subprocess.Popen(
        [sys.executable, '-c', HOLD, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    pid, child = map(int, other.stdout.readline().split())
    try:
        with pytest.raises(UsageError) as error:
            FolderLock(tmp_path)
        assert f'process {pid} on {socket.gethostname()}' in str(error.value)
        assert str(error.value).endswith('or choose another --work-dir')
        other.kill()
        other.wait()
        with FolderLock(tmp_path):
            with pytest.raises(UsageError, match=f'process {os.getpid()}'):
                FolderLock(tmp_path)
        FolderLock(tmp_path).release()
    finally:
        os.kill(child, 9)


def test_without_locks_of_the_system_the_file_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, 'fcntl', None)
    held = FolderLock(tmp_path)
    with pytest.raises(UsageError, match='in use'):
        FolderLock(tmp_path)
    held.release()
    dead = subprocess.Popen([sys.executable, '-c', ''])
    dead.wait()
    me = dict(host=socket.gethostname(), process=dead.pid)
    (tmp_path / LOCK).write_text(json.dumps(me))
    FolderLock(tmp_path).release()
    (tmp_path / LOCK).write_text(json.dumps(dict(me, host='another')))
    with pytest.raises(UsageError, match='on another.*If it has ended, re'):
        FolderLock(tmp_path)


def test_a_refused_start_leaves_nothing(tmp_path):
    held = FolderLock(tmp_path / 'a/b')
    held.withdraw()
    assert not (tmp_path / 'a').exists()
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a/mine').touch()
    FolderLock(tmp_path / 'a').withdraw()
    assert [path.name for path in (tmp_path / 'a').iterdir()] == ['mine']


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / 'run').write_text('mine')
    for folder in ('run', 'run/below'):
        with pytest.raises(UsageError, match='run is a file'):
            FolderLock(tmp_path / folder)
    assert (tmp_path / 'run').read_text() == 'mine'


def test_a_lock_taken_on_a_file_that_is_gone_is_taken_again(
    tmp_path, monkeypatch
):
    """Between opening and locking, its holder may remove it."""
    take, calls = FolderLock._take, []

    def late(self):
        calls.append(0)
        if len(calls) == 1:
            self.path.unlink()
        take(self)

    monkeypatch.setattr(FolderLock, '_take', late)
    with FolderLock(tmp_path):
        assert len(calls) == 2
        with pytest.raises(UsageError, match='in use'):
            FolderLock(tmp_path)


@pytest.mark.parametrize('kind', ['link', 'broken link', 'folder', 'pipe'])
def test_what_lies_in_the_place_of_the_lock_is_left_alone(tmp_path, kind):
    """A folder of somebody else may hold anything of that name."""
    mine, place = tmp_path / 'mine.txt', tmp_path / 'run' / LOCK
    place.parent.mkdir()
    mine.write_text('mine')
    if kind == 'folder':
        place.mkdir()
    elif kind == 'pipe':
        os.mkfifo(place)
    else:
        place.symlink_to(mine if kind == 'link' else tmp_path / 'new')
    with pytest.raises(UsageError, match='no ordinary file.*Remove it'):
        FolderLock(place.parent)
    assert mine.read_text() == 'mine'
    assert not (tmp_path / 'new').exists()
