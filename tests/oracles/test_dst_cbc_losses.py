"""Losses of DST-CBC and DMT against the official functions."""

import numpy as np
import pytest
import torch

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS
from tests.oracles.kinds import cases, files

# Our name and what the official code logs under another name.
STATS = dict(
    pseudo_disagree='stat_disagree',
    pseudo_live_wins='stat_current_win',
    avg_weight='stat_avg_weights',
    avg_ce='stat_loss',
)
DMT_LOSSES = dict(
    dmt=dict(type='DynamicMutualLoss'),
    naive=dict(type='NaiveMutualLoss', power=5),
    flip=dict(type='FlipLoss'),
    online=dict(
        type='OnlineSelfTrainingLoss', threshold=0.9, relabel_ignored=True
    ),
)


def run(cfg: dict, case: dict, labels, confidence):
    """Result of the objective, and the gradient by the logits."""
    logits = torch.tensor(case['logits'], requires_grad=True)
    split = max(int(case['split_index']), 0)
    mask = torch.arange(len(labels)) < split
    result = MODELS.build(cfg)(
        logits, Targets(labels, confidence, pseudo=mask)
    )
    result['loss_seg'].backward()
    return result, logits.grad


def check(name: str, case: dict, result: dict, grad) -> None:
    """Compare one case; where the official code fails, expect zeros."""
    loss = result['loss_seg'].item()
    failed = str(case.get('error', '')) or not np.isfinite(
        case.get('loss', np.nan)
    )
    if failed:
        assert loss == 0, name
        assert not grad.any(), name
        # Theirs is none, too, where it exists.
        assert not np.nan_to_num(case.get('grad', 0)).any(), name
        assert all(torch.isfinite(v) for v in result.values()), name
        return
    np.testing.assert_allclose(
        loss, case['loss'], rtol=1e-5, atol=1e-6, err_msg=name
    )
    np.testing.assert_allclose(
        grad, case['grad'], rtol=1e-4, atol=1e-6, err_msg=name
    )
    for ours, theirs in STATS.items():
        # -1: not computed by the official code on that path.
        if theirs in case and case[theirs] != -1:
            np.testing.assert_allclose(
                result[ours].item(),
                case[theirs],
                rtol=1e-5,
                atol=1e-6,
                err_msg=f'{name} {theirs}',
            )


@pytest.mark.parametrize('kind', ['dst_loss', 'offline_weight_loss'])
def test_dynamic_loss(oracle_dir, kind) -> None:
    for path in files(oracle_dir, 'dst_cbc', kind):
        for name, case in cases(path).items():
            labels = torch.tensor(case['targets'])
            confidence = None
            if kind == 'offline_weight_loss':
                stored = torch.tensor(case['offline_confidence'])
                confidence = torch.ones(labels.shape)
                confidence[: len(stored)] = stored
            cfg = dict(
                type='DynamicSelfTrainingLoss',
                gamma=float(case['gamma']),
                offline=confidence is not None,
            )
            check(name, case, *run(cfg, case, labels, confidence))


def test_dynamic_mutual_loss_and_its_ablations(oracle_dir) -> None:
    for path in files(oracle_dir, 'dst_cbc', 'dmt_loss'):
        for name, case in cases(path).items():
            cfg = dict(DMT_LOSSES[name.split('_')[0]])
            for gamma in ('gamma1', 'gamma2'):
                if gamma in case:
                    cfg[gamma] = float(case[gamma])
            targets = torch.tensor(case['targets'])
            labels, confidence = targets.long(), None
            if targets.ndim == 4:
                labels, confidence = targets[:, 0].long(), targets[:, 1]
            check(name, case, *run(cfg, case, labels, confidence))
