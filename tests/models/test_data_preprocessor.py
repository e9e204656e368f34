import pytest
import torch

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


def test_nothing_of_it_enters_checkpoints() -> None:
    assert not MODELS.build(CFG).state_dict()
