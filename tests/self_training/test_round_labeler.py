"""Labelers that a run in rounds cannot use are refused in one sentence."""

import pytest

from mmsemi.models.pseudo_labelers import FixedThresholdPseudoLabeler
from mmsemi.self_training.round_labeler import round_labeler, round_labelers
from mmsemi.utils.errors import UsageError


def test_settings_of_the_base_config():
    """A labeler without `rule` in the place of one that has it."""
    merged = dict(type='FixedThresholdPseudoLabeler', rule='argmax', stride=4)
    with pytest.raises(UsageError) as error:
        round_labeler(merged, 'ab')
    said = str(error.value)
    assert 'hooks.labeling.labeler: FixedThresholdPseudoLabeler' in said
    assert 'has no rule, stride, it takes threshold. ' in said
    assert '_delete_=True' in said


def test_labelers_of_single_batches():
    with pytest.raises(UsageError) as error:
        round_labeler(dict(type='ConfidencePseudoLabeler', rule='a'), 'ab')
    said = str(error.value)
    assert 'ConfidencePseudoLabeler does not serve a run in rounds' in said
    assert ', '.join(round_labelers()) in said
    assert 'CBSTPseudoLabeler' in said and 'Confidence' not in said[70:]


@pytest.mark.parametrize('by_class', [False, True])
def test_what_it_takes(by_class):
    kind = FixedThresholdPseudoLabeler
    named = kind if by_class else kind.__name__
    labeler = round_labeler(dict(type=named, threshold=0.7), ('a', 'b', 'c'))
    assert isinstance(labeler, kind)
    assert (labeler.num_classes, labeler.threshold) == (3, 0.7)
