"""Transforms of UniMatch against its released code."""

import numpy as np
import pytest

from mmsemi.datasets.transforms.photometric import box_kernel, gaussian_blur
from tests.oracles.kinds import files, load


def test_blur(oracle_dir) -> None:
    """Within a gray level of Pillow's filter."""
    for path in files(oracle_dir, 'unimatch', 'blur'):
        z = load(path)
        for sigma, expected in zip(z['sigma_f64'], z['out']):
            ours = gaussian_blur(z['img'], float(sigma)).astype(int)
            assert np.abs(ours - expected).max() <= 1, (path.name, sigma)


@pytest.mark.parametrize('sigma', [0.1, 0.3, 0.45, 0.5, 1.0, 2.0, 7.5])
def test_a_blur_has_its_variance(sigma) -> None:
    """Also where it is narrower than a pixel."""
    kernel = box_kernel(sigma)
    assert len(kernel) % 2 and (kernel >= 0).all()
    whole = np.convolve(np.convolve(kernel, kernel), kernel)
    x = np.arange(len(whole)) - len(whole) // 2
    assert whole.sum() == pytest.approx(1, abs=1e-6)
    assert (whole * x**2).sum() == pytest.approx(sigma**2, rel=1e-4)
    image = np.zeros((65, 65, 3))
    image[32, 32] = 1
    blurred = gaussian_blur(image, sigma)
    place = np.arange(65) - 32
    for axis in (0, 1):
        spread = (blurred[..., 0].sum(axis) * place**2).sum()
        assert spread == pytest.approx(sigma**2, rel=1e-4)
