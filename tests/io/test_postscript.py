"""An image or mask that is a PostScript program is refused, not run."""

import mmcv
import pytest
from mmengine.registry import init_default_scope

from mmsemi.doctor.masks import read_mask
from mmsemi.doctor.photos import examine, look_at
from mmsemi.io.image_files import read_pixels
from mmsemi.prepare.mask_files import read_codes
from mmsemi.pseudo_labels.outside_masks import OutsideMasks
from mmsemi.registry import TRANSFORMS
from mmsemi.utils.errors import UsageError

PROGRAM = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 9 9
%%EndComments
%%EOF
"""


def load_annotations(path):
    init_default_scope('mmsemi')
    load = TRANSFORMS.build(dict(type='LoadMask'))
    load(dict(seg_map_path=path, reduce_zero_label=False, seg_fields=[]))


def examined(path):
    raise UsageError(examine(path).problem)


READERS = {
    'an image': read_pixels,
    'an image, examined': examined,
    'the size of an image': look_at,
    'a mask to look at': lambda path: read_mask(path, {}),
    'a mask of a person': read_codes,
    'a mask of a training': load_annotations,
    'a mask of another program': lambda path: OutsideMasks(
        path.rpartition('/')[0], ['a', 'b']
    ).read('a'),
    'a file for mmcv': lambda path: mmcv.imread(path, backend='pillow'),
}


@pytest.mark.parametrize('reader', READERS)
def test_programs_among_images(tmp_path, reader, monkeypatch):
    place = tmp_path / 'bin/gs'
    place.parent.mkdir()
    place.write_text(f'#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n')
    place.chmod(0o755)
    monkeypatch.setenv('PATH', str(place.parent), prepend=':')
    path = tmp_path / 'a.png'
    path.write_bytes(PROGRAM)
    with pytest.raises((UsageError, OSError), match='PostScript'):
        READERS[reader](str(path))
    assert not (tmp_path / 'ran').exists()
