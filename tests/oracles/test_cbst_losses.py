"""Losses of CRST's code and its regularizers."""

import numpy as np
import pytest
import torch

from mmsemi.models.losses import ConfidenceRegularizedLoss
from mmsemi.models.losses.confidence_regularized_loss import REGULARIZERS
from mmsemi.models.targets import Targets
from tests.oracles.kinds import files, load


def test_crst_loss(oracle_dir):
    for path in files(oracle_dir, 'cbst', 'crst_loss'):
        case = load(path)
        weights = case['reg_weights_f64']
        given = weights[weights > 0]
        assert (given == given[:1]).all(), 'one weight for all target images'
        alpha = float(case['mr_weight_kld_f64'] * given.max(initial=0))
        if 'effective_alpha_f64' in case:
            assert alpha == pytest.approx(float(case['effective_alpha_f64']))
        loss = ConfidenceRegularizedLoss('kld', loss_weight=alpha)
        logits = torch.from_numpy(case['logits']).requires_grad_()
        soft = None
        if 'soft_label' in case:
            soft = torch.from_numpy(case['soft_label'])
            labels = soft.argmax(1).masked_fill(soft.sum(1) == 0, 255)
        else:
            labels = torch.from_numpy(case['label'])
        assert (labels != 255).sum() == int(case['valid_num'])
        result = loss(
            logits,
            Targets(labels, pseudo=torch.from_numpy(weights > 0), soft=soft),
        )
        total = result['loss_seg'] + result['loss_reg']
        total.backward()
        # A batch without a valid pixel: 0 / 0 there, 0 here.
        wanted = np.nan_to_num(float(case['loss_f64']))
        assert total.item() == pytest.approx(wanted, rel=2e-4, abs=1e-9)
        np.testing.assert_allclose(
            logits.grad, np.nan_to_num(case['grad']), atol=1e-6
        )
        if 'ce_sum_f64' in case:
            assert result['loss_seg'].item() * int(
                case['valid_num']
            ) == pytest.approx(float(case['ce_sum_f64']), rel=2e-4)
            regular = result['loss_reg'].item() * int(case['valid_reg_num'])
            assert regular == pytest.approx(
                alpha * float(case['kld_sum_unweighted_f64']), rel=2e-4
            )


@pytest.mark.parametrize('name', sorted(REGULARIZERS))
def test_regularizers(oracle_dir, name):
    for path in files(oracle_dir, 'cbst', 'formula_regularisers'):
        arrays = load(path)
        if f'mr{name}_per_pixel' not in arrays:
            continue
        logits = torch.from_numpy(arrays['logits']).requires_grad_()
        valid = torch.from_numpy(arrays['ignored']) == 0
        official = arrays.part(f'mr{name}_')
        values = REGULARIZERS[name](logits)
        np.testing.assert_allclose(
            values.detach()[valid],
            official['per_pixel'][valid],
            rtol=1e-5,
            atol=1e-5,
        )
        total = (values * valid).sum()
        assert total.item() == pytest.approx(
            float(official['sum_f64']), rel=1e-5, abs=1e-5
        )
        total.backward()
        np.testing.assert_allclose(logits.grad, official['grad'], atol=1e-5)
