"""Transforms of UniMatch against its released code."""

import numpy as np
import pytest
import torch

from mmsemi.datasets.transforms.photometric import box_kernel, gaussian_blur
from mmsemi.registry import MODELS, TRANSFORMS
from tests.oracles.kinds import files, load, numbered


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


def test_weak_augmentation(oracle_dir) -> None:
    """Of mmseg's and our transforms, with Pillow's resizing."""
    for path in files(oracle_dir, 'unimatch', 'weak_aug'):
        for name, case in numbered(path).items():
            results = weak_view(case)
            image, mask = results['img'], results['gt_seg_map']
            assert np.array_equal(mask, case['out_mask']), name
            assert np.array_equal(mask, case['norm_mask']), name
            off = np.abs(image[..., ::-1].astype(int) - case['out_img'])
            assert off.max() <= 1, name
            normalized = preprocessor()(
                dict(
                    inputs=[torch.from_numpy(image.transpose(2, 0, 1).copy())]
                )
            )['inputs'][0]
            np.testing.assert_allclose(
                normalized, case['norm_img'], rtol=0, atol=2e-2, err_msg=name
            )


def weak_view(case) -> dict:
    """Image (BGR) and mask through the transforms, with recorded draws."""
    size = int(case['size'])
    height, width = case['resized_hw'].tolist()
    assert max(height, width) == case['long_side']
    results = dict(
        img=case['img'][..., ::-1].copy(),
        gt_seg_map=case['mask'].copy(),
        seg_fields=['gt_seg_map'],
        img_shape=case['img'].shape[:2],
    )
    for cfg in (
        dict(type='Resize', scale=(width, height), backend='pillow'),
        dict(
            type='PadSegFields',
            size=(size, size),
            seg_pad_val=int(case['ignore_value']),
        ),
    ):
        results = TRANSFORMS.build(cfg)(results)
    x, y = int(case['crop_x']), int(case['crop_y'])
    crop = TRANSFORMS.build(dict(type='RandomCrop', crop_size=(size, size)))
    crop.crop_bbox = lambda results: (y, y + size, x, x + size)
    results = crop(results)
    if case['flip_draw_f64'] < 0.5:
        flip = dict(type='RandomFlip', prob=1.0)
        results = TRANSFORMS.build(flip)(results)
    return results


def preprocessor():
    """Normalization by the figures of ImageNet, of BGR images."""
    return MODELS.build(
        dict(
            type='SegDataPreProcessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
        )
    )
