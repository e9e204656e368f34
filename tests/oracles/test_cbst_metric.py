"""IoU of CRST's code, and what mmseg makes of an absent class."""

import numpy as np
import pytest
import torch

from mmsemi.evaluation import SubsetIoUMetric
from mmsemi.evaluation.subset_iou import class_iou
from tests.oracles.kinds import files, load


def test_iou(oracle_dir):
    for path in files(oracle_dir, 'cbst', 'crst_metric'):
        case = load(path)
        num_classes = len(case['confusion'])
        names = [f'class {k}' for k in range(num_classes)]
        some = names[::2]
        found = {}
        for absent in ('nan', 'zero'):
            metric = SubsetIoUMetric(dict(all=names, some=some), absent=absent)
            metric.dataset_meta = dict(classes=names)
            for prediction, label in zip(case['pred'], case['label']):
                metric.process(
                    {},
                    [
                        dict(
                            pred_sem_seg=dict(
                                data=torch.from_numpy(prediction)[None]
                            ),
                            gt_sem_seg=dict(
                                data=torch.from_numpy(label)[None]
                            ),
                        )
                    ],
                )
            found[absent] = metric.compute_metrics(metric.results)
        iou = class_iou(metric.results)
        zeroed = case['iou_nan_as_zero_f64']
        np.testing.assert_allclose(np.nan_to_num(iou), zeroed, atol=1e-12)
        expected = dict(
            nan=case['miou_nanmean_f64'], zero=case['miou_official_f64']
        )
        for absent, value in expected.items():
            for name in ('mIoU', 'all'):
                assert found[absent][name] == pytest.approx(
                    100 * value, abs=0.0051
                )
        assert found['zero']['some'] == pytest.approx(
            100 * zeroed[::2].mean(), abs=0.0051
        )
        # Counts of the official confusion matrix, rows = labels.
        confusion = case['confusion']
        union = confusion.sum(0) + confusion.sum(1) - np.diag(confusion)
        np.testing.assert_array_equal(
            torch.stack([r[1] for r in metric.results]).sum(0).numpy(), union
        )
