from collections.abc import Sequence

from mmcv.transforms import BaseTransform

from mmsemi.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CenterCropFields(BaseTransform):
    """Keep the middle of image and label map.

    With :class:`CenterPadFields` before it, image and labels of one fixed
    size: how U2PL and AEL evaluate VOC (513, labels padded with 0,
    background).
    Offsets are rounded down; mmcv's ``CenterCrop`` rounds to even.

    Args:
        size: height and width; a smaller image stays as it is.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)

    def transform(self, results: dict) -> dict:
        height, width = results['img'].shape[:2]
        top = max(height - self.size[0], 0) // 2
        left = max(width - self.size[1], 0) // 2
        part = (
            slice(top, top + self.size[0]),
            slice(left, left + self.size[1]),
        )
        for field in ['img', *results.get('seg_fields', [])]:
            results[field] = results[field][part].copy()
        results['img_shape'] = results['pad_shape'] = results['img'].shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(size={self.size})'
