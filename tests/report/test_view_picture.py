import cv2
import numpy as np

from mmsemi.report.round_picture import color_map, hatch
from mmsemi.report.view_picture import draw_views, paint_votes, vote_caption

PALETTE = [[200, 0, 0], [0, 200, 0], [0, 0, 200]]


def test_votes_stand_out_from_the_faded_image():
    votes = np.array([[2, 255], [2, 2]], np.uint8)
    candidates = np.array([[1, 1], [0, 0]], bool)
    image = np.full((4, 4, 3), 100, np.uint8)
    painted = paint_votes(votes, candidates, image, color_map(PALETTE))
    assert painted[0, 0].tolist() == PALETTE[2]
    assert painted[0, 1].tolist() == hatch(2, 2)[0, 1].tolist()
    # Annotated pixels show the image, whatever the view says.
    assert painted[1, 0].tolist() == [201] * 3


def test_captions():
    votes = np.array([[2, 2, 255, 2]], np.uint8)
    truth = np.array([[2, 1, 2, 1]], np.uint8)
    candidates = np.array([[1, 1, 1, 0]], bool)
    assert vote_caption(votes, candidates, truth) == '67% labeled, 50% right'
    unknown = np.full_like(truth, 255)
    assert vote_caption(votes, candidates, unknown) == '67% labeled'
    nothing = np.zeros_like(candidates)
    assert vote_caption(votes, nothing, truth) == '0% labeled'


def test_picture(tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 254, 255], (6, 9)).astype(np.uint8)
    item = dict(
        image=rng.integers(0, 256, (12, 18, 3)).astype(np.uint8),
        labels=labels,
        candidates=labels == 254,
        views=np.full((2, 6, 9), 2, np.uint8),
        agreed=np.full((6, 9), 255, np.uint8),
        truth=np.full((6, 9), 2, np.uint8),
        stem='a' * 50,
    )
    path = tmp_path / 'folder/views.png'
    picture = draw_views(
        path,
        [item, item],
        ['a', 'b', 'c'],
        PALETTE,
        ['as it is', 'mirrored'],
        'heading',
    )
    assert cv2.imread(str(path)).shape == picture.shape
    assert picture.std() > 10
    assert [p.name for p in path.parent.iterdir()] == ['views.png']
