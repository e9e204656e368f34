from unittest.mock import Mock

import pytest
import torch

from mmsemi.models.data_preprocessor import at_once
from mmsemi.ops.samples import around_same_maps
from mmsemi.registry import MODELS
from tests.models.tiny import batch, tiny_student

CFG = dict(
    type='MultiBranchDataPreprocessor',
    data_preprocessor=tiny_student()['data_preprocessor'],
)


def test_each_branch_is_stacked_and_padded_with_its_confidence() -> None:
    data = batch(dict(sup=2, pseudo=3), size=(24, 30), confidence=True)
    labels = data['data_samples']['pseudo'][1].gt_sem_seg.data.clone()
    confidence = data['data_samples']['pseudo'][1].gt_confidence.data.clone()
    out = MODELS.build(CFG)(data, training=True)
    assert out['inputs']['sup'].shape == (2, 3, 32, 32)
    assert out['inputs']['pseudo'].shape == (3, 3, 32, 32)
    for sample in out['data_samples']['sup']:
        assert 'gt_confidence' not in sample
    sample = out['data_samples']['pseudo'][1]
    torch.testing.assert_close(sample.gt_sem_seg.data[:, :24, :30], labels)
    assert (sample.gt_sem_seg.data[:, 24:] == 255).all()
    torch.testing.assert_close(
        sample.gt_confidence.data[:, :24, :30], confidence
    )
    assert sample.gt_confidence.shape == (32, 32)
    assert not sample.gt_confidence.data[:, :, 30:].any()


def test_absent_samples_and_branches_are_left_out() -> None:
    """Collation keeps None where an item has no such branch."""
    data = batch(dict(sup=2, pseudo=2))
    for part in data.values():
        part['sup'] = [None, part['sup'][0], None]
        part['pseudo'] = [None, None]
    out = MODELS.build(CFG)(data, training=True)
    assert list(out['inputs']) == list(out['data_samples']) == ['sup']
    assert len(out['inputs']['sup']) == len(out['data_samples']['sup']) == 1
    for part in data.values():
        part['sup'] = [None]
    with pytest.raises(ValueError, match='MultiBranch'):
        MODELS.build(CFG)(data, training=True)


@pytest.mark.parametrize('training', [True, False])
def test_plain_batches_pass_to_the_inner_one(training) -> None:
    def plain():
        data = batch(dict(sup=2))
        return {key: value['sup'] for key, value in data.items()}

    outer = MODELS.build(CFG)
    inner = MODELS.build(CFG['data_preprocessor'])
    torch.testing.assert_close(
        outer(plain(), training)['inputs'], inner(plain(), training)['inputs']
    )
    # Normalization is that of the config: RGB from BGR, divided by 255.
    got = outer(plain(), training)['inputs']
    torch.testing.assert_close(
        got[0], plain()['inputs'][0].float().flip(0) / 255
    )


def test_without_labels() -> None:
    data = batch(dict(unsup_teacher=2))
    out = MODELS.build(CFG)(dict(inputs=data['inputs']), training=False)
    assert out['inputs']['unsup_teacher'].shape == (2, 3, 32, 32)
    assert out['data_samples']['unsup_teacher'] is None


def views(same_maps: bool = True) -> dict:
    """A batch whose two views share their images, as MultiBranch makes it."""
    data = batch(dict(unsup_teacher=2, unsup_student=2), size=(24, 30))
    data['inputs']['unsup_student'] = list(data['inputs']['unsup_teacher'])
    if same_maps:
        data['data_samples']['unsup_student'] = [
            around_same_maps(sample)
            for sample in data['data_samples']['unsup_teacher']
        ]
    return data


@pytest.mark.parametrize('same_maps', [True, False])
def test_equal_views_are_normalized_once(same_maps, monkeypatch) -> None:
    model = MODELS.build(CFG)
    normalize = Mock(wraps=model.data_preprocessor.forward)
    monkeypatch.setattr(model.data_preprocessor, 'forward', normalize)
    data = views(same_maps)
    labels = [
        sample.gt_sem_seg.data.clone()
        for sample in data['data_samples']['unsup_student']
    ]
    out = model(data, training=True)
    # Views of other maps are made as ever.
    assert normalize.call_count == 2 - same_maps
    first, second = out['inputs'].values()
    assert torch.equal(first, second)
    weak, strong = out['data_samples'].values()
    for given, sample in zip(labels, strong, strict=True):
        assert torch.equal(sample.gt_sem_seg.data[:, :24, :30], given)
        assert (sample.gt_sem_seg.data[:, 24:] == 255).all()
    # What is noted in one view is not in the other.
    strong[0].set_metainfo(dict(noted=True))
    strong[0].gt_sem_seg.more = labels[0].new_zeros(1, 32, 32)
    assert 'noted' not in weak[0] and 'more' not in weak[0].gt_sem_seg


@pytest.mark.parametrize(
    'inner',
    [
        CFG['data_preprocessor'],
        dict(type='mmseg.SegDataPreProcessor', size=(32, 32)),
        dict(
            type='BandsDataPreprocessor',
            mean=(1.0, 2.0, 3.0),
            std=(0.3, 70.0, 11.0),
            size=(32, 32),
        ),
    ],
)
@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    ('size', 'whole'), [((32, 32), True), ((40, 33), True), ((33, 31), False)]
)
def test_images_taken_at_once_are_those_taken_singly(
    inner, dtype, size, whole
) -> None:
    def part() -> dict:
        torch.manual_seed(0)
        data = batch(dict(sup=3), size=size)
        images = [(255 * torch.rand(3, *size)).to(dtype) for _ in range(3)]
        return dict(inputs=images, data_samples=data['data_samples']['sup'])

    model = MODELS.build(inner)
    given = part()
    kept = [image.clone() for image in given['inputs']]
    made, expected = at_once(model, given), model(part(), True)
    assert (made is not None) == whole
    if made is None:
        return
    assert torch.equal(made['inputs'], expected['inputs'])
    for one, other in zip(
        made['data_samples'], expected['data_samples'], strict=True
    ):
        assert one.metainfo == other.metainfo
        assert torch.equal(one.gt_sem_seg.data, other.gt_sem_seg.data)
    # Images of the loader may be shared, and stay what they are.
    for image, before in zip(given['inputs'], kept, strict=True):
        assert torch.equal(image, before)


def test_nothing_of_it_enters_checkpoints() -> None:
    assert not MODELS.build(CFG).state_dict()
