"""What loading makes of the values of a mask file."""

from typing import NamedTuple

import numpy as np

from mmsemi.datasets.transforms.labels import lookup_table
from mmsemi.datasets.transforms.zero_label import zero_label_table
from mmsemi.registry import TRANSFORMS, is_type
from mmsemi.utils.labels import IGNORE


class Mapping(NamedTuple):
    """From values of mask files to training ids.

    Attributes:
        table: (256,) uint8, training id of every value.
        zero_label: whether 254 among the ids means unlabeled.
    """

    table: np.ndarray
    zero_label: bool


def mapping_of(config: dict, info: dict) -> Mapping:
    """The mapping of a dataset.

    Args:
        config: of the dataset, with its pipeline.
        info: one of its items, which says what the dataset itself maps.
    """
    lookup, zero_label = np.arange(256, dtype=np.uint8), False
    if info.get('reduce_zero_label'):
        lookup = (lookup - 1).astype(np.uint8)
        lookup[255] = IGNORE
        lookup[0] = IGNORE
    if info.get('label_map'):
        table = np.arange(256, dtype=np.uint8)
        for old, new in info['label_map'].items():
            table[old] = new
        lookup = table[lookup]
    for step in mapping_steps(config):
        if maps_zero_labels(step):
            step = {k: v for k, v in step.items() if k != 'type'}
            lookup, zero_label = zero_label_table(**step)[lookup], True
        else:
            lookup = lookup_table(step['table'])[lookup]
    return Mapping(lookup, zero_label)


def mapping_steps(config: dict) -> list[dict]:
    """Steps of a dataset's pipeline that change ids."""
    return [
        step
        for step in config.get('pipeline', [])
        if is_type(step, TRANSFORMS, 'MapLabels', 'MapZeroLabels')
    ]


def maps_zero_labels(step: dict) -> bool:
    """Whether a step hides the labels of unseen classes."""
    return is_type(step, TRANSFORMS, 'MapZeroLabels')
