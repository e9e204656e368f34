from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.datasets.transforms import Resize

from mmsemi.registry import TRANSFORMS


def nearest_indices(source: int, target: int) -> np.ndarray:
    """Source index of every target index, as in torch's ``interpolate``.

    ``floor(i * source / target)`` with the ratio in float32. OpenCV rounds
    the ratio otherwise and takes the neighbor where the product is a whole
    number, about once in twenty sizes.
    """
    ratio = np.float32(source) / np.float32(target)
    indices = np.floor(np.arange(target, dtype=np.float32) * ratio)
    return np.minimum(indices.astype(np.int64), source - 1)


def resize_soft(soft: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize soft labels (h, w, C) to ``size``, height first; bilinear."""
    resized = cv2.resize(
        soft, (size[1], size[0]), interpolation=cv2.INTER_LINEAR
    )
    return resized.reshape(*size, -1)


@TRANSFORMS.register_module()
class TorchResize(Resize):
    """mmseg's ``Resize`` at the sampling points of PyTorch.

    DST-CBC and DMT resize with ``torch.nn.functional.interpolate``. On float
    images OpenCV's bilinear is the same (align_corners=False, no antialias);
    maps of ``seg_fields`` need the index of :func:`nearest_indices`, and
    those with channels, soft labels, are interpolated like images.
    Usable as ``resize_type`` of ``RandomResize``.
    """

    def transform(self, results: dict) -> dict:
        fields = results.get('seg_fields', [])
        # mmseg's own has no maps to resize then.
        results = super().transform({**results, 'seg_fields': []})
        results['seg_fields'] = fields
        height, width = results['img'].shape[:2]
        for field in fields:
            array = results[field]
            if array.ndim == 3:
                results[field] = resize_soft(array, (height, width))
                continue
            rows = nearest_indices(array.shape[0], height)
            columns = nearest_indices(array.shape[1], width)
            # Whole rows first: both at once take five times as long.
            results[field] = array[rows][:, columns]
        return results


@TRANSFORMS.register_module()
class RandomScale(BaseTransform):
    """Resize an image by a random factor of its own size.

    mmcv's ``RandomResize`` scales one size given for all images; here each
    image keeps its proportions and the factor is relative to it. Sides are
    ``int(factor * side)`` as in DMT, but a pixel at least.

    Args:
        ratio_range: the factor is uniform between these.
        resize: config of the transform that does it, without ``scale``;
            :class:`TorchResize` by default.
    """

    def __init__(
        self, ratio_range: tuple[float, float], resize: dict | None = None
    ) -> None:
        self.ratio_range = tuple(ratio_range)
        self.resize = TRANSFORMS.build(
            dict(resize or dict(type='TorchResize'), scale=(1, 1))
        )

    @cache_randomness
    def _factor(self) -> float:
        return np.random.uniform(*self.ratio_range)

    def transform(self, results: dict) -> dict:
        factor = self._factor()
        height, width = results['img'].shape[:2]
        self.resize.scale = (
            max(int(factor * width), 1),
            max(int(factor * height), 1),
        )
        return self.resize(results)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(ratio_range={self.ratio_range})'


@TRANSFORMS.register_module()
class PadSegFields(BaseTransform):
    """Pad the image and every map of ``seg_fields`` at the bottom and right.

    mmcv's ``Pad`` leaves maps other than ``gt_seg_map`` as they are. Put it
    before ``LoadAnnotations`` in a test pipeline: labels then keep the size of
    the image, and ``predict`` cuts the padding off by ``img_padding_size``
    = (left, right, top, bottom).

    Args:
        size: height and width to reach; larger images stay as they are.
        pad_val: value for the image, before normalization: 0 is black, as in
            DST-CBC and DMT.
        seg_pad_val: value for maps, but 0 for soft labels: of padding no
            class has a share.
        field_pad_val: values for single maps by name, which win over
            ``seg_pad_val``.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        pad_val: float = 0,
        seg_pad_val: int = 255,
        field_pad_val: dict[str, float] | None = None,
    ) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val
        self.field_pad_val = field_pad_val or dict(gt_confidence=0)

    def transform(self, results: dict) -> dict:
        height, width = results['img'].shape[:2]
        bottom = max(self.size[0] - height, 0)
        right = max(self.size[1] - width, 0)

        def padded(array: np.ndarray, value: float) -> np.ndarray:
            if not bottom and not right:
                return array
            soft = array.ndim == 3 and array is not results['img']
            if soft or array.shape[2:] > (4,):  # OpenCV takes four bands
                sides = ((0, bottom), (0, right), (0, 0))
                fill = 0 if soft else value
                return np.pad(array, sides, constant_values=fill)
            return cv2.copyMakeBorder(
                array,
                0,
                bottom,
                0,
                right,
                cv2.BORDER_CONSTANT,
                value=(value,) * 4,
            )

        for field in results.get('seg_fields', []):
            value = self.field_pad_val.get(field, self.seg_pad_val)
            results[field] = padded(results[field], value)
        results['img'] = padded(results['img'], self.pad_val)
        results['img_shape'] = results['img'].shape[:2]
        results['pad_shape'] = results['img'].shape[:2]
        results['img_padding_size'] = (0, right, 0, bottom)
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(size={self.size}, '
            f'pad_val={self.pad_val}, seg_pad_val={self.seg_pad_val})'
        )


@TRANSFORMS.register_module()
class SetOriShape(BaseTransform):
    """Make the present size the one predictions are returned at.

    mmseg resizes predictions to ``ori_shape``, the size of the file. In a
    test pipeline that resizes images and labels alike, this makes the metric
    compare at the resized size.
    """

    def transform(self, results: dict) -> dict:
        results['ori_shape'] = results['img'].shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
