"""Settings that labels of a round depend on, wherever their files lie."""

import os.path as osp
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmsemi.datasets.lists import read_names


def checksum(*settings: Any, rooted: bool = False) -> str:
    """Checksum of settings, the same after a run or its data were moved.

    A list of images and a spatial prior count by what is in them, not by
    where they are. Masks do not count: no label depends on them; nor does
    the folder of a data set.

    Args:
        settings: plain data.
        rooted: count the folder of a data set, as runs did that began
            before it was left out.
    """
    free = ('seg_map_path', *['data_root'] * (not rooted))
    found = repr([_by_content(part, free) for part in settings])
    return f'{zlib.crc32(found.encode()):08x}'


def _by_content(node: Any, free: Sequence[str]) -> Any:
    if isinstance(node, list | tuple):
        return [_by_content(item, free) for item in node]
    if not isinstance(node, dict):
        return node
    found = {
        key: _by_content(value, free)
        for key, value in node.items()
        if key not in free
    }
    place, prior = node.get('ann_file'), node.get('prior')
    if isinstance(place, str):
        place = osp.join(node.get('data_root') or '', place)
        if osp.isfile(place):
            found['ann_file'] = read_names(place).hash
    if isinstance(prior, str) and osp.isfile(prior):
        found['prior'] = zlib.crc32(Path(prior).read_bytes())
    return found
