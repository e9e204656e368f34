import os.path as osp
from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmsemi.pseudo_labels.codes import decode_confidence
from mmsemi.registry import TRANSFORMS
from mmsemi.utils.labels import IGNORE

from .geometry import resize_soft

# Ids of `*_gtFine_labelIds.png`, from the Cityscapes scripts.
CITYSCAPES_IDS = (IGNORE,) * 7 + (
    0,
    1,
    IGNORE,
    IGNORE,
    2,
    3,
    4,
    IGNORE,
    IGNORE,
    IGNORE,
    5,
    IGNORE,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    IGNORE,
    IGNORE,
    16,
    17,
    18,
)


def lookup_table(table: str | Sequence[int]) -> np.ndarray:
    """(256,) uint8 table; ids beyond the given ones become 255."""
    if isinstance(table, str):
        if table != 'cityscapes':
            raise ValueError(
                f"unknown label table '{table}': give "
                "'cityscapes' or a list of training ids"
            )
        table = CITYSCAPES_IDS
    lookup = np.full(256, IGNORE, dtype=np.uint8)
    lookup[: len(table)] = table
    return lookup


def train_to_label_ids(num_classes: int = 19) -> np.ndarray:
    """Cityscapes label ids of training ids, as its server and CRST use them.

    CRST's code makes this table from the order of a dict, which reverses it
    under Python 3.7 and later; here it is the inverse of `CITYSCAPES_IDS`.

    Args:
        num_classes: 19, or 16 for the classes of SYNTHIA.

    Returns:
        (256,) uint8; what is no class, 255 above all, becomes 0, unlabeled.
    """
    if num_classes not in (16, 19):
        raise ValueError(
            'label ids are known for the 19 classes of '
            f'Cityscapes and the 16 of SYNTHIA, not for '
            f'{num_classes}'
        )
    absent = () if num_classes == 19 else (9, 14, 16)  # as SYNTHIA_CLASSES
    label_ids = [CITYSCAPES_IDS.index(k) for k in range(19) if k not in absent]
    table = np.zeros(256, dtype=np.uint8)
    table[:num_classes] = label_ids
    return table


@TRANSFORMS.register_module()
class MapLabels(BaseTransform):
    """Map the ids of a mask file to training ids, 255 = ignore.

    Not for pseudo-labels, which are stored as training ids.

    Args:
        table: training id of file id 0, 1, ...; ``'cityscapes'`` for masks
            named ``*_gtFine_labelIds.png``.
    """

    def __init__(self, table: str | Sequence[int]) -> None:
        self.table = lookup_table(table)

    def transform(self, results: dict) -> dict:
        results['gt_seg_map'] = self.table[results['gt_seg_map']]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


@TRANSFORMS.register_module()
class InitValidMap(BaseTransform):
    """Give an unlabeled image an empty map that records what is image.

    ``gt_seg_map`` is 0 on the image; later transforms fill what they pad with
    255, so that no pixel outside the image is learned from.
    """

    def transform(self, results: dict) -> dict:
        results['gt_seg_map'] = np.zeros(
            results['img'].shape[:2], dtype=np.uint8
        )
        results.setdefault('seg_fields', []).append('gt_seg_map')
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


def read_map(path: str, dtype: type) -> np.ndarray:
    """A one-channel map of a pseudo-label store."""
    array = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if array is None:
        raise FileNotFoundError(
            f'{path}: no readable pseudo-label. Label the unlabeled '
            'images of this round again (remove its folder and resume)'
        )
    if array.dtype != dtype or array.ndim != 2:
        raise ValueError(
            f'{path}: {array.dtype} of shape {array.shape}, '
            f'not one channel of {np.dtype(dtype).name}'
        )
    return array


@TRANSFORMS.register_module()
class LoadPseudoLabel(BaseTransform):
    """Read what the labeling pass stored for an image.

    Labels (uint8 PNG, 255 = not labeled) become ``gt_seg_map``; confidences
    (16-bit PNG of codes) become ``gt_confidence``, float32 in [0, 1]; soft
    labels, where the round has any, become ``gt_soft_label``, uint8
    (H, W, C), enlarged to the image. All join ``seg_fields``, so they follow
    the image (``TorchResize`` interpolates soft labels, mmseg's ``Resize``
    takes the nearest).

    Args:
        with_confidence: True to need stored confidences, False to leave them
            alone, None to read them where they exist.
        match_image: demand maps of the present size of the image. False where
            labels are stored at another size and a resize to a fixed scale
            follows.
    """

    def __init__(
        self, with_confidence: bool | None = None, match_image: bool = True
    ) -> None:
        self.with_confidence = with_confidence
        self.match_image = match_image

    def _read(self, path: str, dtype: type, results: dict) -> np.ndarray:
        array = read_map(path, dtype)
        image = results['img'].shape[:2]
        if self.match_image and array.shape != image:
            raise ValueError(
                f'{path}: pseudo-label of {array.shape[1]}x{array.shape[0]} '
                f'for an image of {image[1]}x{image[0]}. Load it behind the '
                'resize that the labeling pipeline has too, or set '
                'match_image=False if a resize to a fixed scale follows'
            )
        return array

    def transform(self, results: dict) -> dict:
        fields = results.setdefault('seg_fields', [])
        results['gt_seg_map'] = self._read(
            results['seg_map_path'], np.uint8, results
        )
        fields.append('gt_seg_map')
        path = results['confidence_path']
        wanted = self.with_confidence
        if wanted or wanted is None and osp.isfile(path):
            codes = self._read(path, np.uint16, results)
            results['gt_confidence'] = decode_confidence(codes)
            fields.append('gt_confidence')
        if osp.isfile(results.get('soft_path', '')):
            # The classes lie below one another, see PseudoLabelStore.
            maps = read_map(results['soft_path'], np.uint8)
            maps = maps.reshape(results['num_classes'], -1, maps.shape[1])
            results['gt_soft_label'] = resize_soft(
                np.ascontiguousarray(maps.transpose(1, 2, 0)),
                results['gt_seg_map'].shape,
            )
            fields.append('gt_soft_label')
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(with_confidence='
            f'{self.with_confidence}, match_image={self.match_image})'
        )
