"""Poly learning rate and confusion counts: existing parts agree."""

import numpy as np
import torch
from mmengine.optim import OptimWrapper
from mmseg.evaluation import IoUMetric

from mmsemi.evaluation import PseudoLabelQuality
from mmsemi.registry import PARAM_SCHEDULERS
from tests.oracles.kinds import cases, files


def test_poly_lr(oracle_dir):
    """mmengine's PolyLR as SelfTrainingLoop builds it, end = length + 1."""
    for path in files(oracle_dir, 'dst_cbc', 'poly_lr'):
        for name, case in cases(path).items():
            length = int(case['iters_per_epoch'] * case['epochs'])
            power = float(case.get('power', 0.9))
            groups = [
                dict(params=[torch.nn.Parameter(torch.zeros(1))])
                for _ in case['lr_groups'][0]
            ]
            optimizer = OptimWrapper(
                torch.optim.SGD(groups, lr=float(case['base_lr']))
            )
            schedule = PARAM_SCHEDULERS.build(
                dict(
                    type='PolyLR',
                    power=power,
                    eta_min=0.0,
                    by_epoch=False,
                    end=length + 1,
                    optimizer=optimizer,
                )
            )
            rates = []
            for _ in range(length + 1):
                rates.append([g['lr'] for g in groups])
                optimizer.optimizer.step()
                schedule.step()
            for iteration, expected in zip(
                case['iteration'], case['lr_groups']
            ):
                np.testing.assert_allclose(
                    rates[int(iteration)], expected, atol=1e-9, err_msg=name
                )


def test_confusion_matrix(oracle_dir):
    for path in files(oracle_dir, 'dst_cbc', 'confusion_matrix'):
        for name, case in cases(path).items():
            num_classes = int(case['num_classes'])
            quality = PseudoLabelQuality(num_classes)
            areas = torch.zeros(4, num_classes)
            for target, pred in zip(case['target'], case['pred']):
                quality.compare(pred, target)
                # mmseg counts a dropped prediction as a miss; masked, the
                # two agree.
                masked = torch.from_numpy(np.where(pred == 255, 255, target))
                areas += torch.stack(
                    IoUMetric.intersect_and_union(
                        torch.from_numpy(pred), masked, num_classes, 255
                    )
                )
            assert (quality.confusion == case['matrix']).all(), name
            with np.errstate(invalid='ignore'):
                found = np.diag(quality.confusion) / quality.confusion.sum(1)
            ours = quality.accuracy(), found, quality.iou()
            theirs = case['acc_global'], case['acc'], case['iou']
            for a, b in zip(ours, theirs):
                np.testing.assert_allclose(a, b, rtol=1e-6, err_msg=name)
            np.testing.assert_allclose(
                quality.iou().mean(), case['miou_official_mean'], rtol=1e-6
            )
            np.testing.assert_allclose(
                (areas[0] / areas[1]).numpy(), case['iou'], rtol=1e-6
            )
