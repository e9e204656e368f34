"""Masks of rendered images as training ids of Cityscapes."""

import numpy as np

from mmsemi.datasets.synthia import LANE_MARKING, SYNTHIA_IDS, read_synthia_ids
from mmsemi.datasets.transforms.labels import lookup_table
from mmsemi.doctor.masks import read_mask
from mmsemi.utils.errors import UsageError

LAST_ID = 34  # license plate
ROAD = 0


def gta5_ids(path: str) -> np.ndarray:
    """Training ids (H, W) uint8 of a mask of GTA5 with Cityscapes label ids.

    Raises:
        UsageError: if the mask holds anything else.
    """
    labels = read_mask(path, {})  # palette files give their indices
    if labels.ndim != 2:
        raise UsageError(
            f'{path}: {labels.shape[2]} channels, not one of label ids. Take '
            'the masks of the GTA5 download'
        )
    if labels.max(initial=0) > LAST_ID or labels.min(initial=0) < 0:
        wrong = labels[(labels > LAST_ID) | (labels < 0)][0]
        raise UsageError(
            f'{path}: value {wrong}, but label ids are 0..{LAST_ID}. '
            'Take the masks of the GTA5 download, not converted ones'
        )
    return lookup_table('cityscapes')[labels]


def synthia_ids(path: str, lane_marking: str = 'ignore') -> np.ndarray:
    """Training ids (H, W) uint8 of a mask of SYNTHIA.

    Args:
        path: the mask.
        lane_marking: what lane markings become, ``'ignore'`` or ``'road'``.
    """
    table = np.array(SYNTHIA_IDS, np.uint8)
    if lane_marking == 'road':
        table[LANE_MARKING] = ROAD
    return table[read_synthia_ids(path)]
