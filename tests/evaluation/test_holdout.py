import numpy as np
import pytest

from mmsemi.evaluation import holdout
from mmsemi.evaluation.holdout import BINS, HoldoutScores, surer_half_precision


def made(dtype=np.float32):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (40, 30)).astype(np.uint8)
    ids = np.where(rng.random(truth.shape) < 0.7, truth, 2).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.1] = 255
    return ids, rng.random(truth.shape).astype(dtype), truth


def test_counts_against_loops() -> None:
    ids, sure, truth = made()
    scores = HoldoutScores(3)
    scores.add('a', ids, sure, truth)
    confusion = np.zeros((3, 3), int)
    pixels, right = np.zeros((2, 3, BINS), int)
    for p, s, t in zip(ids.ravel(), sure.ravel(), truth.ravel()):
        if t == 255:
            continue
        confusion[t, p] += 1
        pixels[p, int(s * BINS)] += 1
        right[p, int(s * BINS)] += p == t
    data = scores.as_data()
    assert data['confusion'] == confusion.tolist()
    assert data['confidence']['pixels'] == pixels.tolist()
    assert data['confidence']['right'] == right.tolist()
    assert data['per_image']['a']['label'] == confusion.sum(1).tolist()
    assert data['per_image']['a']['prediction'] == confusion.sum(0).tolist()
    assert data['per_image']['a']['both'] == np.diag(confusion).tolist()


def test_large_images_are_counted_in_parts(monkeypatch) -> None:
    whole, parts = HoldoutScores(3), HoldoutScores(3)
    whole.add('a', *made())
    monkeypatch.setattr(holdout, '_ROWS', 30 * 7)
    parts.add('a', *made())
    assert whole.as_data() == parts.as_data()


def test_certain_pixels_are_in_the_last_part() -> None:
    scores = HoldoutScores(2)
    ids = np.zeros((1, 2), np.uint8)
    sure = np.array([[1, 0.9502]], np.float16)
    scores.add('a', ids, sure, ids)
    assert scores.pixels[0, -1] == scores.right[0, -1] == 2


def test_images_of_another_size_are_refused() -> None:
    ids, sure, truth = made()
    with pytest.raises(ValueError, match='ground truth is'):
        HoldoutScores(3).add('a', ids, sure, truth[1:])
    with pytest.raises(ValueError, match='classes are 0..1'):
        HoldoutScores(2).add('a', ids, sure, truth)


def test_precision_of_the_surer_half() -> None:
    """Of six predictions the three surest, whatever bins they are in."""
    scores = HoldoutScores(4)
    sure = np.array([[0.92, 0.7, 0.6, 0.3, 0.2, 0.1, 0.97, 0.5]])
    ids = np.array([[0, 0, 0, 0, 0, 0, 1, 2]], np.uint8)
    truth = np.array([[0, 0, 1, 0, 0, 0, 1, 0]], np.uint8)
    scores.add('a', ids, sure, truth)
    found = surer_half_precision(scores.pixels, scores.right)
    assert found[:3] == pytest.approx([2 / 3, 1, 0])
    assert np.isnan(found[3])


def test_the_half_takes_part_of_a_bin() -> None:
    pixels, right = np.zeros((2, 1, BINS), int)
    pixels[0, [3, 9, 15]] = 10, 6, 4  # half: the 4, and all 6
    right[0, [3, 9, 15]] = 0, 3, 4
    assert surer_half_precision(pixels, right) == pytest.approx([0.7])
    pixels[0, 3] = 2  # half: the 4, and a third of the 6
    assert surer_half_precision(pixels, right) == pytest.approx([5 / 6])
