"""The sheet of masks over images."""

import unicodedata

import numpy as np
import pytest

from mmsemi.report.mask_sheet import draw_sheet
from mmsemi.report.round_picture import bare_class


def sheet(name):
    image = np.zeros((6, 8, 3), np.uint8)
    ids = np.eye(6, 8, dtype=np.uint8)
    palette = np.array([[0, 0, 0], [255, 0, 0]], np.uint8)
    return np.asarray(draw_sheet([(name, image, ids)], 'ab', palette))


@pytest.mark.parametrize('one, other', [('ü', 'ő'), ('Ж', 'Ш'), ('λ', 'π')])
def test_letters_of_names_can_be_read(one, other) -> None:
    """A font without them draws the same box for each."""
    assert (sheet(f'bild {one}') != sheet(f'bild {other}')).any()


def test_letters_taken_apart_look_like_whole_ones() -> None:
    apart = unicodedata.normalize('NFD', 'Grün')
    np.testing.assert_array_equal(sheet(apart), sheet('Grün'))


@pytest.mark.parametrize(
    'classes, colors, bare',
    [
        (['sky', 'Background'], [0, 9], 1),
        (['_background_', 'a'], [7, 9], 0),
        (['Hintergrund', 'Zelle'], [0, 9], 0),  # black over a photo hides it
        (['Zelle', 'Hintergrund'], [9, 8], -1),
        (['sky', 'road', 'car'], [0, 8, 9], -1),  # may well be a class
    ],
)
def test_photos_are_not_darkened_by_the_background(
    classes, colors, bare
) -> None:
    palette = np.repeat(np.array(colors)[:, None], 3, 1)
    assert bare_class(classes, palette) == bare
