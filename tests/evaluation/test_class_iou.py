"""IoU of each class beside mmseg's means."""

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmseg.evaluation import IoUMetric as MMSegIoU

from mmsemi.evaluation import (
    GeneralizedZeroLabelMetric,
    IoUMetric,
    SubsetIoUMetric,
)
from mmsemi.evaluation.class_iou import latest_class_scores
from mmsemi.registry import METRICS
from mmsemi.report.validation import (
    network_values,
    validation_line,
    validation_record,
)

CLASSES = ['road', 'pole', 'sky', 'fog']


def sample(prediction, truth):
    return dict(
        pred_sem_seg=dict(data=torch.tensor([prediction])),
        gt_sem_seg=dict(data=torch.tensor([truth])),
    )


def evaluate(metric):
    metric.dataset_meta = dict(classes=CLASSES)
    # Of pole, no pixel is right; sky is predicted where there is none.
    metric.process({}, [sample([[0, 0, 0, 2]], [[0, 0, 1, 0]])])
    metric.process({}, [sample([[0, 0, 0, 0]], [[0, 255, 1, 0]])])
    return metric.evaluate(2)


def test_scores_are_those_behind_the_means():
    metric, plain = IoUMetric(), MMSegIoU()
    assert evaluate(metric) == pytest.approx(evaluate(plain))
    iou, dead, left_out = metric.class_scores
    assert iou == dict(
        road=pytest.approx(100 * 4 / 7, abs=0.01), pole=0, sky=0, fog=None
    )
    assert dead == ['pole'] and left_out == ['fog']
    known = [value for value in iou.values() if value is not None]
    assert evaluate(metric)['mIoU'] == pytest.approx(np.mean(known), abs=0.01)


def test_large_images_are_counted_to_the_last_pixel():
    """Not up to 2^24 pixels of a class alone, where float32 ends."""
    truth = torch.zeros(1, 5, 2**22, dtype=torch.uint8)
    truth[:, 4] = 1
    metric = IoUMetric()
    metric.dataset_meta = dict(classes=CLASSES)
    found = dict(data=torch.zeros_like(truth))
    metric.process({}, [dict(pred_sem_seg=found, gt_sem_seg=dict(data=truth))])
    assert metric.evaluate(1)['mIoU'] == 40
    assert metric.class_scores.iou['road'] == 80


def test_labels_that_are_no_class_are_counted_nowhere():
    metric = IoUMetric()
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process({}, [sample([[0, 0, 1, 1]], [[0, -1, 1, 200]])])
    assert [c.tolist() for c in metric.results[0][2:]] == [
        [2, 2, 0, 0],
        [1, 1, 0, 0],
    ]


def test_means_of_a_part_of_the_classes_say_so():
    metric = IoUMetric()
    values = network_values(evaluate(metric), 'mIoU')
    record = validation_record(3, values, metric.class_scores)
    line = validation_line(record, 6)
    assert line.endswith('; the mean of 3 of 4 classes: no image holds fog')
    for all_of_them in (
        IoUMetric(nan_to_num=0),
        SubsetIoUMetric(subsets=dict(two=['road', 'fog']), absent='zero'),
    ):
        values = network_values(evaluate(all_of_them), 'mIoU')
        record = validation_record(3, values, all_of_them.class_scores)
        assert 'the mean of' not in validation_line(record, 6)
    # Skipped though it is predicted.
    metric = GeneralizedZeroLabelMetric(num_seen=2, absent='skip')
    evaluate(metric)
    assert metric.class_scores.left_out == ['sky', 'fog']


def test_sums_are_exact_beyond_float32():
    """mmseg adds up in float32, which stops counting at 2^24."""
    from mmsemi.evaluation.class_iou import class_areas

    one = [torch.tensor([1.0])] * 4
    many = [torch.tensor([float(2**24)])] * 4
    assert class_areas([many, one, one]).tolist() == [[2**24 + 2]] * 4


def test_the_name_in_configs_means_ours():
    metric = METRICS.build(dict(type='IoUMetric'))
    assert type(metric) is IoUMetric
    evaluator = Evaluator([metric])
    assert latest_class_scores(evaluator) is None
    evaluate(metric)
    assert latest_class_scores(evaluator).dead == ['pole']


def test_files_only():
    metric = IoUMetric(format_only=True, output_dir='unused')
    metric.dataset_meta = dict(classes=CLASSES)
    assert metric.compute_metrics([]) == {} and metric.class_scores is None
