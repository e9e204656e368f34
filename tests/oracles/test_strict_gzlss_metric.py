"""Seen, unseen and harmonic scores of SPNet's evaluation."""

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmsemi.evaluation.generalized_zero_label import zero_label_scores
from mmsemi.registry import METRICS
from tests.oracles.kinds import cases, files, load

# Order of the stored scores: all, seen, unseen, harmonic of each family.
NAMES = {
    'Overall Acc': ('aAcc', 'hAcc_pixel'),
    'Mean Acc': ('mAcc', 'hAcc'),
    'FreqW Acc': ('fwIoU', 'hIoU_fw'),
    'Mean IoU': ('mIoU', 'hIoU'),
}


def stored(oracle_dir):
    """``(case, arrays, names of the scores)``"""
    for path in files(oracle_dir, 'strict', 'gzlss_metric'):
        names = load(path)['score_names'].tolist()
        for case, arrays in cases(path).items():
            yield f'{path.name} {case}', arrays, names


def ours(scores, name):
    for family, (key, harmonic) in NAMES.items():
        if name.startswith(family):
            group = name[len(family) :].strip().lower()
            return (
                scores[harmonic]
                if group == 'harmonic'
                else scores[f'{key}_{group}' if group else key]
            )
    raise KeyError(name)


def test_all_scores(oracle_dir):
    for case, arrays, score_names in stored(oracle_dir):
        num_classes, num_seen, images = arrays['meta'].tolist()
        metric = METRICS.build(
            dict(
                type='GeneralizedZeroLabelMetric',
                num_seen=num_seen,
                all_scores=True,
            )
        )
        metric.dataset_meta = dict(
            classes=[str(k) for k in range(num_classes)]
        )
        for k in range(images):
            sample = SegDataSample(
                gt_sem_seg=PixelData(
                    data=torch.from_numpy(arrays[f'gt{k}'])[None]
                ),
                pred_sem_seg=PixelData(
                    data=torch.from_numpy(arrays[f'pred{k}'])[None]
                ),
            )
            metric.process({}, [sample.to_dict()])
        hit, _, predicted, truth = (
            torch.stack(c).double().sum(0).numpy()
            for c in zip(*metric.results)
        )
        scores = zero_label_scores(hit, predicted, truth, num_seen)
        np.testing.assert_allclose(
            scores['IoU'], arrays['class_iou'], atol=1e-9, err_msg=case
        )
        for name, expected in zip(score_names, arrays['scores']):
            np.testing.assert_allclose(
                ours(scores, name),
                expected,
                atol=1e-9,
                err_msg=f'{case}: {name}',
            )
        reported = metric.compute_metrics(metric.results)
        for key in ('mIoU_seen', 'mIoU_unseen', 'hIoU', 'mIoU', 'aAcc'):
            np.testing.assert_allclose(
                reported[key], 100 * scores[key], atol=0.005
            )
