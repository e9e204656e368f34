"""Transforms of UniMatch against its released code."""

import numpy as np

from mmsemi.datasets.transforms.photometric import gaussian_blur
from tests.oracles.kinds import files


def test_blur(oracle_dir) -> None:
    """Pillow's blur is itself an approximation; 6 gray levels are allowed."""
    for path in files(oracle_dir, 'unimatch', 'blur'):
        z = np.load(path)
        for sigma, expected in zip(z['sigma_f64'], z['out']):
            ours = gaussian_blur(z['img'], float(sigma)).astype(int)
            assert np.abs(ours - expected).max() <= 6
            assert np.abs(ours - expected).mean() < 1
