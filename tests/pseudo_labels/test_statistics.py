import numpy as np
import pytest
import torch

from mmsemi.models.pseudo_labelers import ClassBalancedPseudoLabeler
from mmsemi.pseudo_labels.statistics import ConfidenceHistogram, ConfidencePool

BOTH = [ConfidenceHistogram, ConfidencePool]


def predictions(n=5000, classes=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    confidence = 1 - torch.rand(n, generator=generator) ** 4
    labels = torch.randint(classes, (n,), generator=generator)
    return confidence, labels


@pytest.mark.parametrize('statistics', BOTH)
def test_exact_number_reaches_the_threshold(statistics):
    confidence, labels = predictions()
    collected = statistics(4)
    for part in range(0, 5000, 700):
        collected.update(
            confidence[part : part + 700], labels[part : part + 700]
        )
    n = torch.bincount(labels, minlength=4)
    assert torch.equal(collected.counts(), n)
    previous = torch.full((4,), 2.0)
    for portion in (0.1, 0.3, 0.6, 0.9):
        k = (n * portion).floor().long() + 1
        thresholds = collected.kth_highest(k)
        for c in range(4):
            reached = (confidence[labels == c] >= thresholds[c]).sum()
            # Streaming: at least k, and the rest lies in the same bin.
            assert reached >= k[c]
            bound = k[c] if statistics is ConfidencePool else k[c] * 1.02 + 1
            assert reached <= bound
        assert (thresholds <= previous).all()
        previous = thresholds


@pytest.mark.parametrize('statistics', BOTH)
def test_absent_and_single(statistics):
    collected = statistics(3)
    collected.update(torch.tensor([0.5]), torch.tensor([1]))
    thresholds = collected.kth_highest(torch.tensor([1, 5, 1]))
    assert thresholds[0] == thresholds[2] == float('inf')
    assert 0.49 < thresholds[1] <= 0.5


def test_empty_pool_and_empty_update():
    assert torch.isinf(
        ConfidencePool(2).kth_highest(torch.tensor([1, 1]))
    ).all()
    histogram = ConfidenceHistogram(2)
    histogram.update(torch.empty(0), torch.empty(0, dtype=torch.int64))
    assert histogram.counts().tolist() == [0, 0]


def test_saturated_confidences():
    """Many ones, as a confident network gives: all are kept."""
    histogram = ConfidenceHistogram(1)
    histogram.update(torch.ones(100), torch.zeros(100, dtype=torch.int64))
    threshold = histogram.kth_highest(torch.tensor([21]))
    assert threshold == 1


def test_small_values_are_resolved():
    """Rank and threshold agree over the whole range of float32."""
    values = torch.logspace(-9, 0, 4001)
    values = torch.cat([values, 1 - values[:2000], torch.zeros(1)])
    histogram = ConfidenceHistogram(1, small=True)
    histogram.update(values, torch.zeros(len(values), dtype=torch.int64))
    order = values.sort(descending=True).values
    for k in range(1, len(values), 50):
        threshold = histogram.kth_highest(torch.tensor([k]))[0]
        assert threshold <= order[k - 1]
        assert threshold >= order[k - 1] * (1 - 2**-11)
    assert histogram.kth_highest(torch.tensor([len(values)])) == 0
    assert histogram.counts().tolist() == [len(values)]


def test_memory_does_not_grow():
    histogram = ConfidenceHistogram(4)
    size = histogram.bins.numel()
    for seed in range(3):
        histogram.update(*predictions(seed=seed))
    assert histogram.bins.numel() == size
    assert histogram.bins.sum() == 15000


@pytest.mark.parametrize('rule', ['argmax', 'scaled'])
@pytest.mark.parametrize('portion', [0.2, 0.55, 1.0])
def test_kept_pixels_obey_the_rule(rule, portion):
    generator = torch.Generator().manual_seed(1)
    logits = 4 * torch.randn(3, 5, 20, 30, generator=generator)
    logits[:, 4] -= 100  # nobody predicts the last class
    probabilities = logits.softmax(1)
    labeler = ClassBalancedPseudoLabeler(5, rule)
    histogram = ConfidenceHistogram(5)
    labeler.collect(histogram, probabilities)
    labeler.fit(histogram, portion)
    result = labeler(probabilities)
    kept = result.labels != 255
    assert torch.equal(kept.float(), result.weights)
    assert (result.labels[kept] < 4).all() or rule == 'scaled'
    share = kept.float().mean()
    assert share >= portion - 1e-6
    if rule == 'argmax':
        assert share <= portion + 0.01
        assert torch.equal(result.labels[kept], probabilities.argmax(1)[kept])
    else:
        scaled = probabilities / labeler.thresholds[:, None, None]
        assert torch.equal(result.labels[kept], scaled.argmax(1)[kept])
        assert (scaled.amax(1)[kept] >= 1).all()
        assert (scaled.amax(1)[~kept] < 1).all()


def test_labels_do_not_depend_on_batches_for_argmax():
    """The stride runs along each image, so batches do not matter."""
    generator = torch.Generator().manual_seed(2)
    probabilities = torch.randn(4, 3, 9, 7, generator=generator).softmax(1)
    thresholds = []
    for size in (1, 4):
        labeler = ClassBalancedPseudoLabeler(3, stride=4)
        histogram = ConfidenceHistogram(3)
        for batch in probabilities.split(size):
            labeler.collect(histogram, batch)
        thresholds.append(labeler.fit(histogram, 0.4))
    assert torch.equal(*thresholds)


@pytest.mark.parametrize(
    'arguments, message',
    [(dict(rule='best'), "'argmax' or 'scaled'"), (dict(stride=0), 'stride')],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ClassBalancedPseudoLabeler(3, **arguments)
    with pytest.raises(ValueError, match='portion'):
        ClassBalancedPseudoLabeler(3).fit(ConfidenceHistogram(3), 0)


def test_padding_is_not_counted():
    probabilities = torch.full((1, 2, 4, 4), 0.5)
    probabilities[0, 1, 0] = 0.9
    probabilities[0, 0, 0] = 0.1
    valid = torch.zeros(1, 4, 4, dtype=torch.bool)
    valid[0, 0] = True
    histogram = ConfidenceHistogram(2)
    ClassBalancedPseudoLabeler(2).collect(histogram, probabilities, valid)
    np.testing.assert_array_equal(histogram.counts(), [0, 4])


@pytest.mark.parametrize('statistics', BOTH)
def test_what_is_not_valid_does_not_count(statistics):
    confidence, labels = predictions()
    valid = torch.arange(5000) % 3 > 0
    confidence[~valid] = float('nan')
    collected, wanted = statistics(4), statistics(4)
    collected.update(confidence, labels, valid)
    wanted.update(confidence[valid], labels[valid])
    k = wanted.counts() // 2
    assert torch.equal(collected.counts(), wanted.counts())
    assert torch.equal(collected.kth_highest(k), wanted.kth_highest(k))
