"""Images in which only some classes were drawn."""

import numpy as np
import pytest

from mmsemi.prepare.labeled_classes import (
    background_of,
    hide_undrawn,
    partly_labeled,
    read_labeled_classes,
)
from mmsemi.utils.errors import UsageError

CLASSES = ('background', 'car', 'tree', 'sign')
NAMES = ('a', 'b/c', 'd.e')
LABELS = np.array([[0, 0, 1], [2, 255, 1]], np.uint8)


@pytest.mark.parametrize(
    'text',
    [
        'a,car,tree\nb/c,sign\n',
        'image,classes\r\na.jpg,car;tree\r\n\r\nb/c.png, sign \r\n',
        '\ufeffImage,Class\na,"car,tree"\n./b/c,sign\n',
        'a,car|tree\nb\\c,sign',
    ],
)
def test_lines_are_read(text, tmp_path) -> None:
    (tmp_path / 'x.csv').write_text(text, newline='')
    found = read_labeled_classes(tmp_path / 'x.csv', NAMES, CLASSES)
    assert found == {'a': frozenset((1, 2)), 'b/c': frozenset((3,))}


@pytest.mark.parametrize(
    'text, message',
    [
        ('z,car\n', "line 1: no image with a mask is called 'z'"),
        ('a,car\nb/c,bus\n', "line 2: there is no class 'bus'"),
        ('a,car\na,tree\n', 'line 2: a was named before'),
        ('image,classes\n', 'no image is named'),
        ('', 'no image is named'),
        (None, 'cannot be read'),
        (b'\xff\xfe\x00a', 'cannot be read'),
    ],
)
def test_what_is_wrong_is_said(text, message, tmp_path) -> None:
    path = tmp_path / 'x.csv'
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=message):
        read_labeled_classes(path, NAMES, CLASSES)


@pytest.mark.parametrize(
    'drawn, hidden',
    [
        ((1, 2), True),
        ((1, 2, 3), False),  # everything
        ((0, 1, 2), False),  # background was drawn
    ],
)
def test_background_becomes_unknown_where_a_class_may_hide(
    drawn, hidden
) -> None:
    before = LABELS.copy()
    found = hide_undrawn(LABELS, frozenset(drawn), CLASSES)
    wanted = LABELS.copy()
    if hidden:
        wanted[wanted == 0] = 255
    assert found.dtype == np.uint8 and np.array_equal(found, wanted)
    found[:] = 7
    assert np.array_equal(LABELS, before)


def test_without_background_nothing_hides() -> None:
    assert background_of(('road', 'car')) is None
    assert background_of(('road', 'Other')) == 1
    found = hide_undrawn(LABELS % 3, frozenset((0, 1, 2)), CLASSES[1:])
    assert np.array_equal(found, LABELS % 3)


def test_a_class_beyond_the_list_is_named() -> None:
    with pytest.raises(UsageError, match='b/c: 2 pixels are car, which was'):
        hide_undrawn(LABELS, frozenset((2,)), CLASSES, 'b/c')


def test_images_that_are_labeled_in_part() -> None:
    known = dict(none=0.0, little=0.1, borders=0.95, whole=1.0)
    assert partly_labeled(known) == ['little']
    assert partly_labeled(known, 0.99) == ['little', 'borders']
