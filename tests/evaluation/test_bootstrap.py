import math

import numpy as np
import pytest

from mmsemi.evaluation.bootstrap import (
    Estimate,
    absent_classes,
    compare,
    count_array,
    score,
)


def made_counts(images, classes, seed, skill):
    """(N, 3, C) of label maps of 100 pixels, right with the given chance."""
    rng = np.random.default_rng(seed)
    counts = np.zeros((images, 3, classes), np.int64)
    truths = np.random.default_rng(99).integers(0, classes, (images, 100))
    # Images differ in how hard they are.
    hard = np.random.default_rng(98).uniform(-0.2, 0.2, images)
    for k, truth in enumerate(truths):
        right = rng.random(100) < skill + hard[k]
        predicted = np.where(right, truth, rng.integers(0, classes, 100))
        for c in range(classes):
            counts[k, :, c] = (
                (truth == c).sum(),
                (predicted == c).sum(),
                ((truth == c) & (predicted == c)).sum(),
            )
    return counts


def plain_iou(images):
    """Percent by class, in plain Python; classes without truth left out."""
    found = {}
    for c in range(len(images[0][0])):
        label, prediction, both = (
            sum(int(image[k][c]) for image in images) for k in range(3)
        )
        if label:
            found[c] = 100 * both / (label + prediction - both)
    return found


def plain_mean(images):
    found = plain_iou(images)
    return sum(found.values()) / len(found)


def plain_interval(value, drawn, images):
    """Student's t of the deviation between draws, widened."""
    from scipy.stats import t

    mean = sum(drawn) / len(drawn)
    variance = sum((x - mean) ** 2 for x in drawn) / len(drawn)
    error = math.sqrt(variance * images / (images - 1))
    reach = t.ppf(0.975, images - 1) * error
    return value - reach, value + reach


def test_agrees_with_a_plain_computation() -> None:
    """One draw after the other, images picked by name, other generator."""
    import random

    method = made_counts(12, 3, 1, 0.8)
    twin = made_counts(12, 3, 2, 0.6)
    found = compare(method, twin, draws=6000)
    assert found.method.mean.value == pytest.approx(plain_mean(method))
    assert found.gain.mean.value == pytest.approx(
        plain_mean(method) - plain_mean(twin)
    )
    for c, value in plain_iou(twin).items():
        assert found.twin.classes[c].value == pytest.approx(value)
    rng = random.Random(5)
    gains, class_gains = [], []
    for _ in range(1500):
        chosen = [rng.randrange(12) for _ in range(12)]
        pair = [[counts[k] for k in chosen] for counts in (method, twin)]
        gains.append(plain_mean(pair[0]) - plain_mean(pair[1]))
        class_gains.append(plain_iou(pair[0])[1] - plain_iou(pair[1])[1])
    for estimate, values in (
        (found.gain.mean, gains),
        (found.gain.classes[1], class_gains),
    ):
        low, high = plain_interval(estimate.value, values, 12)
        width = high - low
        assert estimate.low == pytest.approx(low, abs=0.12 * width)
        assert estimate.high == pytest.approx(high, abs=0.12 * width)
    assert found.gain.mean.verdict == 'better'


def test_drawing_is_paired() -> None:
    """Images of unequal difficulty do not blur a constant difference."""
    rng = np.random.default_rng(0)
    right = rng.integers(100, 900, 30)
    method = np.zeros((30, 3, 2), np.int64)
    method[:, 0] = [1000, 1000]
    method[:, 2] = np.stack([right + 50, right + 50], 1)
    method[:, 1] = 1000
    twin = method.copy()
    twin[:, 2] -= 50
    found = compare(method, twin)
    alone = found.method.mean.high - found.method.mean.low
    assert found.gain.mean.high - found.gain.mean.low < alone / 5
    assert compare(twin, method).gain.mean.verdict == 'worse'


def test_the_same_seed_gives_the_same_interval() -> None:
    counts = made_counts(9, 2, 3, 0.7)
    assert score(counts, seed=4) == score(counts, seed=4)
    assert score(counts, seed=4) != score(counts, seed=5)
    # However many images fit into memory at once.
    assert compare(counts, counts).method == score(counts)


def test_blocks_do_not_change_the_draws(monkeypatch) -> None:
    from mmsemi.evaluation import bootstrap

    counts = made_counts(9, 2, 3, 0.7)
    whole = score(counts, draws=101)
    monkeypatch.setattr(bootstrap, '_BLOCK', 9 * 10)
    assert score(counts, draws=101) == whole


def test_one_image_has_no_interval() -> None:
    counts = made_counts(1, 2, 0, 0.7)
    found = compare(counts, counts)
    assert found.method.mean.value > 0
    assert found.method.mean[1:] == (None, None)
    assert found.gain.mean == Estimate(0.0)
    assert found.gain.mean.verdict == 'unknown'


def test_a_class_in_one_image_has_no_interval() -> None:
    counts = made_counts(8, 3, 0, 0.7)
    counts[1:, :, 2] = 0
    found = score(counts)
    assert found.classes[2].value is not None
    assert found.classes[2].low is None
    assert found.classes[1].low < found.classes[1].value
    assert found.mean.low < found.mean.value < found.mean.high


def test_absent_classes_are_left_out_even_when_predicted() -> None:
    counts = made_counts(8, 3, 0, 0.7)
    counts[:, 0, 2] = counts[:, 2, 2] = 0
    assert counts[:, 1, 2].sum() > 0
    found = score(counts)
    assert found.classes[2] == Estimate()
    expected = [found.classes[c].value for c in (0, 1)]
    assert found.mean.value == pytest.approx(sum(expected) / 2)
    assert absent_classes(counts, ('a', 'b', 'c')) == ['c']


def test_images_without_known_pixels_say_nothing() -> None:
    counts = made_counts(6, 2, 0, 0.7)
    empty = np.concatenate([counts, np.zeros((40, 3, 2), np.int64)])
    assert score(empty) == score(counts)
    nothing = score(np.zeros((3, 3, 2), np.int64))
    assert nothing.mean == Estimate()
    assert nothing.classes == [Estimate(), Estimate()]


def test_equal_models_differ_by_nothing() -> None:
    counts = made_counts(6, 2, 0, 0.7)
    gain = compare(counts, counts).gain.mean
    assert gain == Estimate(0.0)
    assert gain.verdict == 'unknown'


def test_counts_must_be_of_the_same_images() -> None:
    counts = made_counts(4, 2, 0, 0.7)
    other = counts.copy()
    other[0, 0] += 1
    with pytest.raises(ValueError, match='same images'):
        compare(counts, other)
    with pytest.raises(ValueError, match='same images'):
        compare(counts, counts[:3])


def test_intervals_of_few_images_hold_the_truth_often_enough() -> None:
    """Percentiles of the draws hold it in 85 % of these cases."""
    rng = np.random.default_rng(1)
    # Counts of one class whose IoU varies between images; the truth is the
    # ratio of the expectations.
    truth, held, trials = 100 * 59.5 / (200 - 59.5), 0, 200
    for trial in range(trials):
        counts = np.full((4, 3, 1), 100, np.int64)
        counts[:, 2, 0] = rng.integers(20, 100, 4)
        found = score(counts, draws=400, seed=trial).mean
        held += found.low <= truth <= found.high
    assert 0.9 * trials <= held < trials


def test_intervals_of_scores_end_at_0_and_100() -> None:
    counts = np.zeros((4, 3, 1), np.int64)
    counts[:, :2] = 100
    counts[:, 2, 0] = [1, 1, 99, 99]
    found = score(counts).mean
    assert found.low == 0 and found.high == 100
    other = counts.copy()
    other[:, 2, 0] = 99
    gain = compare(other, counts).gain.mean
    assert gain.low < 0 and gain.high == 100
    # Of three images it would say anything.
    found = compare(other[1:], counts[1:]).gain
    assert found.mean[1:] == found.classes[0][1:] == (None, None)
    assert found.mean.value > 0


def test_counts_by_name_become_an_array() -> None:
    per_image = {
        'a': dict(label=[1, 2], prediction=[2, 1], both=[1, 1]),
        'b': dict(label=[0, 3], prediction=[0, 3], both=[0, 3]),
    }
    counts = count_array(per_image)
    assert counts.shape == (2, 3, 2)
    assert score(counts).classes[0].value == pytest.approx(50)
