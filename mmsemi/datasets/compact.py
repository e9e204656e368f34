"""Data sets of many images hold their names as bytes, not as objects."""

import copy
import os.path as osp
from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.dataset import BaseDataset, ConcatDataset
from mmengine.fileio import list_dir_or_file
from mmseg.datasets import BaseSegDataset

from mmsemi.registry import DATASETS, class_of

from .lists import read_names
from .names import Names


class CompactInfos(Sequence):
    """Infos of images that differ in nothing but their name.

    mmengine keeps a pickled dictionary for each image, some 400 bytes, and
    needs twice as much while it reads a list. This takes what the names do.

    Args:
        names: of the images.
        paths: what stands before and behind the name in the paths of an
            info, ``{'img_path': (folder, suffix)}``.
        common: what all infos share.
    """

    def __init__(
        self,
        names: Names,
        paths: dict[str, tuple[str, str]],
        common: dict[str, Any],
    ) -> None:
        self.names = names
        self.paths = paths
        self.common = common

    def __len__(self) -> int:
        return len(self.names)

    def column(self, key: str) -> Iterator[str]:
        """One path of every info."""
        folder, suffix = self.paths[key]
        start = osp.join(folder, '') if folder else ''
        for name in self.names:
            yield f'{start}{name}{suffix}'

    def subset(self, indices: int | Sequence[int]) -> 'CompactInfos':
        """Some of the infos, as ``indices`` of mmengine's data sets says.

        Args:
            indices: numbers of images, or how many of the first (of the last
                if it is negative).
        """
        if isinstance(indices, int):
            first = slice(indices) if indices >= 0 else slice(indices, None)
            return self[first]
        names = Names(self.names[index] for index in indices)
        return CompactInfos(names, self.paths, self.common)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return CompactInfos(self.names[index], self.paths, self.common)
        name = self.names[index]
        paths = {
            key: osp.join(folder, name + suffix)
            for key, (folder, suffix) in self.paths.items()
        }
        return dict(paths, **self.common)


def column(infos: Sequence, key: str) -> Iterator[str | None]:
    """A path of every info, None for those that have none."""
    if isinstance(infos, CompactInfos) and key in infos.paths:
        return infos.column(key)
    return (info.get(key) for info in infos)


def build_dataset(config: dict, serialize: bool = True) -> BaseDataset:
    """Build a data set; its infos are compact where it reads names alone.

    Args:
        config: of a data set. Those that read a list, or a folder, as
            mmseg's ``BaseSegDataset`` does keep :class:`CompactInfos`, all
            or those that ``indices`` names; so do such in a
            ``ConcatDataset``. Others are built as they are.
        serialize: False if infos of others are to be in ``data_list``.
    """
    config = copy.deepcopy(config)
    kind: Any = class_of(config.get('type'), DATASETS)
    if kind is ConcatDataset:
        config['datasets'] = [
            build_dataset(part, serialize) if isinstance(part, dict) else part
            for part in config['datasets']
        ]
        return DATASETS.build(config)
    plain = (
        isinstance(kind, type)
        and issubclass(kind, BaseSegDataset)
        and kind.load_data_list is BaseSegDataset.load_data_list
        and kind.full_init is BaseDataset.full_init
        and kind.filter_data is BaseDataset.filter_data
        and not {'lazy_init', 'serialize_data'} & set(config)
    )
    if not plain:
        if not serialize:
            config['serialize_data'] = False
        return DATASETS.build(config)
    indices = config.pop('indices', None)
    dataset = DATASETS.build(
        dict(config, lazy_init=True, serialize_data=False)
    )
    whole = not dataset.ann_file or osp.isdir(dataset.ann_file)
    # A list that is missing is mmseg's to tell.
    if whole or osp.isfile(dataset.ann_file):
        dataset.load_data_list = lambda: _read(dataset, whole)
    dataset.full_init()
    vars(dataset).pop('load_data_list', None)
    if indices is not None:
        dataset.data_list = dataset.data_list.subset(indices)
    return dataset


def _read(dataset: BaseSegDataset, whole: bool) -> CompactInfos:
    """What ``load_data_list`` of mmseg gives, in little memory.

    Args:
        dataset: not yet initialized.
        whole: whether it takes all images of its folder.
    """
    names = _in_folder(dataset) if whole else read_names(dataset.ann_file)
    prefix = dataset.data_prefix
    paths = dict(img_path=(prefix['img_path'], dataset.img_suffix))
    if prefix.get('seg_map_path') is not None:
        paths['seg_map_path'] = (
            prefix['seg_map_path'],
            dataset.seg_map_suffix,
        )
    common = dict(
        label_map=dataset.label_map,
        reduce_zero_label=dataset.reduce_zero_label,
        seg_fields=[],
    )
    return CompactInfos(names, paths, common)


def _in_folder(dataset: BaseSegDataset) -> Names:
    """Images of a folder and all below it, in the order of their paths."""
    found = list_dir_or_file(
        dir_path=dataset.data_prefix['img_path'],
        list_dir=False,
        suffix=dataset.img_suffix,
        recursive=True,
        backend_args=dataset.backend_args,
    )
    end = len(dataset.img_suffix)
    return Names(name[: len(name) - end] for name in sorted(found))
