"""Names of images: their paths below their folder, without the suffix."""

import os.path as osp
from bisect import bisect_right
from collections.abc import Iterator

from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset

from .compact import CompactInfos


def leaf_of(dataset: BaseDataset, index: int) -> tuple[BaseDataset, int]:
    """The single dataset below joined or repeated ones, and a place there.

    Args:
        dataset: any of mmengine's.
        index: number of an item.
    """
    while True:
        if isinstance(dataset, ConcatDataset):
            ends = dataset.cumulative_sizes
            number = bisect_right(ends, index)
            index -= ends[number - 1] if number else 0
            dataset = dataset.datasets[number]
        elif isinstance(dataset, RepeatDataset):
            dataset = dataset.dataset
            index %= len(dataset)
        else:
            return dataset, index


def stems_of(dataset: BaseDataset) -> Iterator[str]:
    """:func:`stem_of` of all images of a dataset, in order."""
    if isinstance(dataset, ConcatDataset):
        for part in dataset.datasets:
            yield from stems_of(part)
    elif isinstance(dataset, RepeatDataset):
        for _ in range(dataset.times):
            yield from stems_of(dataset.dataset)
    elif isinstance(dataset.data_list, CompactInfos):
        for path in dataset.data_list.column('img_path'):
            yield stem_of(dataset, path)
    else:
        for index in range(len(dataset)):
            yield stem_of(dataset, dataset.get_data_info(index)['img_path'])


def stem_of(dataset: BaseDataset, path: str) -> str:
    """An image path relative to the image folder, without the suffix.

    Args:
        dataset: the single dataset that holds the image.
        path: of the image.
    """
    folder = dataset.data_prefix.get('img_path') or ''
    start = folder if folder.endswith('/') else f'{folder}/'
    if folder and path.startswith(start) and '/.' not in path:
        stem = path[len(start) :]  # many times faster than relpath
    else:
        stem = osp.relpath(path, folder) if folder else path
    suffix = dataset.img_suffix
    # Without a suffix the list names files with their endings: they stay,
    # since `a.jpg` and `a.png` are two images.
    if stem.endswith(suffix):
        stem = stem[: len(stem) - len(suffix)]
    else:
        stem = osp.splitext(stem)[0]
    return stem.replace(osp.sep, '/')
