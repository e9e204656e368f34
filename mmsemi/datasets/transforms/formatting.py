from collections.abc import Sequence

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
        packed = super().transform(results)
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
