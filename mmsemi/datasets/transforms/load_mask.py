import cv2
import numpy as np
from mmengine import fileio
from mmseg.datasets.transforms import LoadAnnotations

from mmsemi.registry import TRANSFORMS

# How a PNG file of one band of 8 bits goes on behind its width and height.
_SIGNATURE, _GRAY = b'\x89PNG\r\n\x1a\n', b'\x08\x00'


@TRANSFORMS.register_module()
class LoadMask(LoadAnnotations):
    """mmseg's ``LoadAnnotations``, faster for the usual kind of mask.

    OpenCV decodes gray PNG files of 8 bits, faster than Pillow. Of all
    others, palettes above all, it would give colors: they are read as mmseg
    reads them. The labels are the same.
    """

    def _load_seg_map(self, results: dict) -> None:
        mask = None
        changed = self.reduce_zero_label or results['reduce_zero_label']
        if not changed and not results.get('label_map'):
            mask = decode_gray(
                fileio.get(
                    results['seg_map_path'], backend_args=self.backend_args
                )
            )
        if mask is None:
            super()._load_seg_map(results)
            return
        results['gt_seg_map'] = mask
        results['seg_fields'].append('gt_seg_map')


def decode_gray(content: bytes) -> np.ndarray | None:
    """Labels (H, W), uint8, of a gray PNG file of 8 bits.

    Returns:
        None for what is of another kind or damaged.
    """
    if not content.startswith(_SIGNATURE) or content[24:26] != _GRAY:
        return None
    mask = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    # A transparent gray level may count as a second band.
    return mask if mask is not None and mask.ndim == 2 else None
