from collections.abc import Sequence

import cv2
from mmcv.transforms import BaseTransform

from mmsemi.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CenterPadFields(BaseTransform):
    """Pad image and label map alike on opposite sides.

    For training: with the image in the middle of the canvas, random crops of
    a small image hold more of it than behind padding at the bottom and right
    (as in SPNet and STRICT).

    Args:
        size: height and width to reach; larger images stay as they are.
        pad_val: value for the image, before normalization, one number or one
            for each channel. The mean of the normalization becomes 0.
        seg_pad_val: value for the maps of ``seg_fields``.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        pad_val: float | Sequence[float] = 0,
        seg_pad_val: int = 255,
    ) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        self.pad_val = (
            (pad_val,) * 3
            if isinstance(pad_val, (int, float))
            else tuple(pad_val)
        )
        self.seg_pad_val = seg_pad_val

    def transform(self, results: dict) -> dict:
        height, width = results['img'].shape[:2]
        rows = max(self.size[0] - height, 0)
        columns = max(self.size[1] - width, 0)
        sides = (
            rows // 2,
            rows - rows // 2,
            columns // 2,
            columns - columns // 2,
        )
        if rows or columns:
            results['img'] = cv2.copyMakeBorder(
                results['img'], *sides, cv2.BORDER_CONSTANT, value=self.pad_val
            )
            for field in results.get('seg_fields', []):
                results[field] = cv2.copyMakeBorder(
                    results[field],
                    *sides,
                    cv2.BORDER_CONSTANT,
                    value=self.seg_pad_val,
                )
        results['img_shape'] = results['pad_shape'] = results['img'].shape[:2]
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(size={self.size}, '
            f'pad_val={self.pad_val}, seg_pad_val={self.seg_pad_val})'
        )
