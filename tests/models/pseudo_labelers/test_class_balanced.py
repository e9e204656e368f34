"""What the class-balanced labelers share: sampling, and maxima by rows."""

import pytest
import torch

from mmsemi.models.pseudo_labelers import (
    CBSTPseudoLabeler,
    ClassBalancedPseudoLabeler,
    LRENTPseudoLabeler,
)
from mmsemi.models.pseudo_labelers.class_balanced import every_nth_pixel
from mmsemi.pseudo_labels.statistics import ConfidencePool


def maps(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=generator).mul(3).softmax(1)


@pytest.mark.parametrize('shape', [(1, 3, 7, 9), (3, 4, 5, 7), (2, 2, 8, 8)])
@pytest.mark.parametrize('n', [2, 5, 16])
def test_every_nth_pixel_of_the_flattened_batch(shape, n):
    x = maps(*shape)
    expected = x.movedim(1, 0).flatten(1)[:, ::n]
    assert torch.equal(every_nth_pixel(x, n)[0, :, 0], expected)
    valid = x[:, 0] > 0.2
    expected = x.movedim(1, 0)[:, valid][:, ::n]
    assert torch.equal(every_nth_pixel(x, n, valid)[0, :, 0], expected)


@pytest.mark.parametrize('padded', [False, True])
def test_a_sample_is_that_of_all_predictions(padded):
    x = maps(3, 4, 20, 13)
    valid = x[:, 0] > 0.1 if padded else None
    pool = ConfidencePool(4)
    labeler = ClassBalancedPseudoLabeler(4, 'scaled', stride=7)
    assert labeler.collect(pool, x, valid) is None
    confidence, labels = x.max(1)
    mask = (
        torch.ones_like(labels, dtype=torch.bool) if valid is None else valid
    )
    expected = ConfidencePool(4)
    expected.update(confidence[mask][::7], labels[mask][::7])
    assert torch.equal(pool.counts(), expected.counts())
    k = pool.counts() // 2 + 1
    assert torch.equal(pool.kth_highest(k), expected.kth_highest(k))


def test_rules_of_one_pass_give_what_they_predict():
    x = maps(2, 4, 20, 13)
    for labeler in (
        ClassBalancedPseudoLabeler(4, stride=7),
        CBSTPseudoLabeler(4, per_class=False),
    ):
        assert labeler.one_pass
        confidence, labels = labeler.collect(ConfidencePool(4), x)
        assert torch.equal(confidence, x.max(1).values)
        assert torch.equal(labels, x.max(1).indices)


def test_labels_by_rows_are_those_of_whole_maps():
    """Taller than a piece, and not a multiple of it."""
    x = maps(2, 5, 37, 6)
    thresholds = torch.tensor([0.9, 0.3, 0.5, 0.05, 0.7])
    quotient = x / thresholds[:, None, None]
    score, expected = quotient.max(1)
    expected = expected.masked_fill(score < 1, 255)
    for labeler in (
        ClassBalancedPseudoLabeler(5, 'scaled'),
        CBSTPseudoLabeler(5),
    ):
        labeler.thresholds = thresholds
        found = labeler(x)
        assert torch.equal(found.labels, expected)
        assert torch.equal(found.confidence, x.amax(1))
    labeler = LRENTPseudoLabeler(5, alpha=0.25)
    labeler.thresholds = thresholds
    found, z = labeler(x), quotient.log() / 0.25
    torch.testing.assert_close(found.soft, z.softmax(1))
    kept = z.logsumexp(1) > 0
    assert torch.equal(found.labels, z.argmax(1).masked_fill(~kept, 255))
