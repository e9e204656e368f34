import cv2
import numpy as np
from mmseg.datasets import CityscapesDataset

from mmsemi.registry import DATASETS
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE

# The classes of Cityscapes that SYNTHIA has, in the order of Cityscapes.
SYNTHIA_CLASSES = tuple(
    name
    for name in CityscapesDataset.METAINFO['classes']
    if name not in ('terrain', 'truck', 'train')
)
LANE_MARKING = 22
# Training id (of 19) of class id 0, 1, ... of ``GT/LABELS``, from SYNTHIA's
# list of classes. Terrain, truck and train have ids but no pixels.
SYNTHIA_IDS = (
    IGNORE,
    10,
    2,
    0,
    1,
    4,
    8,
    5,
    13,
    7,
    11,
    18,
    17,
    IGNORE,
    IGNORE,
    6,
    9,
    12,
    14,
    15,
    16,
    3,
    IGNORE,
)


@DATASETS.register_module()
class SYNTHIADataset(CityscapesDataset):
    """SYNTHIA-RAND-CITYSCAPES (Ros et al., CVPR 2016).

    9400 rendered images, the source of SYNTHIA -> Cityscapes. Folders
    ``RGB`` and ``GT/LABELS`` as ``tools/dataset_converters/synthia.py``
    writes them; masks hold the 19 training ids of Cityscapes and 255 =
    ignore. Lines of a list are file stems, such as ``0000000``.

    Args:
        num_classes: 16, those the data set has, or all 19 of Cityscapes.
        **kwargs: see mmseg's ``BaseSegDataset``. ``classes`` in ``metainfo``
            win over ``num_classes``.
    """

    def __init__(
        self,
        num_classes: int = 16,
        img_suffix: str = '.png',
        seg_map_suffix: str = '_labelTrainIds.png',
        metainfo: dict | None = None,
        **kwargs,
    ) -> None:
        if num_classes not in (16, 19):
            raise ValueError(
                'SYNTHIA has 16 classes, or 19 with those of '
                f'Cityscapes it lacks; got {num_classes}'
            )
        if num_classes == 16:
            metainfo = dict(dict(classes=SYNTHIA_CLASSES), **(metainfo or {}))
        super().__init__(
            img_suffix=img_suffix,
            seg_map_suffix=seg_map_suffix,
            metainfo=metainfo,
            **kwargs,
        )


def read_synthia_ids(path: str) -> np.ndarray:
    """Class ids (H, W) uint16 of an original file of ``GT/LABELS``.

    These are 16-bit color PNGs with the class in the red channel and the
    instance in the green one. Readers that give 8 bits keep the high byte of
    both, and every class becomes 0.

    Raises:
        UsageError: when the file is anything else.
    """
    array = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if array is None:
        raise UsageError(
            f'{path}: cannot be read as an image. Restore it from the archive'
        )
    if array.dtype != np.uint16 or array.ndim != 3 or array.shape[2] != 3:
        channels = 1 if array.ndim == 2 else array.shape[2]
        raise UsageError(
            f'{path}: {8 * array.itemsize} bits, {channels} channel(s); '
            'labels of SYNTHIA-RAND-CITYSCAPES have 16 bits and 3. Take '
            'the files of GT/LABELS as they were downloaded'
        )
    ids = array[..., 2]  # OpenCV's order is blue, green, red
    if ids.max(initial=0) > LANE_MARKING:
        raise UsageError(
            f'{path}: class id {ids.max()}, but SYNTHIA has ids '
            f'0..{LANE_MARKING}. Take the files of GT/LABELS of '
            'SYNTHIA-RAND-CITYSCAPES'
        )
    return ids
