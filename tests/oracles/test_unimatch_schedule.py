"""The learning rates of UniMatch and CPS are those of mmengine's PolyLR."""

import numpy as np
import pytest

from tests.oracles.kinds import files, load
from tests.oracles.poly import poly_rates


@pytest.mark.parametrize('kind', ['poly_lr', 'cps_poly_lr'])
def test_poly_lr(oracle_dir, kind) -> None:
    for path in files(oracle_dir, 'unimatch', kind):
        z = load(path)
        rate = float(z['base_lr_f64'])
        factors = dict(lr_f64=1.0)
        if 'lr_backbone_f64' in z:
            head = float(z['lr_multi_f64'])
            factors = dict(lr_backbone_f64=1.0, lr_head_f64=head)
        ours = poly_rates(
            [rate * factor for factor in factors.values()],
            int(z['total_iters']),
            float(z.get('power_f64', 0.9)),
            z['iters'],
        )
        for key, column in zip(factors, ours.T):
            np.testing.assert_allclose(
                column, z[key], rtol=1e-12, err_msg=f'{path.name} {key}'
            )
