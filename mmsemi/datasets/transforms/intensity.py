"""Random changes of intensity, as many and as strong as chance has it."""

from collections.abc import Callable

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from PIL import Image, ImageEnhance, ImageOps

from mmsemi.registry import TRANSFORMS

from .photometric import gaussian_blur

Operation = Callable[[Image.Image, float], Image.Image]


def turn_hue(image: Image.Image, shift: float) -> Image.Image:
    """Turn the colors by a share of the circle."""
    hsv = np.array(image.convert('HSV'))
    hsv[..., 0] += np.uint8(round(255 * shift) % 256)  # around the circle
    return Image.fromarray(hsv, 'HSV').convert('RGB')


def blur(image: Image.Image, sigma: float) -> Image.Image:
    """See :func:`gaussian_blur`."""
    return Image.fromarray(gaussian_blur(np.array(image), sigma))


# Each with the range of its strength, which is uniform. Factors of Pillow:
# below 1 there is less of it.
LESS = (0.05, 0.95)
OPERATIONS: dict[str, tuple[Operation, tuple[float, float]]] = dict(
    identity=(lambda image, _: image, (0, 0)),
    autocontrast=(lambda image, _: ImageOps.autocontrast(image), (0, 0)),
    equalize=(lambda image, _: ImageOps.equalize(image), (0, 0)),
    blur=(blur, (0.1, 2.0)),
    contrast=(lambda image, v: ImageEnhance.Contrast(image).enhance(v), LESS),
    brightness=(
        lambda image, v: ImageEnhance.Brightness(image).enhance(v),
        LESS,
    ),
    color=(lambda image, v: ImageEnhance.Color(image).enhance(v), LESS),
    sharpness=(
        lambda image, v: ImageEnhance.Sharpness(image).enhance(v),
        LESS,
    ),
    # Kept bits 4 to 7, thresholds 1 to 255.
    posterize=(lambda image, v: ImageOps.posterize(image, int(v)), (4, 8)),
    solarize=(lambda image, v: ImageOps.solarize(image, int(v)), (1, 256)),
    hue=(turn_hue, (-0.5, 0.5)),
)


@TRANSFORMS.register_module()
class RandomIntensityAug(BaseTransform):
    """One to three changes of intensity, drawn with replacement.

    The augmentation of AugSeg (Zhao et al., CVPR 2023): how many, which and
    how strong are all uniform, in contrast to RandAugment's fixed strength;
    none inverts the image. For images as loaded, BGR in 0-255.

    Args:
        max_number: most changes of an image.
        operations: names of :data:`OPERATIONS`; all by default.
    """

    def __init__(
        self, max_number: int = 3, operations: tuple[str, ...] | None = None
    ) -> None:
        self.names = tuple(operations or OPERATIONS)
        unknown = sorted(set(self.names) - set(OPERATIONS))
        if unknown:
            raise ValueError(
                f'RandomIntensityAug has no operation {", ".join(unknown)}; '
                f'there are {", ".join(OPERATIONS)}'
            )
        if max_number < 1:
            raise ValueError(
                f'max_number must be at least 1, got {max_number}'
            )
        self.max_number = max_number

    @cache_randomness
    def _draw(self) -> list[tuple[str, float]]:
        number = np.random.randint(1, self.max_number + 1)
        names = np.random.choice(self.names, number).tolist()
        return [
            (name, np.random.uniform(*OPERATIONS[name][1])) for name in names
        ]

    def transform(self, results: dict) -> dict:
        img = results['img']
        image = Image.fromarray(img.round().astype(np.uint8)[..., ::-1].copy())
        for name, strength in self._draw():
            image = OPERATIONS[name][0](image, strength)
        changed = np.array(image)[..., ::-1]
        results['img'] = np.ascontiguousarray(changed).astype(img.dtype)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(max_number={self.max_number})'
