import colorsys

import numpy as np
import pytest
from PIL import Image

from mmsemi.datasets.transforms.photometric import adjust_hue
from mmsemi.registry import TRANSFORMS


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)


def jitter(image, **cfg):
    cfg = dict(
        dict(brightness=0, contrast=0, saturation=0, hue=0, prob=1), **cfg
    )
    np.random.seed(0)
    transform = TRANSFORMS.build(dict(type='ColorJitter', **cfg))
    return transform(dict(img=image.copy()))['img']


def test_brightness_multiplies(image) -> None:
    changed = jitter(image, brightness=0.5)
    dark = (image > 20) & (changed < 255)
    ratio = changed[dark] / image[dark]
    assert 0.5 <= ratio.mean() <= 1.5 and ratio.std() < 0.02
    assert abs(ratio.mean() - 1) > 0.01


def test_contrast_and_saturation_keep_grey(image) -> None:
    gray = np.repeat(image[..., :1], 3, -1)
    assert np.abs(jitter(gray, saturation=0.9).astype(int) - gray).max() <= 1
    flat = np.full_like(image, 99)
    assert np.abs(jitter(flat, contrast=0.9).astype(int) - 99).max() <= 1
    assert jitter(image, contrast=0.5).std() != image.std()


def test_hue_turns_colors(image) -> None:
    turned = adjust_hue(image.astype(np.float32) / 255, 0.2)
    for before, after in zip(image.reshape(-1, 3), turned.reshape(-1, 3)):
        h, s, v = colorsys.rgb_to_hsv(*(before[::-1] / 255))
        expected = colorsys.hsv_to_rgb((h + 0.2) % 1, s, v)
        np.testing.assert_allclose(after[::-1], expected, atol=5e-3)


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_types_and_chance(image, dtype) -> None:
    image = image.astype(dtype)
    cfg = dict(brightness=0.5, contrast=0.5, saturation=0.5, hue=0.25)
    changed = jitter(image, **cfg)
    assert changed.dtype == dtype and changed.shape == image.shape
    assert 0 <= changed.min() and changed.max() <= 255
    assert not np.array_equal(changed, image)
    assert np.array_equal(jitter(image, prob=0, **cfg), image)
    blur = TRANSFORMS.build(
        dict(type='RandomGaussianBlur', sigma=(1.0, 2.0), prob=1.0)
    )
    blurred = blur(dict(img=image.copy()))['img']
    assert blurred.dtype == dtype and blurred.std() < image.std()


def test_strong_pipeline_keeps_geometry(image) -> None:
    """Ours and mmcv's parts together, as the configs name them."""
    results = dict(
        img=np.repeat(np.repeat(image, 9, 0), 9, 1),
        gt_seg_map=image[..., 0].copy(),
    )
    before = results['gt_seg_map'].copy()
    for step in (
        dict(type='ColorJitter'),
        dict(type='RandomGray', prob=1.0),
        dict(type='RandomGaussianBlur', prob=1.0),
    ):
        results = TRANSFORMS.build(step)(results)
    assert results['img'].shape == (81, 63, 3)
    assert np.ptp(results['img'], axis=-1).max() == 0
    assert np.array_equal(results['gt_seg_map'], before)


@pytest.mark.parametrize('dtype', [np.uint8, np.float32, np.float64])
def test_gray_is_that_of_pillow(image, dtype) -> None:
    image = image.astype(dtype)
    gray = TRANSFORMS.build(dict(type='RandomGray', prob=1.0))
    found = gray(dict(img=image))['img']
    assert found.dtype == dtype and found.shape == image.shape
    assert np.ptp(found, axis=-1).max() == 0
    pil = Image.fromarray(image.astype(np.uint8)[..., ::-1]).convert('L')
    difference = found[..., 0].astype(float) - np.array(pil, float)
    assert np.abs(difference).max() <= 1
    # Images that stay keep their decimals, and other bands are not colors.
    never = TRANSFORMS.build(dict(type='RandomGray', prob=0.0))
    half = image + np.float32(0.5)
    assert never(dict(img=half))['img'] is half
    bands = np.zeros((4, 4, 5), dtype)
    assert gray(dict(img=bands))['img'] is bands
    with pytest.raises(ValueError, match='prob must lie in 0..1, got 2'):
        TRANSFORMS.build(dict(type='RandomGray', prob=2))


def test_wrong_settings() -> None:
    for cfg in (dict(hue=0.6), dict(brightness=-1)):
        with pytest.raises(ValueError, match='hue'):
            TRANSFORMS.build(dict(type='ColorJitter', **cfg))
    with pytest.raises(ValueError, match='sigma'):
        TRANSFORMS.build(dict(type='RandomGaussianBlur', sigma=0))


def test_boxes_of_noise_have_no_label() -> None:
    """Of 2 to 40 % of the image, in half of the cases."""
    np.random.seed(0)
    cut = TRANSFORMS.build(dict(type='NoiseCutOut'))
    img = np.full((60, 80, 3), 7, np.uint8)
    labels = np.ones((60, 80), np.uint8)
    applied, values = 0, []
    for _ in range(200):
        item = dict(
            img=img,
            gt_seg_map=labels,
            gt_confidence=np.ones((60, 80), np.float32),
            soft=np.ones((60, 80, 3), np.uint8),
            seg_fields=['gt_seg_map', 'gt_confidence', 'soft'],
        )
        found = cut(item)
        inside = found['gt_seg_map'] == 255
        assert (found['gt_seg_map'][~inside] == 1).all()
        assert ((found['gt_confidence'] == 0) == inside).all()
        assert (found['soft'][~inside] == 1).all()
        assert not found['soft'][inside].any()
        assert (found['img'][~inside] == 7).all()
        if inside.any():
            applied += 1
            rows, columns = inside.any(1).sum(), inside.any(0).sum()
            assert inside.sum() == rows * columns
            assert 0.01 < inside.mean() <= 0.4
            values.append(found['img'][inside].ravel())
    assert 80 < applied < 120 and (img == 7).all() and (labels == 1).all()
    noise = np.concatenate(values)
    assert noise.min() == 0 and noise.max() == 255
    assert abs(noise.mean() - 127.5) < 0.5
    with pytest.raises(ValueError, match='area'):
        TRANSFORMS.build(dict(type='NoiseCutOut', area=(0.4, 0.02)))


def test_intensity_changes_are_those_of_pillow(image) -> None:
    from PIL import Image, ImageEnhance, ImageOps

    from mmsemi.datasets.transforms.intensity import OPERATIONS

    rgb = Image.fromarray(image[..., ::-1].copy())
    wanted = dict(
        identity=(rgb, 0),
        autocontrast=(ImageOps.autocontrast(rgb), 0),
        equalize=(ImageOps.equalize(rgb), 0),
        contrast=(ImageEnhance.Contrast(rgb).enhance(0.3), 0.3),
        brightness=(ImageEnhance.Brightness(rgb).enhance(0.3), 0.3),
        color=(ImageEnhance.Color(rgb).enhance(0.3), 0.3),
        sharpness=(ImageEnhance.Sharpness(rgb).enhance(0.3), 0.3),
        posterize=(ImageOps.posterize(rgb, 5), 5.7),
        solarize=(ImageOps.solarize(rgb, 99), 99.2),
    )
    for name, (result, strength) in wanted.items():
        step = TRANSFORMS.build(
            dict(type='RandomIntensityAug', max_number=1, operations=(name,))
        )
        step._draw = lambda name=name, value=strength: [(name, value)]
        found = step(dict(img=image.copy()))['img']
        assert np.array_equal(found[..., ::-1], np.array(result)), name
    assert set(OPERATIONS) - set(wanted) == {'blur', 'hue'}
    turned = np.array(OPERATIONS['hue'][0](rgb, 0.5))
    back = np.array(OPERATIONS['hue'][0](Image.fromarray(turned), -0.5))
    assert np.abs(back.astype(int) - np.array(rgb)).mean() < 6
    assert np.abs(turned.astype(int) - np.array(rgb)).mean() > 20


def test_number_and_strength_are_uniform() -> None:
    np.random.seed(0)
    step = TRANSFORMS.build(dict(type='RandomIntensityAug'))
    drawn = [step._draw() for _ in range(3000)]
    numbers = np.bincount([len(part) for part in drawn])[1:]
    assert len(numbers) == 3 and (abs(numbers / 1000 - 1) < 0.1).all()
    found: dict = {}
    for name, value in sum(drawn, []):
        found.setdefault(name, []).append(value)
    assert len(found) == 11
    for name, low, high in (
        ('contrast', 0.05, 0.95),
        ('blur', 0.1, 2.0),
        ('hue', -0.5, 0.5),
        ('posterize', 4, 8),
        ('solarize', 1, 256),
    ):
        values = np.array(found[name])
        assert abs(len(values) / 6000 * 11 - 1) < 0.25
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high > values.max() > high - 0.05 * (high - low)
        assert abs(values.mean() - (low + high) / 2) < 0.06 * (high - low)
    with pytest.raises(ValueError, match='no operation invert'):
        TRANSFORMS.build(
            dict(type='RandomIntensityAug', operations=('invert',))
        )


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_intensity_keeps_the_type(image, dtype) -> None:
    np.random.seed(1)
    step = TRANSFORMS.build(dict(type='RandomIntensityAug'))
    results = [step(dict(img=image.astype(dtype)))['img'] for _ in range(20)]
    assert all(r.dtype == dtype and r.shape == image.shape for r in results)
    assert sum(not np.array_equal(r, image) for r in results) > 10
