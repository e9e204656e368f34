"""Data sets of many images hold their names as bytes, not as objects."""

import copy
import os.path as osp
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset
from mmseg.datasets import BaseSegDataset

from mmsemi.registry import DATASETS, class_of

from .lists import read_lines


class CompactInfos(Sequence):
    """Infos of images that differ in nothing but their name.

    mmengine keeps a pickled dictionary for each image, some 400 bytes, and
    needs twice as much while it reads a list. This takes the length of the
    name and eight bytes.

    Args:
        names: of the images, without line breaks.
        paths: what stands before and behind the name in the paths of an
            info, ``{'img_path': (folder, suffix)}``.
        common: what all infos share.
    """

    def __init__(
        self,
        names: Iterable[str],
        paths: dict[str, tuple[str, str]],
        common: dict[str, Any],
    ) -> None:
        text = ''.join(f'{name}\n' for name in names).encode()
        self.text = np.frombuffer(text, np.uint8)
        self.ends = np.flatnonzero(self.text == ord('\n'))
        self.paths = paths
        self.common = common

    def __len__(self) -> int:
        return len(self.ends)

    def name(self, index: int) -> str:
        """Name of an image."""
        start = self.ends[index - 1] + 1 if index else 0
        return self.text[start : self.ends[index]].tobytes().decode()

    def names(self) -> list[str]:
        """All names."""
        return self.text.tobytes().decode().split('\n')[:-1]

    def __getitem__(self, index):
        if isinstance(index, slice):
            return CompactInfos(self.names()[index], self.paths, self.common)
        position = range(len(self))[index]
        name = self.name(position)
        paths = {
            key: osp.join(folder, name + suffix)
            for key, (folder, suffix) in self.paths.items()
        }
        return dict(paths, **self.common)


def build_dataset(config: dict) -> BaseDataset:
    """Build a data set; its infos are compact where its list allows it.

    Args:
        config: of a data set. Those that read a list as mmseg's
            ``BaseSegDataset`` does keep :class:`CompactInfos`; others are
            built as they are.
    """
    config = copy.deepcopy(config)
    kind: Any = class_of(config.get('type'), DATASETS)
    plain = (
        isinstance(kind, type)
        and issubclass(kind, BaseSegDataset)
        and kind.load_data_list is BaseSegDataset.load_data_list
        and kind.full_init is BaseDataset.full_init
        and kind.filter_data is BaseDataset.filter_data
        and not {'lazy_init', 'serialize_data', 'indices'} & set(config)
    )
    if not plain:
        return DATASETS.build(config)
    dataset = DATASETS.build(
        dict(config, lazy_init=True, serialize_data=False)
    )
    if osp.isfile(dataset.ann_file):
        dataset.load_data_list = lambda: _read_list(dataset)
    dataset.full_init()
    vars(dataset).pop('load_data_list', None)
    return dataset


def _read_list(dataset: BaseSegDataset) -> CompactInfos:
    """What ``load_data_list`` of mmseg gives, in little memory."""
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
    return CompactInfos(read_lines(dataset.ann_file), paths, common)
