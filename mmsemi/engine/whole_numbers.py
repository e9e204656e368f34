"""Counts of a config become integers, however they are written."""

from typing import Any

import numpy as np

COUNTS = frozenset(
    'max_iters max_epochs val_interval val_begin supervised_iters '
    'iters_per_round epochs_per_round warmup_iters ramp_up_iters known_iters '
    'iters_per_epoch start_iter copy_until interval save_begin '
    'max_keep_ckpts begin end batch_size num_workers prefetch_factor seed '
    'accumulative_counts samples_per_source crop_size num_classes capacity '
    'num_anchors min_kept views val_workers label_workers alone labeled '
    'unlabeled rounds label val target paste processes'.split()
)


def settle_counts(value: Any) -> None:
    """Write ``4e4`` and integers of NumPy as plain ones, in place.

    Schedules and samplers go by the type: a length that is a float would
    leave them without an end.

    Args:
        value: part of a config.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            if key in COUNTS:
                if isinstance(item, (list, tuple)):
                    item = value[key] = type(item)(map(whole, item))
                else:
                    item = value[key] = whole(item)
            settle_counts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            settle_counts(item)


def whole(value: Any) -> Any:
    """A whole number as ``int``; anything else as it is."""
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return int(value)
    return value
