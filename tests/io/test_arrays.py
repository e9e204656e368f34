"""Arrays of damaged and of deceptive files are refused before memory is."""

import io
import zipfile

import numpy as np
import pytest

from mmsemi.engine.checkpoints import is_whole
from mmsemi.io.arrays import read_npz
from mmsemi.models.decode_heads.class_embeddings import read_arrays
from mmsemi.models.pseudo_labelers.spatial_prior import load_prior
from mmsemi.utils.errors import UsageError


def claiming(path, **header):
    """An array that says to be larger than what follows."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, header)
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('prior.npy', stream.getvalue() + bytes(64))
    return path


def packed(path, size):
    """Zeros, and a table of contents with another size than they have."""
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('prior.npy', bytes(99))
    content = bytearray(path.read_bytes())
    place = content.rindex(b'PK\x01\x02') + 24
    content[place : place + 4] = size.to_bytes(4, 'little')
    path.write_bytes(content)
    return path


HUGE = dict(descr='<f8', fortran_order=False, shape=(10**6, 10**6, 10**3))


@pytest.mark.parametrize(
    'make',
    [
        lambda path: claiming(path, **HUGE),
        lambda path: claiming(path, **dict(HUGE, descr='|O')),
        lambda path: packed(path, 2**32 - 2),
        lambda path: packed(path, 99),
        lambda path: path.touch() or path,
        lambda path: path.symlink_to('/dev/zero') or path,
        lambda path: np.save(path.open('wb'), np.zeros(3)) or path,
    ],
)
def test_every_reader_refuses(tmp_path, make):
    path = make(tmp_path / 'a.npz')
    with pytest.raises(ValueError):
        read_npz(path)
    for read in (lambda p: load_prior(str(p), 3), read_arrays):
        with pytest.raises(UsageError, match=r'a\.npz'):
            read(path)


@pytest.mark.parametrize('value', [np.array('x'), np.zeros(3, 'V4')])
def test_a_prior_consists_of_numbers(tmp_path, value):
    np.savez(tmp_path / 'a.npz', prior=value)
    with pytest.raises(UsageError, match='its prior is of type'):
        load_prior(str(tmp_path / 'a.npz'), 3)


def test_a_prior_with_one_name_for_all_classes_has_none(tmp_path):
    np.savez(tmp_path / 'a.npz', prior=np.ones((3, 2, 2)), classes='all')
    assert load_prior(str(tmp_path / 'a.npz'), 3)[1] is None


@pytest.mark.parametrize('kind', ['packed', 'secret', 'device'])
def test_checkpoints_that_are_none_are_not_whole(tmp_path, kind):
    path = tmp_path / 'iter_2.pth'
    if kind == 'device':
        path.symlink_to('/dev/zero')
    else:
        method = zipfile.ZIP_DEFLATED if kind == 'packed' else 0
        with zipfile.ZipFile(path, 'w', method) as archive:
            archive.writestr('x/data.pkl', bytes(9999))
    if kind == 'secret':  # says to need a password
        content = bytearray(path.read_bytes())
        for mark, shift in ((b'PK\x03\x04', 6), (b'PK\x01\x02', 8)):
            content[content.index(mark) + shift] |= 1
        path.write_bytes(content)
    assert not is_whole(path)
