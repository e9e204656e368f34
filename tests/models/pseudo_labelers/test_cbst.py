"""Properties of the rules of ST, CBST, CBST-SP and LRENT."""

import numpy as np
import pytest
import torch

from mmsemi.models.pseudo_labelers import (
    CBSTPseudoLabeler,
    LRENTPseudoLabeler,
    rare_classes,
)
from mmsemi.models.pseudo_labelers.cbst import every_nth_of_group
from mmsemi.ops.maps import max_over_classes
from mmsemi.pseudo_labels.statistics import ConfidenceHistogram, ConfidencePool
from mmsemi.utils.errors import UsageError

C = 5


def maps(n=2, size=(12, 17), seed=0, scale=3.0):
    g = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(n, C, *size, generator=g)).softmax(1)


def fitted(labeler, probabilities, portion=0.3, pool=ConfidencePool):
    statistics = pool(C)
    labeler.collect(statistics, probabilities)
    labeler.fit(statistics, portion)
    return labeler


def test_every_nth_is_that_of_a_loop():
    g = torch.Generator().manual_seed(0)
    group = torch.randint(0, 7, (200,), generator=g)
    group[group == 3] = 4  # an absent group
    for n in (1, 2, 4, 300):
        expected = torch.cat(
            [torch.nonzero(group == k)[:, 0][::n] for k in range(7)]
        )
        found = every_nth_of_group(group, 7, n)
        assert torch.equal(found.sort().values, expected.sort().values)
    assert len(every_nth_of_group(group[:0], 7, 4)) == 0


@pytest.mark.parametrize('pool', [ConfidencePool, ConfidenceHistogram])
def test_number_of_samples_at_the_threshold(pool):
    probabilities = maps(4)
    for portion in (0.1, 0.3, 0.9):
        labeler = fitted(
            CBSTPseudoLabeler(C, ds_rate=1), probabilities, portion, pool
        )
        confidence, labels = probabilities.max(1)
        for c in range(C):
            values = confidence[labels == c]
            kept = int((values >= labeler.thresholds[c]).sum())
            wanted = int(np.floor(len(values) * portion))
            slack = 0 if pool is ConfidencePool else 3
            assert wanted <= kept <= wanted + slack


def test_batches_and_padding_do_not_change_the_sample():
    probabilities = maps(4)
    valid = torch.ones(4, 12, 17, dtype=torch.bool)
    valid[:, 9:] = False
    whole, parts, cropped = (ConfidencePool(C) for _ in range(3))
    labeler = CBSTPseudoLabeler(C, ds_rate=4)
    labeler.collect(whole, probabilities, valid)
    for k in range(4):
        labeler.collect(parts, probabilities[k : k + 1], valid[k : k + 1])
    labeler.collect(cropped, probabilities[:, :, :9])
    for other in (parts, cropped):
        assert torch.equal(other.counts(), whole.counts())
        rank = torch.full((C,), 5)
        assert torch.equal(other.kth_highest(rank), whole.kth_highest(rank))


def test_one_threshold_for_all_is_plain_confidence():
    probabilities = maps()
    labeler = fitted(CBSTPseudoLabeler(C, per_class=False), probabilities)
    assert labeler.one_pass and labeler.thresholds.unique().numel() == 1
    confidence, labels = probabilities.max(1)
    expected = labels.masked_fill(confidence < labeler.thresholds[0], 255)
    result = labeler(probabilities)
    assert torch.equal(result.labels, expected)
    assert torch.equal(result.weights, (expected != 255).float())


def test_rare_and_absent_classes_get_no_labels():
    probabilities = maps(1)
    probabilities[:, 1] = 0  # never predicted
    probabilities[:, 2] = 0
    probabilities[0, 2, 0, 0] = 0.99  # a single pixel
    labeler = fitted(CBSTPseudoLabeler(C), probabilities, 0.5)
    assert labeler.thresholds[1] == labeler.thresholds[2] == 1
    labels = labeler(probabilities).labels
    assert not ((labels == 1) | (labels == 2)).any()
    assert (labels == 0).any()
    # Nothing is predicted at all.
    empty = CBSTPseudoLabeler(C)
    assert torch.equal(empty.fit(ConfidencePool(C), 0.5), torch.ones(C))


def test_scale_and_order_of_classes_do_not_matter():
    probabilities = maps()
    labeler = fitted(CBSTPseudoLabeler(C), probabilities)
    labels = labeler(probabilities).labels
    labeler.thresholds = labeler.thresholds * 0.5
    assert torch.equal(labeler(probabilities * 0.5).labels, labels)
    order = torch.tensor([3, 0, 4, 1, 2])
    other = fitted(CBSTPseudoLabeler(C), probabilities[:, order])
    found = other(probabilities[:, order]).labels
    mapped = torch.where(found == 255, 255, order[found.clamp(max=C - 1)])
    assert torch.equal(mapped, labels)


def test_raising_a_threshold_never_adds_its_class():
    probabilities = maps()
    labeler = fitted(CBSTPseudoLabeler(C), probabilities)
    before = labeler(probabilities).labels == 2
    labeler.thresholds[2] *= 1.2
    after = labeler(probabilities).labels == 2
    assert (before | ~after).all() and before.sum() > after.sum()


@pytest.mark.parametrize('per_class', [True, False])
def test_prior_multiplies_before_everything(tmp_path, per_class):
    probabilities = maps()
    g = torch.Generator().manual_seed(1)
    prior = torch.rand(C, 12, 17, generator=g) * torch.tensor(
        [1e-6, 3e-7, 1e-5, 1e-6, 2e-6]
    ).view(-1, 1, 1)
    np.savez(tmp_path / 'prior.npz', prior=prior.numpy())
    labeler = CBSTPseudoLabeler(
        C, per_class=per_class, prior=str(tmp_path / 'prior.npz')
    )
    assert not labeler.one_pass
    fitted(labeler, probabilities)
    plain = fitted(
        CBSTPseudoLabeler(C, per_class=per_class), probabilities * prior
    )
    torch.testing.assert_close(
        labeler.thresholds, plain.thresholds, rtol=1e-6, atol=0
    )
    agree = (
        labeler(probabilities).labels == plain(probabilities * prior).labels
    )
    assert agree.float().mean() > 0.99
    # So small values would all share one bin of a histogram.
    coarse = CBSTPseudoLabeler(
        C, per_class=per_class, prior=str(tmp_path / 'prior.npz')
    )
    fitted(coarse, probabilities, pool=small_values)
    torch.testing.assert_close(
        coarse.thresholds, labeler.thresholds, rtol=1e-3, atol=0
    )
    # Kept at another size than that of the maps, whatever came before.
    before = labeler.weigh(probabilities)
    assert labeler(maps(size=(24, 34))).labels.shape == (2, 24, 34)
    labeler(maps(size=(2, 3)))
    assert torch.equal(labeler.weigh(probabilities), before)
    assert 'prior' not in labeler.state_dict()


def small_values(num_classes):
    return ConfidenceHistogram(num_classes, small=True)


def test_predictions_far_from_where_the_prior_peaks(tmp_path):
    """Their products are tiny, and so must be the threshold."""
    prior = np.ones((C, 12, 17), np.float32)
    prior[2] = 1e-4
    prior[2, 0, 0] = 1.0
    prior[[0, 1, 3, 4], 6:] = 0
    np.savez(tmp_path / 'prior.npz', prior=prior)
    probabilities = maps(4)
    exact, streamed = (
        fitted(
            CBSTPseudoLabeler(C, prior=str(tmp_path / 'prior.npz')),
            probabilities,
            pool=pool,
        )
        for pool in (ConfidencePool, small_values)
    )
    assert exact.thresholds[2] < 2e-4
    torch.testing.assert_close(
        streamed.thresholds, exact.thresholds, rtol=1e-3, atol=0
    )


@pytest.mark.parametrize('kind', [CBSTPseudoLabeler, LRENTPseudoLabeler])
def test_where_the_prior_is_zero_nothing_is_labeled(tmp_path, kind):
    prior = np.ones((C, 12, 17), np.float32)
    prior[:, 3:] = 0  # most predictions go to class 0 with a product of 0
    np.savez(tmp_path / 'prior.npz', prior=prior)
    labeler = kind(C, prior=str(tmp_path / 'prior.npz'))
    fitted(labeler, maps(), 0.9)
    assert labeler.thresholds[0] == 1 and (labeler.thresholds > 0).all()
    result = labeler(maps())
    assert (result.labels[:, 3:] == 255).all()
    assert (result.labels[:, :3] != 255).any()
    if result.soft is not None:
        assert torch.isfinite(result.soft).all()


def test_wrong_priors(tmp_path):
    path = tmp_path / 'prior.npz'
    with pytest.raises(UsageError, match='spatial_prior.py'):
        CBSTPseudoLabeler(C, prior=str(path))
    np.savez(path, prior=np.ones((3, 2, 2)))
    with pytest.raises(UsageError, match='5 classes'):
        CBSTPseudoLabeler(C, prior=str(path))
    np.savez(path, other=np.ones((3, 2, 2)))
    with pytest.raises(UsageError, match='no `prior`'):
        CBSTPseudoLabeler(C, prior=str(path))
    # Of other classes, or over padded images.
    names = list('abcde')
    np.savez(path, prior=np.ones((C, 2, 2)), classes=np.array(names))
    labeler = CBSTPseudoLabeler(C, prior=str(path))
    labeler.check_classes(tuple(names))
    with pytest.raises(UsageError, match="class 3 is 'd', .* is 'e'"):
        labeler.check_classes(names[:3] + ['e', 'd'])
    with pytest.raises(UsageError, match='padded'):
        labeler.collect(
            ConfidencePool(C), maps(), torch.ones(2, 12, 17, dtype=torch.bool)
        )
    CBSTPseudoLabeler(C).check_classes(names)
    for content in (b'', b'no archive', path.read_bytes()[:-30]):
        path.write_bytes(content)
        with pytest.raises(UsageError, match='cannot be read'):
            CBSTPseudoLabeler(C, prior=str(path))


def test_soft_labels_keep_what_hard_ones_keep():
    probabilities = maps()
    hard = fitted(CBSTPseudoLabeler(C), probabilities)
    soft = LRENTPseudoLabeler(C, alpha=0.25)
    soft.thresholds = hard.thresholds
    result = soft(probabilities)
    torch.testing.assert_close(result.soft.sum(1), torch.ones(2, 12, 17))
    expected = hard(probabilities).labels
    kept = expected != 255
    assert torch.equal(result.labels[kept], expected[kept])
    assert (result.labels != 255).sum() >= kept.sum()
    # In the limit they are the same, but for those right at the threshold.
    soft.alpha = 0.01
    quotient = probabilities / hard.thresholds[:, None, None]
    inside = (quotient.amax(1) - 1).abs() > 1e-5
    assert inside.float().mean() > 0.95
    assert torch.equal(soft(probabilities).labels[inside], expected[inside])


@pytest.mark.parametrize('alpha', [0.02, 0.05, 1.0])
def test_tiny_thresholds_do_not_overflow(alpha):
    probabilities = maps(scale=40.0)
    assert (probabilities == 0).any() or probabilities.min() < 1e-20
    labeler = LRENTPseudoLabeler(C, alpha=alpha)
    labeler.thresholds = torch.full((C,), 1e-6)
    result = labeler(probabilities)
    assert torch.isfinite(result.soft).all()
    torch.testing.assert_close(result.soft.sum(1), torch.ones(2, 12, 17))
    with pytest.raises(ValueError, match='alpha'):
        LRENTPseudoLabeler(C, alpha=0.0)


def test_rare_classes_by_share():
    rare, rarest = rare_classes([5000, 3, 0, 4000, 0, 20], 1e-3, 3)
    assert rare == [2, 4, 1] and rarest == [2, 4, 1]
    rare, rarest = rare_classes([5000, 10, 900], 1e-3, 2)
    assert rare == [] and rarest == [1, 2]
    assert rare_classes([0, 0], 1e-3, 1) == ([0, 1], [0])


def test_maximum_is_that_of_torch():
    for n, size in ((1, (40, 9)), (3, (5, 7)), (2, (16, 1))):
        probabilities = maps(n, size)
        probabilities[:, 3] = probabilities[:, 1]  # ties go to class 1
        top, labels = max_over_classes(probabilities)
        expected = probabilities.max(1)
        assert torch.equal(top, expected.values)
        assert torch.equal(labels, probabilities.argmax(1))
        assert labels.dtype == torch.int64 and not (labels == 3).any()
        half = max_over_classes(probabilities.bfloat16())
        assert half[0].dtype == torch.bfloat16
