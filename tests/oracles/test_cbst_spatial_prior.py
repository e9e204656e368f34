"""Spatial prior of CBST-SP against the formula in float64."""

import numpy as np

from mmsemi.prepare.spatial_prior import count, spatial_prior
from tests.oracles.kinds import files, load


def test_spatial_prior(oracle_dir):
    for path in files(oracle_dir, 'cbst', 'formula_spatial_prior'):
        case = load(path)
        classes, *size = case['counts'].shape
        counts, number = count(case['labels'], classes, size)
        assert number == len(case['labels'])
        np.testing.assert_array_equal(counts, case['counts'])
        np.testing.assert_allclose(
            counts / number, case['frequency'], rtol=1e-6
        )
        prior = spatial_prior(counts, number, float(case['sigma_f64']))
        np.testing.assert_allclose(
            prior, case['prior_f64'], rtol=1e-6, atol=1e-15
        )
        total = case['smoothed'].sum((1, 2), keepdims=True)
        np.testing.assert_allclose(
            prior * total, case['smoothed'], rtol=1e-4, atol=1e-7
        )
