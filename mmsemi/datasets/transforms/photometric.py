"""Strong photometric augmentation: colors and sharpness, no geometry."""

from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmsemi.registry import TRANSFORMS

GRAY = np.array([0.114, 0.587, 0.299], dtype=np.float32)  # of B, G, R


def is_color(img: np.ndarray) -> bool:
    """Whether an image has three bands."""
    return img.ndim == 3 and img.shape[2] == 3


def mean_gray(img: np.ndarray) -> float:
    """Mean gray of an image; of other bands than three, their mean."""
    if not is_color(img):
        return float(img.mean())
    return float(np.dot(cv2.mean(img)[:3], GRAY))


def clipped(img: np.ndarray) -> np.ndarray:
    """Values below 0 and above 1 cut off, in place."""
    return np.clip(img, 0, 1, out=img)


def adjust_brightness(img: np.ndarray, factor: float) -> np.ndarray:
    """Float32 BGR image in [0, 1], darkened or brightened."""
    return clipped(img * factor)


def adjust_contrast(img: np.ndarray, factor: float) -> np.ndarray:
    """The same, away from or towards its mean gray, see :func:`mean_gray`."""
    changed = img * factor
    changed += np.float32((1 - factor) * mean_gray(img))
    return clipped(changed)


def adjust_saturation(img: np.ndarray, factor: float) -> np.ndarray:
    """The same, away from or towards its gray version."""
    matrix = factor * np.eye(3) + (1 - factor) * np.tile(GRAY, (3, 1))
    return clipped(cv2.transform(img, matrix.astype(np.float32)))


def adjust_hue(img: np.ndarray, shift: float) -> np.ndarray:
    """The same, its colors turned by a share of the circle."""
    hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV)
    # OpenCV takes angles of up to two turns for what they mean in one.
    hsv[..., 0] += np.float32(360 * (shift % 1))
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Change brightness, contrast, saturation and hue in random order.

    What torchvision's transform of this name does, for BGR images as loaded
    (uint8, or float in 0-255). mmcv has none, and mmseg's
    ``PhotoMetricDistortion`` draws other ranges. UniMatch and its kin use
    (0.5, 0.5, 0.5, 0.25) with probability 0.8. Images of other bands than
    three have neither saturation nor hue, so these stay.

    Args:
        brightness, contrast, saturation: the factor is uniform in
            [1 - x, 1 + x], not below 0.
        hue: the shift is uniform in [-x, x], in turns; at most 0.5.
        prob: probability of changing anything.
    """

    def __init__(
        self,
        brightness: float = 0.5,
        contrast: float = 0.5,
        saturation: float = 0.5,
        hue: float = 0.25,
        prob: float = 0.8,
    ) -> None:
        ranges = (brightness, contrast, saturation, hue)
        if min(ranges) < 0 or hue > 0.5:
            raise ValueError(
                'ColorJitter: ranges are not negative and hue '
                f'is at most 0.5, got {ranges}'
            )
        self.ranges = ranges
        self.prob = prob

    @cache_randomness
    def _draw(self) -> tuple[bool, np.ndarray, Sequence[float]]:
        low = [max(1 - x, 0) for x in self.ranges[:3]] + [-self.ranges[3]]
        high = [1 + x for x in self.ranges[:3]] + [self.ranges[3]]
        return (
            np.random.random() < self.prob,
            np.random.permutation(4),
            np.random.uniform(low, high),
        )

    def transform(self, results: dict) -> dict:
        applied, order, values = self._draw()
        if not applied:
            return results
        dtype = results['img'].dtype
        img = results['img'].astype(np.float32)
        img /= 255
        steps = (
            adjust_brightness,
            adjust_contrast,
            adjust_saturation,
            adjust_hue,
        )
        known = len(steps) if is_color(img) else 2
        for k in order:
            if self.ranges[k] and k < known:
                img = steps[k](img, np.float32(values[k]))
        img *= 255
        if dtype == np.uint8:
            np.round(img, out=img)
        results['img'] = img.astype(dtype, copy=False)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(ranges={self.ranges}, prob={self.prob})'


@TRANSFORMS.register_module()
class RandomGray(BaseTransform):
    """Make an image gray, in three equal bands.

    What torchvision's ``RandomGrayscale`` does, for BGR images of any type;
    8-bit values are rounded. mmcv's transform of that name cuts decimals off,
    also of images that it leaves as they are, and takes many times as long.
    Images of other bands than three stay.

    Args:
        prob: probability of making it gray.
    """

    def __init__(self, prob: float = 0.2) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must lie in 0..1, got {prob}')
        self.prob = prob

    @cache_randomness
    def _draw(self) -> bool:
        return np.random.random() < self.prob

    def transform(self, results: dict) -> dict:
        img = results['img']
        if self._draw() and is_color(img):
            if img.dtype != np.uint8:
                img = img.astype(np.float32, copy=False)
            gray = cv2.cvtColor(img, cv2.COLOR_BGR2GRAY)
            gray = gray.astype(results['img'].dtype, copy=False)
            results['img'] = np.repeat(gray[..., None], 3, axis=2)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob})'


def box_kernel(sigma: float, passes: int = 3) -> np.ndarray:
    """Box that has the variance of a Gaussian after so many passes.

    Its two outer weights are less than the rest, which gives it any variance
    (Gwosdek et al., Theoretical Foundations of Gaussian Convolution by
    Extended Box Filtering, 2011).

    Returns:
        Odd number of float64 weights with sum 1, to 24 bits as Pillow's.
    """
    variance = sigma**2 / passes
    side = int((np.sqrt(12 * variance + 1) - 1) / 2)
    edge = (2 * side + 1) * (side * (side + 1) - 3 * variance)
    edge /= 6 * (variance - (side + 1) ** 2)
    inner = int(np.float32(2**24) / np.float32(2 * (side + edge) + 1))
    kernel = np.full(2 * side + 3, inner, np.float64)
    kernel[[0, -1]] = (2**24 - (2 * side + 1) * inner) // 2
    return kernel / 2**24


def gaussian_blur(img: np.ndarray, sigma: float) -> np.ndarray:
    """Image (H, W) or (H, W, B) of any 8-bit or float type, blurred.

    Three boxes along rows, then columns, with 8-bit images rounded after
    each: Pillow's filter, which the published code calls. OpenCV's takes the
    Gaussian at whole pixels, which loses its variance where sigma is small:
    below 0.5 it does almost nothing.
    """
    kernel, one = box_kernel(sigma), np.ones(1)
    blurred = img.astype(np.float64)
    for rows, columns in 3 * [(kernel, one)] + 3 * [(one, kernel)]:
        blurred = cv2.sepFilter2D(
            blurred, -1, rows, columns, borderType=cv2.BORDER_REPLICATE
        )
        if img.dtype == np.uint8:
            blurred = np.floor(blurred + 0.5)
    return blurred.reshape(img.shape).astype(img.dtype)


@TRANSFORMS.register_module()
class RandomGaussianBlur(BaseTransform):
    """Blur an image.

    Args:
        sigma: in pixels; a number, or the range it is uniform in.
        prob: probability of blurring.
    """

    def __init__(
        self,
        sigma: float | tuple[float, float] = (0.1, 2.0),
        prob: float = 0.5,
    ) -> None:
        self.sigma = (
            tuple(sigma)
            if isinstance(sigma, (list, tuple))
            else (sigma, sigma)
        )
        if not 0 < self.sigma[0] <= self.sigma[1]:
            raise ValueError(f'sigma must be positive, got {sigma}')
        self.prob = prob

    @cache_randomness
    def _draw(self) -> tuple[bool, float]:
        return (np.random.random() < self.prob, np.random.uniform(*self.sigma))

    def transform(self, results: dict) -> dict:
        applied, sigma = self._draw()
        if applied:
            results['img'] = gaussian_blur(results['img'], sigma)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(sigma={self.sigma}, prob={self.prob})'
