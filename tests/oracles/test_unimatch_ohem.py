"""Online hard example mining of UniMatch and CPS."""

import torch

from mmsemi.models.losses import OHEMCrossEntropyLoss
from tests.oracles.kinds import files, load


def test_ohem(oracle_dir) -> None:
    for path in files(oracle_dir, 'unimatch', 'ohem'):
        case = load(path, torch.from_numpy)
        criterion = OHEMCrossEntropyLoss(
            float(case['thresh']), int(case['min_kept'])
        )
        pred = case['pred'].requires_grad_()
        loss = criterion(pred, case['target'])
        loss.backward()
        # Without a valid pixel the official mean is NaN.
        for ours, key in ((loss.detach(), 'loss'), (pred.grad, 'grad')):
            torch.testing.assert_close(
                ours, case[key].nan_to_num(0), rtol=1e-5, atol=1e-7
            )
