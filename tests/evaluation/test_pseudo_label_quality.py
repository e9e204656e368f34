import numpy as np
import pytest

from mmsemi.evaluation import PseudoLabelQuality


def test_figures_of_kept_pixels():
    quality = PseudoLabelQuality(3)
    truth = np.array([[0, 0, 1, 1, 255, 2]], np.uint8)
    plain = np.array([[0, 1, 1, 1, 0, 1]], np.uint8)
    labels = np.array([[0, 255, 1, 1, 0, 1]], np.uint8)
    quality.count_labels(labels)
    quality.count_candidates(plain)
    quality.compare(labels, truth)
    summary = quality.summary('abc')
    assert summary['kept'] == pytest.approx(5 / 6)
    assert summary['accuracy'] == pytest.approx(3 / 4)
    # a: 1 of 1; b: 2 of 3; c: in the truth only, 0.
    assert summary['miou'] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert summary['per_class']['b'] == dict(
        candidates=4, kept=3, accuracy=pytest.approx(2 / 3)
    )
    assert summary['per_class']['c']['accuracy'] is None


def test_sum_over_processes():
    rng = np.random.default_rng(0)
    parts = [PseudoLabelQuality(4) for _ in range(2)]
    both = PseudoLabelQuality(4)
    for part in parts:
        labels, truth = rng.integers(0, 4, (2, 9, 8)).astype(np.uint8)
        for quality in (part, both):
            quality.count_labels(labels)
            quality.count_candidates(labels)
            quality.compare(labels, truth)
    total = PseudoLabelQuality(4)
    total.load_state(parts[0].state() + parts[1].state())
    assert total.summary('abcd') == both.summary('abcd')


def test_without_ground_truth():
    quality = PseudoLabelQuality(2)
    quality.count_labels(np.zeros((2, 2), np.uint8))
    quality.count_candidates(np.zeros((2, 2), np.uint8))
    summary = quality.summary('ab')
    assert summary['kept'] == 1
    assert summary['accuracy'] is None and summary['miou'] is None


def test_bad_input():
    quality = PseudoLabelQuality(2)
    with pytest.raises(ValueError, match='ground truth is'):
        quality.compare(np.zeros((2, 2), int), np.zeros((2, 3), int))
    with pytest.raises(ValueError, match='classes are 0..1'):
        quality.compare(np.zeros((1, 2), int), np.array([[0, 7]]))
