"""Labels of seen, unseen, background and void pixels."""

import numpy as np
import pytest

from mmsemi.registry import TRANSFORMS
from mmsemi.utils.errors import UsageError

FILES = ['background', 'cat', 'dog', 'horse', 'sheep', 'lamp']
MASK = np.array([[0, 1, 2, 3, 4, 5, 77, 255]], np.uint8)


def mapped(classes, num_seen=2, mask=MASK, **kwargs):
    transform = TRANSFORMS.build(
        dict(
            type='MapZeroLabels',
            file_classes=FILES,
            classes=classes,
            num_seen=num_seen,
            **kwargs,
        )
    )
    item = dict(gt_seg_map=mask, label_map=None, reduce_zero_label=False)
    result = transform(item)['gt_seg_map']
    assert result.dtype == np.uint8 and result.shape == mask.shape
    return result[0].tolist()


def test_unlabeled_and_ignored_pixels_are_kept_apart():
    classes = ('dog', 'cat', 'sheep', 'horse')
    assert mapped(classes) == [254, 1, 0, 254, 254, 255, 255, 255]
    assert mapped(classes, background='ignore')[0] == 255
    # As published: whatever has no label may get a pseudo-label.
    assert mapped(classes, merge_ignore=True) == [
        254,
        1,
        0,
        254,
        254,
        254,
        254,
        254,
    ]
    assert mapped(classes, evaluate=True) == [255, 1, 0, 3, 2, 255, 255, 255]


def test_background_as_a_class_takes_the_unseen_ones_in():
    classes = ('background', 'cat', 'dog', 'horse', 'sheep')
    for merge in (False, True):
        assert mapped(classes, 3, merge_ignore=merge) == [
            0,
            1,
            2,
            0,
            0,
            255,
            255,
            255,
        ]
    assert mapped(classes, 3, evaluate=True) == [0, 1, 2, 3, 4, 255, 255, 255]


def test_padding_behind_the_image_is_ignored_or_merged():
    classes = ('dog', 'cat', 'sheep')
    padded = np.full((1, 3), 255, np.uint8)
    assert mapped(classes, mask=padded) == [255] * 3
    assert mapped(classes, mask=padded, merge_ignore=True) == [254] * 3


def test_renumbering_by_the_dataset_is_refused():
    transform = TRANSFORMS.build(
        dict(
            type='MapZeroLabels',
            file_classes=FILES,
            classes=('cat', 'sheep'),
            num_seen=1,
        )
    )
    for changed in (
        dict(label_map={1: 0, 4: 1}),
        dict(reduce_zero_label=True),
    ):
        with pytest.raises(UsageError, match='renumbered'):
            transform(dict(gt_seg_map=MASK, seg_map_path='a.png', **changed))


@pytest.mark.parametrize(
    'classes, num_seen, words',
    [
        (('cat', 'cat', 'dog'), 1, 'cat is named twice'),
        (('cat', 'unicorn'), 1, 'no id in the mask files for unicorn'),
        (('cat', 'background'), 1, 'comes first'),
        (('cat', 'dog'), 0, 'at least one'),
        (('cat', 'dog'), 3, 'num_seen=3'),
    ],
)
def test_names_that_do_not_fit(classes, num_seen, words):
    with pytest.raises(UsageError, match=words):
        mapped(classes, num_seen)


def test_guard_against_unseen_ids():
    from mmsemi.datasets.transforms.zero_label import check_no_unseen

    check_no_unseen(np.array([0, 1, 254, 255]), 2)
    with pytest.raises(UsageError, match=r'id \[2\], but only 0\.\.1'):
        check_no_unseen(np.array([[0, 2], [254, 255]]), 2)
