"""Groups of classes, absent classes, and what must not count."""

import logging

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmseg.evaluation import IoUMetric

from mmsemi.evaluation.generalized_zero_label import (
    harmonic_mean,
    zero_label_scores,
)
from mmsemi.registry import METRICS
from mmsemi.utils.console import ConsoleFilter

CLASSES = ['sky', 'road', 'car', 'bus']


def build(**kwargs):
    metric = METRICS.build(
        dict(dict(type='GeneralizedZeroLabelMetric', num_seen=2), **kwargs)
    )
    metric.dataset_meta = dict(classes=CLASSES)
    return metric


def process(metric, label, prediction):
    metric.process(
        {},
        [
            dict(
                gt_sem_seg=dict(data=torch.tensor(label)[None]),
                pred_sem_seg=dict(data=torch.tensor(prediction)[None]),
            )
        ],
    )


def results(metric):
    return metric.compute_metrics(metric.results)


LABEL = [[0, 0, 1, 1], [2, 2, 255, 254]]
PREDICTION = [[0, 1, 1, 1], [2, 0, 3, 3]]


def test_groups():
    metric = build()
    process(metric, LABEL, PREDICTION)
    scores = results(metric)
    # sky 1/3, road 2/3; car 1/2; bus is neither labeled nor counted.
    assert scores == dict(
        aAcc=66.67,
        mAcc=66.67,
        mIoU=50.0,
        mIoU_seen=50.0,
        mIoU_unseen=50.0,
        hIoU=50.0,
    )


def test_unlabeled_pixels_do_not_count_as_predictions():
    """mmseg alone would count what is predicted on pixels labeled 254."""
    metric, plain = build(), IoUMetric()
    plain.dataset_meta = metric.dataset_meta
    for m in (metric, plain):
        process(m, LABEL, PREDICTION)
    assert metric.results[0][2].tolist() == [2, 3, 1, 0]
    assert plain.results[0][2].tolist() == [2, 3, 1, 1]


def test_same_counts_as_mmseg():
    rng = np.random.default_rng(0)
    label, prediction = rng.integers(0, 4, (2, 9, 11))
    metric, plain = build(), IoUMetric()
    plain.dataset_meta = metric.dataset_meta
    for m in (metric, plain):
        process(m, label, prediction)
    theirs = results(plain)
    ours = results(metric)
    for key in ('aAcc', 'mIoU', 'mAcc'):
        assert ours[key] == pytest.approx(float(theirs[key]), abs=0.011)


def test_class_that_is_predicted_without_ground_truth():
    counts = (
        np.array([4, 2, 1, 0]),
        np.array([4, 3, 1, 1]),
        np.array([4, 2, 3, 0]),
    )
    published = zero_label_scores(*counts, num_seen=2)
    assert published['mIoU_unseen'] == pytest.approx(1 / 6)  # bus counts 0
    skipped = zero_label_scores(*counts, num_seen=2, absent='skip')
    assert skipped['mIoU_unseen'] == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match='absent'):
        build(absent='maybe')


def test_another_image_of_one_class_changes_that_class_only():
    metric = build(all_scores=True)
    process(metric, LABEL, PREDICTION)
    before = zero_label_scores(
        *(metric.results[0][k].numpy() for k in (0, 2, 3)), num_seen=2
    )
    process(metric, [[0] * 4] * 2, [[0] * 4] * 2)
    hit, _, predicted, truth = (sum(c).numpy() for c in zip(*metric.results))
    after = zero_label_scores(hit, predicted, truth, num_seen=2)
    np.testing.assert_array_equal(after['IoU'][1:], before['IoU'][1:])
    assert after['IoU'][0] > before['IoU'][0]
    assert after['mIoU_unseen'] == before['mIoU_unseen']


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('label', [[[255, 255]], [[0, 0]], [[2, 3]]])
def test_groups_without_ground_truth(label):
    metric = build(all_scores=True)
    process(metric, label, label if label[0][0] != 255 else [[0, 3]])
    scores = results(metric)
    for key in ('hIoU', 'hAcc', 'hAcc_pixel', 'hIoU_fw'):
        assert scores[key] == 0
    assert np.isnan(scores['mIoU_unseen']) == (label != [[2, 3]])
    assert np.isnan(scores['mIoU_seen']) == (label != [[0, 0]])


def test_sums_stay_exact_beyond_single_precision():
    many = torch.tensor([2.0**24, 0, 0, 0])
    one = torch.tensor([1.0, 0, 0, 0])
    wrong = torch.tensor([0.0, 1, 0, 0])
    nothing = torch.zeros(4)
    metric = build(all_scores=True)
    metric.results = [(many, many, many, many)] + 2 * [
        (nothing, one + wrong, wrong, one)
    ]
    truth = 2**24 + 2
    scores = zero_label_scores(
        [2**24, 0, 0, 0], [2**24, 2, 0, 0], [truth, 0, 0, 0], 2
    )
    assert results(metric)['aAcc'] == round(100 * scores['aAcc'], 2)
    sums = np.sum([r[3].double().numpy() for r in metric.results], axis=0)
    assert sums[0] == truth  # 2**24 in float32


def test_number_of_seen_classes_comes_from_the_dataset():
    metric = build(num_seen=None)
    with pytest.raises(ValueError, match='num_seen=None of 4 classes'):
        process(metric, LABEL, PREDICTION)
    metric.dataset_meta = dict(classes=CLASSES, num_seen=3)
    process(metric, LABEL, PREDICTION)
    assert results(metric)['mIoU_seen'] == 50.0  # sky, road, car
    metric.num_seen = 1  # the metric's own wins
    assert results(metric)['mIoU_seen'] == 33.33


def test_protocol_is_part_of_the_names():
    metric = build(prefix='warped-513')
    process(metric, LABEL, PREDICTION)
    assert set(metric.evaluate(1)) >= {
        'warped-513/mIoU',
        'warped-513/hIoU',
        'warped-513/mIoU_unseen',
    }


def test_hundreds_of_classes_stay_off_the_console_of_training():
    metric = build(prefix='native')
    process(metric, LABEL, PREDICTION)
    logger = MMLogger.get_current_instance()
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger.addHandler(handler)
    try:
        metric.compute_metrics(metric.results)
    finally:
        logger.removeHandler(handler)
    (table,) = [r for r in records if 'bus' in r.getMessage()]
    assert '(native)' in table.getMessage()
    assert not ConsoleFilter().filter(table)


def test_harmonic_mean():
    assert harmonic_mean(0.5, 0.5) == 0.5
    assert harmonic_mean(0.8, 0.2) == pytest.approx(0.32)
    for pair in ((0, 1), (1, 0), (0, 0), (float('nan'), 1)):
        assert harmonic_mean(*pair) == 0
