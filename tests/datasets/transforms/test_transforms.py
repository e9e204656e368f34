import numpy as np
import pytest

from mmsemi.datasets.transforms.labels import lookup_table
from mmsemi.registry import TRANSFORMS

PACK = dict(type='PackSemiInputs')


def item(height=6, width=8, **kwargs):
    rng = np.random.default_rng(0)
    shape = (height, width)
    return dict(
        img=rng.integers(0, 255, (*shape, 3)).astype(np.uint8),
        gt_seg_map=rng.integers(0, 5, shape).astype(np.uint8),
        gt_confidence=rng.random(shape, dtype=np.float32),
        seg_fields=['gt_seg_map', 'gt_confidence'],
        ori_shape=shape,
        img_shape=shape,
        **kwargs,
    )


def test_branches_do_not_share_the_item():
    transform = TRANSFORMS.build(
        dict(
            type='MultiBranch',
            unsup_teacher=PACK,
            unsup_student=[dict(type='RandomFlip', prob=1.0), PACK],
        )
    )
    result = transform(item())
    assert list(result['inputs']) == ['unsup_teacher', 'unsup_student']
    teacher, student = (
        result['inputs'][name] for name in ('unsup_teacher', 'unsup_student')
    )
    assert (student.flip(-1) == teacher).all()
    maps = result['data_samples']
    assert (
        maps['unsup_student'].gt_confidence.data.flip(-1)
        == maps['unsup_teacher'].gt_confidence.data
    ).all()


def test_branch_without_result_drops_the_item():
    transform = TRANSFORMS.build(dict(type='MultiBranch', sup=PACK))
    transform.branches['sup'].transforms = [lambda results: None]
    assert transform(item()) is None


def test_equal_views_are_made_once():
    """Views that draw nothing share tensors, but not their samples."""
    flip = dict(type='RandomFlip', prob=0.5)
    transform = TRANSFORMS.build(
        dict(
            type='MultiBranch',
            unsup_teacher=PACK,
            unsup_student=PACK,
            unsup_student_2=[flip, PACK],
            unsup_student_3=[flip, PACK],
        )
    )
    result = transform(item())
    first, second, third, fourth = result['inputs'].values()
    assert first is second and third is not first and fourth is not third
    one, two = list(result['data_samples'].values())[:2]
    assert one.gt_confidence.data is two.gt_confidence.data
    one.gt_confidence.data = one.gt_confidence.data * 0
    assert two.gt_confidence.data.any()
    one.set_metainfo(dict(img_shape=(1, 1)))
    assert two.img_shape == (6, 8)


def test_no_branch():
    with pytest.raises(ValueError, match='no branch'):
        TRANSFORMS.build(dict(type='MultiBranch'))


def test_packing_without_confidence_and_padding():
    sample = TRANSFORMS.build(PACK)(item(is_pseudo=True))['data_samples']
    assert sample.gt_confidence.shape == (6, 8) and sample.is_pseudo
    plain = item()
    plain.pop('gt_confidence')
    sample = TRANSFORMS.build(PACK)(plain)['data_samples']
    assert 'gt_confidence' not in sample
    assert 'img_padding_size' not in sample.metainfo


def test_random_scale_keeps_proportions(monkeypatch):
    transform = TRANSFORMS.build(
        dict(type='RandomScale', ratio_range=(0.5, 1.5))
    )
    sizes = set()
    for _ in range(50):
        result = transform(item(40, 60))
        height, width = result['img'].shape[:2]
        assert 20 <= height <= 60 and abs(width - 1.5 * height) < 2.5
        assert result['gt_seg_map'].shape == (height, width)
        assert result['gt_confidence'].shape == (height, width)
        assert result['img_shape'] == (height, width)
        sizes.add(height)
    assert len(sizes) > 10
    monkeypatch.setattr(np.random, 'uniform', lambda low, high: 0.77)
    assert transform(item(41, 59))['img'].shape == (31, 45, 3)


@pytest.mark.parametrize('size', [(1, 1), (1, 40), (40, 1)])
def test_a_pixel_remains_a_pixel_at_any_scale(size):
    transform = TRANSFORMS.build(
        dict(type='RandomScale', ratio_range=(0.5, 0.6))
    )
    result = transform(item(*size))
    expected = [1 if side == 1 else side // 2 for side in size]
    for side, least in zip(result['img'].shape, expected):
        assert least <= side <= 1.2 * least
    assert result['gt_seg_map'].shape == result['img'].shape[:2]


def test_pad_fills_and_records():
    transform = TRANSFORMS.build(dict(type='PadSegFields', size=(8, 8)))
    before = item()
    result = transform(item())
    assert (result['img'][:6] == before['img']).all()
    assert (result['img'][6:] == 0).all()
    assert (result['gt_seg_map'][6:] == 255).all()
    assert (result['gt_confidence'][6:] == 0).all()
    assert result['img_padding_size'] == (0, 0, 0, 2)
    assert result['img_shape'] == result['pad_shape'] == (8, 8)
    large = transform(item(9, 12))
    assert large['img'].shape == (9, 12, 3)
    assert large['img_padding_size'] == (0, 0, 0, 0)
    other = TRANSFORMS.build(
        dict(
            type='PadSegFields',
            size=10,
            pad_val=7,
            seg_pad_val=9,
            field_pad_val=dict(x=1),
        )
    )
    result = other(item())
    assert (result['img'][:, 8:] == 7).all()
    assert (result['gt_confidence'][6:] == 9).all()


def test_no_class_has_a_share_of_padding():
    """Whatever the number of classes."""
    transform = TRANSFORMS.build(dict(type='PadSegFields', size=(8, 8)))
    for classes in (3, 6):
        soft = np.full((6, 8, classes), 80, np.uint8)
        data = dict(item(), soft=soft, seg_fields=['gt_seg_map', 'soft'])
        result = transform(data)
        assert (result['soft'][:6] == 80).all()
        assert result['soft'].shape == (8, 8, classes)
        assert (result['soft'][6:] == 0).all()


def test_set_ori_shape():
    result = item(12, 16)
    result = TRANSFORMS.build(dict(type='Resize', scale=(8, 6)))(result)
    result = TRANSFORMS.build(dict(type='SetOriShape'))(result)
    assert result['ori_shape'] == (6, 8)


def test_torch_resize_keeps_ratio_too():
    transform = TRANSFORMS.build(
        dict(type='TorchResize', scale=(30, 30), keep_ratio=True)
    )
    result = transform(item(40, 60))
    assert result['img'].shape == (20, 30, 3)
    assert result['gt_seg_map'].shape == (20, 30)


def test_label_tables():
    table = lookup_table([3, 255])
    assert table[0] == 3 and (table[1:] == 255).all()
    with pytest.raises(ValueError, match='voc'):
        lookup_table('voc')
