import os

import cv2
import numpy as np
import pytest
from PIL import Image

from mmsemi.prepare import conversion
from mmsemi.utils.errors import UsageError
from tests.tools.test_split_tools import Tool

gta5, synthia = Tool('gta5'), Tool('synthia')
STEMS = ['00001', '00002', '00003']


@pytest.fixture
def game(tmp_path):
    """Three frames, the last one larger; masks in palette mode as released."""
    root = tmp_path / 'download'
    for folder in ('images', 'labels'):
        (root / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for stem, size in zip(STEMS, [(8, 12), (8, 12), (16, 24)]):
        ids = rng.integers(0, 35, size).astype(np.uint8)
        mask = Image.fromarray(ids)
        mask.putpalette(bytes(range(256)) * 3)
        mask.save(root / f'labels/{stem}.png')
        image = rng.integers(0, 255, (*size, 3)).astype(np.uint8)
        cv2.imwrite(str(root / f'images/{stem}.png'), image)
    return root


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def test_gta5(game, tmp_path, capsys):
    out = tmp_path / 'gta5'
    gta5.main([str(game), str(out), '--size', '12', '8'])
    assert (out / 'train.txt').read_text().split() == STEMS
    assert '3 images' in capsys.readouterr().out
    for stem in STEMS:
        image = read(out / f'images/{stem}.png')
        labels = read(out / f'labels/{stem}_labelTrainIds.png')
        assert image.shape == (8, 12, 3) and image.dtype == np.uint8
        with Image.open(game / f'labels/{stem}.png') as mask:
            ids = np.array(mask)
        if stem == STEMS[2]:
            ids = ids[::2, ::2]
        # Two of the ids, and one that is no class.
        for old, new in ((7, 0), (33, 18), (34, 255), (0, 255)):
            assert (labels[ids == old] == new).all()
        assert ((ids == 26) == (labels == 13)).all()
    np.testing.assert_array_equal(
        read(out / 'images/00001.png'), read(game / 'images/00001.png')
    )
    assert not list(out.rglob('*.partial'))


def test_an_interrupted_conversion_goes_on(game, tmp_path, monkeypatch):
    out = tmp_path / 'gta5'
    args = [str(game), str(out), '--size', '12', '8', '--workers', '1']
    replace = os.replace

    def dies(source, target):
        if str(target).endswith('images/00002.png'):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(conversion.os, 'replace', dies)
    with pytest.raises(KeyboardInterrupt):
        gta5.main(args)
    monkeypatch.undo()
    assert not (out / 'train.txt').exists()
    assert not (out / 'images/00002.png').exists()
    first = (out / 'labels/00001_labelTrainIds.png').stat().st_mtime_ns
    gta5.main(args)
    assert (out / 'images/00002.png').exists()
    assert (out / 'labels/00001_labelTrainIds.png').stat().st_mtime_ns == first
    assert not list(out.rglob('*.partial'))


def test_another_conversion_is_not_mixed_in(game, tmp_path):
    out = tmp_path / 'gta5'
    gta5.main([str(game), str(out), '--size', '12', '8'])
    with pytest.raises(
        UsageError,
        match=r'00001.png \(and 5 more\) exists '
        r'and was made with .*12, 8.*--overwrite',
    ):
        gta5.main([str(game), str(out), '--size', '6', '4'])
    gta5.main([str(game), str(out), '--size', '6', '4', '--overwrite'])
    assert read(out / 'images/00001.png').shape == (4, 6, 3)
    with pytest.raises(UsageError, match='holds the originals'):
        gta5.main([str(game), str(game)])


@pytest.mark.parametrize('overwrite', [False, True])
@pytest.mark.parametrize('folder', ['images', 'labels'])
def test_nothing_is_replaced_behind_a_link(
    game, tmp_path, folder, overwrite
) -> None:
    """Least of all the originals."""
    out, other = tmp_path / 'out', tmp_path / 'other'
    out.mkdir()
    other.mkdir()
    words = [str(game), str(out), *['--overwrite'] * overwrite]
    for target in (game / folder, other):
        (out / folder).symlink_to(target)
        before = {path: path.read_bytes() for path in game.rglob('*.png')}
        with pytest.raises(UsageError, match='outside.*Remove the link'):
            gta5.main(words)
        assert before == {p: p.read_bytes() for p in game.rglob('*.png')}
        assert not list(other.iterdir())
        (out / folder).unlink()


def test_bad_files(game, tmp_path, capsys):
    out = tmp_path / 'gta5'
    args = [str(game), str(out), '--size', '12', '8']
    Image.new('P', (5, 8)).save(game / 'labels/00002.png')
    with pytest.raises(
        UsageError, match='00002.png: mask of 5x8, image of 12x8.*--skip-bad'
    ):
        gta5.main(args)
    assert not out.exists()
    gta5.main(args + ['--skip-bad'])
    assert (out / 'train.txt').read_text().split() == ['00001', '00003']
    assert not (out / 'images/00002.png').exists()
    printed = capsys.readouterr().out
    assert 'left out' in printed and '2 images, 1 left out' in printed
    (game / 'labels/00002.png').unlink()
    with pytest.raises(UsageError, match='labels/00002.png: mask missing'):
        gta5.main(args)


@pytest.mark.parametrize(
    'array, message',
    [
        (np.full((8, 12), 255, np.uint8), 'value 255'),
        (np.zeros((8, 12, 3), np.uint8), '3 channels'),
    ],
)
def test_masks_that_are_not_label_ids(game, tmp_path, array, message):
    cv2.imwrite(str(game / 'labels/00001.png'), array)
    with pytest.raises(UsageError, match=f'00001.png: {message}'):
        gta5.main([str(game), str(tmp_path / 'gta5')])


@pytest.mark.parametrize('lane', ['ignore', 'road'])
def test_synthia(tmp_path, lane):
    root, out = tmp_path / 'download', tmp_path / 'synthia'
    for folder in ('RGB', 'GT/LABELS'):
        (root / folder).mkdir(parents=True)
    cv2.imwrite(str(root / 'RGB/0000000.png'), np.zeros((4, 6, 3), np.uint8))
    ids = np.arange(24).reshape(4, 6) % 23
    labels = np.stack([ids * 0, ids + 500, ids], -1).astype(np.uint16)
    cv2.imwrite(str(root / 'GT/LABELS/0000000.png'), labels)
    synthia.main([str(root), str(out), '--lane-marking', lane])
    found = read(out / 'GT/LABELS/0000000_labelTrainIds.png')
    assert found.dtype == np.uint8 and found.shape == (4, 6)
    for old, new in ((3, 0), (1, 10), (12, 17), (11, 18), (0, 255), (14, 255)):
        assert (found[ids == old] == new).all()
    assert found[ids == 22] == (255 if lane == 'ignore' else 0)
    assert read(out / 'RGB/0000000.png').shape == (4, 6, 3)
    with pytest.raises(UsageError, match='was made with'):
        synthia.main([str(root), str(out), '--size', '12', '8'])
