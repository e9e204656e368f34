import copy

import pytest
import torch

from mmsemi.models.pseudo_labelers import OnlineClassBalancedPseudoLabeler
from mmsemi.models.weights import load_weights
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError

C = 3
ARGMAX = dict(type='ClassBalancedPseudoLabeler')


def build(labeler=ARGMAX, **kwargs):
    return OnlineClassBalancedPseudoLabeler(
        labeler, C, **dict(dict(portion=0.5, momentum=0.5), **kwargs)
    ).train()


def batch(seed, shape=(2, C, 16, 16), scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(shape, generator=generator)).softmax(1)


@pytest.mark.parametrize('kind', ['argmax', 'cbst'])
def test_first_batch_is_that_of_the_labeler_itself(kind) -> None:
    """On one batch, the rule of rounds with that batch as the whole set."""
    labeler = dict(
        argmax=dict(ARGMAX, rule='argmax'),
        cbst=dict(type='CBSTPseudoLabeler', ds_rate=1),
    )[kind]
    probabilities = batch(0)
    ours = build(labeler)(probabilities)
    from mmsemi.pseudo_labels.statistics import ConfidenceHistogram

    rounds = MODELS.build(dict(labeler, num_classes=C))
    statistics = ConfidenceHistogram(C)
    rounds.collect(statistics, probabilities)
    rounds.fit(statistics, 0.5)
    theirs = rounds(probabilities)
    # Averaged counts have a fraction: a pixel at the threshold may differ.
    kept = theirs.labels != 255
    assert (ours.weights != kept.float()).sum() <= C
    assert torch.equal(ours.labels[kept], theirs.labels[kept])
    assert torch.equal(ours.labels[~kept], probabilities.argmax(1)[~kept])
    assert 0.4 < ours.weights.mean() < 0.6


def test_every_class_keeps_its_portion() -> None:
    """Also one that is never sure; a common threshold keeps none of it."""
    probabilities = batch(1)
    top = probabilities.argmax(1, keepdim=True)
    unsure = torch.full_like(probabilities, 0.3).scatter(1, top, 0.4)
    unsure = unsure + 0.01 * batch(2)
    unsure /= unsure.sum(1, keepdim=True)
    probabilities = torch.where(top == 2, unsure, probabilities)
    result = build()(probabilities)
    predicted = probabilities.argmax(1)
    for c in range(C):
        share = result.weights[predicted == c].mean().item()
        assert share == pytest.approx(0.5, abs=0.05), c
    confident = MODELS.build(
        dict(type='ConfidencePseudoLabeler', threshold=0.5)
    )(probabilities)
    assert confident.weights[predicted == 2].sum() == 0


def test_thresholds_move_and_outlive_an_absent_class() -> None:
    labeler = build()
    labeler(batch(3))
    first = labeler.labeler.thresholds.clone()
    only = torch.zeros(1, C, 16, 16)
    only[:, 0], only[:, 1] = 0.9, 0.1
    for _ in range(3):
        result = labeler(only)
    assert labeler.labeler.thresholds[0] != first[0]
    torch.testing.assert_close(
        labeler.labeler.thresholds[1:], first[1:], atol=2e-3, rtol=0
    )
    assert torch.isfinite(result.weights).all()
    # A model that is tested does not learn.
    before = copy.deepcopy(labeler.state_dict())
    labeler.eval()(batch(4))
    for key, value in labeler.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_goes_on_from_a_checkpoint() -> None:
    one = build()
    for seed in range(3):
        one(batch(seed))
    other = build()
    other.load_state_dict(one.state_dict())
    a, b = one(batch(9)), other(batch(9))
    assert torch.equal(a.labels, b.labels)


def test_a_class_that_was_never_predicted_is_no_divergence() -> None:
    """Its threshold is infinite, on purpose, and is loaded again."""
    one = build(dict(ARGMAX, rule='scaled'))
    probabilities = batch(0)
    probabilities[:, 2] = 0
    one(probabilities)
    state = one.state_dict()
    assert state['labeler.thresholds'][2] == float('inf')
    other = build(dict(ARGMAX, rule='scaled'))
    load_weights(other, state, 'a.pth')
    assert torch.equal(other.labeler.thresholds, one.labeler.thresholds)
    state['labeler.thresholds'][2] = float('nan')
    with pytest.raises(UsageError, match='labeler.thresholds'):
        load_weights(other, state, 'a.pth')


def test_padding_does_not_count() -> None:
    probabilities = batch(5)
    valid = torch.ones(2, 16, 16, dtype=torch.bool)
    valid[:, :, 8:] = False
    padded = probabilities.clone()
    padded[:, :, :, 8:] = torch.tensor([0.98, 0.01, 0.01]).view(1, 3, 1, 1)
    ours = build()
    ours(padded, valid)
    cut = build()
    cut(probabilities[..., :8].contiguous())
    assert torch.equal(ours.labeler.thresholds, cut.labeler.thresholds)


def test_bad_arguments() -> None:
    for bad in (dict(portion=0), dict(portion=1.5), dict(momentum=0)):
        with pytest.raises(ValueError, match='lie in'):
            build(**bad)


def test_half_precision() -> None:
    result = build()(batch(6).bfloat16())
    assert result.confidence.dtype == torch.float32
    assert result.weights.mean() > 0.3


@pytest.mark.parametrize('rule', ['argmax', 'scaled'])
def test_first_step_in_parts_keeps_nothing_before_its_end(rule) -> None:
    """Thresholds of 0 would keep all, and divide by 0."""
    labeler = build(dict(ARGMAX, rule=rule))
    labeler.set_part(0, 2)
    first = labeler(batch(0))
    assert not first.weights.any()
    assert torch.equal(first.labels, batch(0).argmax(1))
    labeler.set_part(1, 2)
    assert 0.4 < labeler(batch(1)).weights.mean() < 0.6
