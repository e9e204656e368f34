import cv2
import numpy as np
import pytest

from mmsemi.report import draw_rounds
from mmsemi.report.round_picture import (
    caption,
    classes_shown,
    color_map,
    hatch,
    image_miou,
    paint,
)

PALETTE = [[200, 0, 0], [0, 200, 0], [0, 0, 200]]


def test_confident_labels_are_strong_and_missing_ones_striped():
    labels = np.array([[0, 1], [2, 255]], np.uint8)
    confidence = np.array([[1, 0.5], [0, 1]], np.float16)
    painted = paint(labels, color_map(PALETTE), confidence)
    assert painted[0, 0].tolist() == [200, 0, 0]
    assert painted[0, 1].tolist() == [89, 219, 89]
    assert painted[1, 0].tolist() == [178, 178, 238]
    assert painted[1, 1].tolist() == hatch(2, 2)[1, 1].tolist()
    assert len(set(painted[1, 1])) == 1


def test_miou_of_an_image():
    truth = np.array([[0, 0, 1, 255]], np.uint8)
    labels = np.array([[0, 1, 1, 2]], np.uint8)
    assert image_miou(labels, truth) == pytest.approx(50)
    assert image_miou(truth, truth) == 100
    assert np.isnan(image_miou(labels, np.full_like(truth, 255)))


def test_captions():
    truth = np.array([[0, 0, 1, 1]], np.uint8)
    item = dict(
        truth=truth,
        before=1 - truth,
        after=truth,
        pseudo=np.array([[0, 1, 255, 255]], np.uint8),
        stem='a' * 50,
    )
    assert caption(item, 'before') == 'mIoU 0.0'
    assert caption(item, 'after') == 'mIoU 100.0 (+100.0)'
    assert caption(item, 'pseudo') == '50% kept, 50.0% right'
    assert len(caption(item, 'image')) == 36
    del item['truth']
    assert caption(item, 'after') == ''
    assert caption(item, 'pseudo') == '50% kept'


@pytest.mark.parametrize(
    'columns',
    [('image', 'truth', 'before', 'after', 'pseudo'), ('image', 'after')],
)
@pytest.mark.parametrize('size', [(40, 60), (60, 20)])
def test_picture(tmp_path, columns, size):
    rng = np.random.default_rng(0)
    images = []
    for _ in range(2):
        item = {
            key: rng.integers(0, 2, size).astype(np.uint8) for key in columns
        }
        item['image'] = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
        images.append(item)
    if 'truth' in columns:
        del images[1]['truth']
    path = tmp_path / 'folder/picture.png'
    picture = draw_rounds(
        path,
        images,
        ('sky', 'sea', 'land'),
        PALETTE,
        {key: key for key in columns},
        'heading',
    )
    stored = cv2.imread(str(path))[..., ::-1]
    assert stored.shape == picture.shape
    assert np.abs(stored.astype(int) - picture).mean() < 1
    assert not list(path.parent.glob('*.partial'))
    for color in PALETTE[:2]:
        assert (picture == color).all(2).sum() > 100
    assert classes_shown(images, columns, 'abc') == [0, 1]
