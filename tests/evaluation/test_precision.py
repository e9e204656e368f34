"""A stated precision is kept over repeated draws of the labeled images."""

import numpy as np
import pytest
from scipy.stats import beta

from mmsemi.evaluation.precision import (
    capital,
    images_needed,
    largest_shown,
    lower_bound,
)

IMAGES, DELTA, DRAWS = 300, 0.1, 400


@pytest.fixture(scope='module')
def pool():
    """Weights and shares right of a set: some images are wrong all over."""
    rng = np.random.default_rng(0)
    right = np.where(
        rng.random(IMAGES) < 0.2,
        rng.beta(1, 4, IMAGES),
        rng.beta(18, 1, IMAGES),
    )
    weights = np.minimum(rng.exponential(1.0, IMAGES), 1.0)
    return weights, right


def draws(number, seed=1):
    rng = np.random.default_rng(seed)
    return (rng.choice(IMAGES, number, replace=False) for _ in range(DRAWS))


def test_bound_is_below_the_precision_of_the_set(pool):
    weights, right = pool
    truth = (weights * right).sum() / weights.sum()
    bounds = np.array(
        [lower_bound(weights[i], right[i], DELTA) for i in draws(20)]
    )
    assert (bounds > truth).mean() <= DELTA
    # Not by saying nothing: it comes near from below.
    assert bounds.mean() > truth - 0.3
    more = [lower_bound(weights[i], right[i], DELTA) for i in draws(100)]
    assert np.mean(more) > bounds.mean() + 0.05


def test_pixels_as_observations_promise_too_much(pool):
    """What the bound is for: pixels of an image are wrong together."""
    weights, right = pool
    truth = (weights * right).sum() / weights.sum()
    over = 0
    for index in draws(20):
        pixels = weights[index].sum() * 10000
        good = (weights[index] * right[index]).sum() * 10000
        over += beta.ppf(DELTA, good, pixels - good + 1) > truth
    assert over / DRAWS > 2 * DELTA


def test_chosen_threshold_has_the_precision(pool):
    """Of five thresholds the third is good, the fourth just misses."""
    weights, right = pool
    rng = np.random.default_rng(3)
    shares = np.array([0.2, 0.4, 0.6, 0.8, 1.0])
    # Stricter thresholds keep the labels of fewer images.
    kept = weights * (rng.random(IMAGES) < np.sqrt(shares)[:, None])
    good = np.array([0.95, 0.95, 0.9, 0.0, -0.5])[:, None]
    shown = np.clip(right + (1 - right) * good, 0, 1)
    truth = (kept * shown).sum(1) / kept.sum(1)
    assert truth[2] > 0.95 and truth[3] < 0.8
    wanted = truth[3] + 0.002
    chosen = []
    for index in draws(60, seed=4):
        found = largest_shown(
            kept[:, index], shown[:, index], shares, wanted, DELTA
        )
        chosen.append(found.place if found.kept else -1)
    chosen = np.array(chosen)
    assert (chosen >= 3).mean() <= DELTA
    assert (chosen == 2).mean() > 0.8


def test_hard_masks_are_tested_once_with_all_the_error():
    assert images_needed(0.9999, 0.1) > 20_000  # at once
    assert images_needed(1 - 1e-12, 0.1) > 1e12
    number = images_needed(0.8, DELTA)
    ones = np.ones((1, number))
    assert largest_shown(ones, ones, [1.0], 0.8, DELTA).kept
    few = ones[:, 1:]
    dropped = largest_shown(few, few, [1.0], 0.8, DELTA)
    assert not dropped.kept and dropped.bound < 0.8
    assert dropped.measured == 1.0


def test_images_without_labels_say_nothing():
    weights, right = np.array([1.0, 0.0, 1.0]), np.array([0.9, 0.0, 0.8])
    some = weights > 0
    assert capital(weights, right, 0.5) == capital(
        weights[some], right[some], 0.5
    )
    nothing = largest_shown(np.zeros((1, 4)), np.zeros((1, 4)), [1], 0.5, 0.1)
    assert not nothing.kept and np.isnan(nothing.measured)
    assert nothing.bound == 0


def test_precision_0_keeps_everything():
    weights, right = np.ones((3, 5)), np.zeros((3, 5))
    found = largest_shown(weights, right, [0.3, 0.6, 1.0], 0, 0.1)
    assert found.kept and found.place == 2 and found.bound == 0
