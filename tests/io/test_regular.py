"""Pipes and devices in folders of images are named, not waited for."""

import os

import pytest

from mmsemi.doctor.images import image_size, is_deep
from mmsemi.doctor.masks import read_mask
from mmsemi.doctor.photos import examine, look_at
from mmsemi.engine.checkpoints import newest_whole
from mmsemi.io import files
from mmsemi.io.config_data import read_dumped_config
from mmsemi.io.image_files import read_pixels
from mmsemi.prepare.annotation_files import read_json
from mmsemi.prepare.mask_files import read_codes
from mmsemi.utils.errors import UsageError

if not hasattr(os, 'mkfifo'):
    pytest.skip('no pipes in folders on this system', allow_module_level=True)


def a_pipe(path):
    os.mkfifo(path)


def a_device(path):
    path.symlink_to('/dev/zero')


@pytest.mark.parametrize('kind', [a_pipe, a_device])
@pytest.mark.parametrize(
    'read',
    [
        read_pixels,
        look_at,
        read_codes,
        read_json,
        lambda path: is_deep(path, {}),
        lambda path: image_size(path, {}),
        lambda path: read_mask(path, {}),
    ],
)
def test_what_never_ends_is_refused(tmp_path, read, kind):
    path = tmp_path / 'u1.png'
    kind(path)
    with pytest.raises(UsageError, match='a pipe, socket or device') as info:
        read(str(path))
    assert str(path) in str(info.value)


def test_the_doctor_lists_it_among_the_problems(tmp_path):
    a_pipe(tmp_path / 'u1.png')
    assert 'pipe' in examine(str(tmp_path / 'u1.png')).problem


@pytest.mark.parametrize('kind', [a_pipe, a_device])
def test_files_of_a_run_that_never_end(tmp_path, kind):
    """A work dir of somebody else may hold them; nothing waits."""
    for name in ('run.json', 'last_checkpoint', 'config.py'):
        kind(tmp_path / name)
    assert files.read_json(tmp_path / 'run.json') == {}
    said = []
    assert newest_whole(tmp_path, said.append) is None
    assert 'is damaged' in said[0]
    with pytest.raises(UsageError, match='a pipe, socket or device'):
        read_dumped_config(tmp_path / 'config.py')
