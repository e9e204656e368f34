from collections.abc import Sequence

import cv2
import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs

from mmsemi.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PackSemiInputs(PackSegInputs):
    """mmseg's ``PackSegInputs`` plus what pseudo-labels have besides.

    ``gt_confidence`` (H, W) becomes the field ``gt_confidence`` of the data
    sample, float32 (1, H, W), ``gt_soft_label`` (H, W, C) becomes
    ``gt_soft_label``, float32 (C, H, W) that sums to one, ``gt_audit``
    (H, W), a mask for reports alone, and ``gt_known``, what is annotated of
    an unlabeled image, uint8 (1, H, W). The meta keys add
    the padding of :class:`PadSegFields`, so that ``predict`` removes it, and
    ``is_pseudo``.

    Args:
        meta_keys: keys of the item kept as meta information.
    """

    def __init__(
        self,
        meta_keys: Sequence[str] = (
            'img_path',
            'seg_map_path',
            'ori_shape',
            'img_shape',
            'pad_shape',
            'scale_factor',
            'flip',
            'flip_direction',
            'reduce_zero_label',
            'img_padding_size',
            'is_pseudo',
        ),
    ) -> None:
        super().__init__(meta_keys=meta_keys)

    def transform(self, results: dict) -> dict:
        left = {'img', *self.meta_keys}
        maps = {k: value for k, value in results.items() if k not in left}
        packed = super().transform(maps)
        # One by one: mmseg copies them deeply, a tenth of a pipeline's time.
        for key in self.meta_keys:
            if key in results:
                packed['data_samples'].set_field(
                    results[key], key, field_type='metainfo'
                )
        if 'img' in results:
            packed['inputs'] = torch.from_numpy(planes(results['img']))
        confidence = results.get('gt_confidence')
        if confidence is not None:
            data = np.ascontiguousarray(confidence, dtype=np.float32)
            packed['data_samples'].gt_confidence = PixelData(
                data=torch.from_numpy(data)[None]
            )
        soft = results.get('gt_soft_label')
        if soft is not None:
            data = torch.from_numpy(np.ascontiguousarray(soft)).float()
            data = data.permute(2, 0, 1).contiguous()
            # 0 on padding, where no class has a share.
            data = data / data.sum(0).clamp(min=1e-6)
            packed['data_samples'].gt_soft_label = PixelData(data=data)
        for name in ('gt_audit', 'gt_known'):
            if results.get(name) is not None:
                data = torch.from_numpy(np.ascontiguousarray(results[name]))
                field = PixelData(data=data[None])
                packed['data_samples'].set_field(field, name)
        return packed


def planes(img: np.ndarray) -> np.ndarray:
    """An image (H, W, C) or (H, W) as (C, H, W), in that order in memory.

    OpenCV takes a fifth of NumPy's time for it. It reads windows of images,
    but none that a flip left to be read backwards.
    """
    img = img if img.ndim == 3 else img[..., None]
    height, width, bands = img.shape
    if img.dtype not in (np.uint8, np.float32) or bands > 4 or not img.size:
        return np.array(img.transpose(2, 0, 1), order='C')
    back = [stride < 0 for stride in img.strides[:2]]
    forward = img[:: -1 if back[0] else 1, :: -1 if back[1] else 1]
    result = np.empty((bands, height, width), img.dtype)
    parts = list(result)
    cv2.split(forward, parts)
    if any(back):
        # 0 turns rows around, 1 columns, -1 both.
        axes = {(True, False): 0, (False, True): 1, (True, True): -1}
        for part in parts:
            cv2.flip(part, axes[tuple(back)], part)
    return result
