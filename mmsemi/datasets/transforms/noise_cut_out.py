import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmsemi.ops.boxes import random_area_boxes
from mmsemi.registry import TRANSFORMS
from mmsemi.utils.labels import IGNORE


@TRANSFORMS.register_module()
class NoiseCutOut(BaseTransform):
    """Put noise in the place of a box, and no label.

    The Cutout of ST++ (Yang et al., CVPR 2022): every pixel and channel of
    the box is uniform in 0-255, its labels are 255.

    Args:
        prob: probability of cutting.
        area: range of the share of the image.
        ratio: height / width lies between this and its inverse.
    """

    def __init__(
        self,
        prob: float = 0.5,
        area: tuple[float, float] = (0.02, 0.4),
        ratio: float = 0.3,
    ) -> None:
        if not 0 <= area[0] <= area[1] <= 1 or not 0 < ratio <= 1:
            raise ValueError(
                'NoiseCutOut: area is a range in [0, 1] and ratio lies in '
                f'(0, 1], got {area} and {ratio}'
            )
        self.prob, self.area, self.ratio = prob, area, ratio

    @cache_randomness
    def _draw(self, height: int, width: int) -> tuple[slice, slice] | None:
        if np.random.random() >= self.prob:
            return None
        boxes = random_area_boxes(
            1, height, width, area=self.area, ratio=self.ratio
        )
        top, left, bottom, right = boxes[0, 0].tolist()
        return slice(top, bottom), slice(left, right)

    def transform(self, results: dict) -> dict:
        img = results['img']
        inside = self._draw(*img.shape[:2])
        if inside is None:
            return results
        results['img'] = img = img.copy()
        noise = np.random.randint(0, 256, img[inside].shape, np.uint8)
        img[inside] = noise.astype(img.dtype)
        for field in results.get('seg_fields', []):
            array = results[field].copy()
            # Confidences and soft labels are 0, as on padding.
            labels = array.ndim == 2 and array.dtype == np.uint8
            array[inside] = IGNORE if labels else 0
            results[field] = array
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(prob={self.prob}, area={self.area}, '
            f'ratio={self.ratio})'
        )
