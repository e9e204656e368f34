"""Normalization layers of configs: of one process, or over all of them."""

from typing import Any

PLAIN, SHARED = 'BN', 'SyncBN'


def share_statistics(value: Any, share: bool = True) -> Any:
    """Let BatchNorm average over all processes, or not, in place.

    Every ``type='BN'`` in a config becomes ``'SyncBN'``, or the other way
    round; weights are the same. Other normalization stays.

    Args:
        value: config, or a part of one.
        share: whether to average over the processes.
    """
    old, new = (PLAIN, SHARED) if share else (SHARED, PLAIN)
    if isinstance(value, dict):
        if value.get('type') == old:
            value['type'] = new
        for item in value.values():
            share_statistics(item, share)
    elif isinstance(value, (list, tuple)):
        for item in value:
            share_statistics(item, share)
    return value
