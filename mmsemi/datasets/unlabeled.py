import copy
import os.path as osp
from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.dataset import BaseDataset, Compose

from mmsemi.registry import DATASETS
from mmsemi.utils.errors import UsageError

from .compact import build_dataset
from .splits import more, read_list
from .stems import leaf_of, stem_of, stems_of
from .transforms import LoadMask


class SegDatasetWrapper:
    """A segmentation dataset with altered items.

    Subclasses override :meth:`get_data_info`; the items then go through the
    pipeline of the wrapped dataset.

    Args:
        dataset: config (or instance) of any dataset that derives from mmseg's
            ``BaseSegDataset``, its pipeline included, or of such joined by
            ``ConcatDataset`` or repeated by ``RepeatDataset``.
    """

    def __init__(self, dataset: dict | BaseDataset) -> None:
        if isinstance(dataset, dict):
            dataset = build_dataset(dataset)
        self.dataset = dataset

    @property
    def metainfo(self) -> dict:
        return self.dataset.metainfo

    @property
    def pipeline(self) -> Compose:
        """That of a single dataset; joined ones have one each."""
        return self.dataset.pipeline

    @pipeline.setter
    def pipeline(self, pipeline: Compose) -> None:
        self.dataset.pipeline = pipeline

    def full_init(self) -> None:
        self.dataset.full_init()

    def __len__(self) -> int:
        return len(self.dataset)

    def get_data_info(self, idx: int) -> dict:
        return self.dataset.get_data_info(idx)

    def __getitem__(self, idx: int) -> dict:
        info = self.get_data_info(idx)
        item = leaf_of(self.dataset, idx)[0].pipeline(info)
        if item is None:
            # Another image instead would not be the one the sampler drew.
            raise RuntimeError(
                f'{info["img_path"]}: the pipeline dropped the image'
            )
        return item

    def get_stem(self, idx: int) -> str:
        """Image path relative to the image folder, without the suffix.

        It is the line of the list file and names the image's pseudo-label.
        """
        leaf, place = leaf_of(self.dataset, idx)
        return stem_of(leaf, leaf.get_data_info(place)['img_path'])

    def stems(self) -> Iterator[str]:
        """:meth:`get_stem` of all images, in order."""
        return stems_of(self.dataset)


def only(config: dict, indices: Sequence[int]) -> dict:
    """Config of a dataset wrapper that keeps some images, in this order.

    Args:
        config: of a :class:`SegDatasetWrapper` around an mmseg dataset.
        indices: numbers of the images in the data set of the config.
    """
    config = copy.deepcopy(config)
    inner = config['dataset']
    before = inner.get('indices')
    if isinstance(before, Sequence):  # an integer is the first so many
        indices = [before[index] for index in indices]
    inner['indices'] = list(map(int, indices))
    return config


@DATASETS.register_module()
class UnlabeledDataset(SegDatasetWrapper):
    """The images of a dataset without their masks.

    Items have no ``seg_map_path``, so no pipeline can open a mask. Where
    masks exist, :meth:`audit_map` reads them for reports on the quality of
    pseudo-labels; nothing else may.

    Images of which a part is labeled may be among them: the mask of those,
    and of no other, is read and given as ``gt_known``, 255 where unknown. It
    is resized, cropped and packed with the image, and online methods learn
    it where it says something, and pseudo-labels elsewhere.

    Args:
        dataset: see :class:`SegDatasetWrapper`.
        audit_pipeline: transforms from a mask file to ``gt_seg_map`` in
            training ids; `LoadMask` by default.
        audit: give items their mask as ``gt_audit``, for reports while
            training; it is resized, cropped and packed with the image.
        partly_labeled: list of the images of which a part is labeled.

    Raises:
        UsageError: if one of these is none of the images.
    """

    def __init__(
        self,
        dataset: dict | BaseDataset,
        audit_pipeline: list[dict] | None = None,
        audit: bool = False,
        partly_labeled: str | None = None,
    ) -> None:
        super().__init__(dataset)
        self.audit = audit
        self.partly_labeled: set[str] = set()
        if partly_labeled:
            self.partly_labeled = set(read_list(partly_labeled))
            others = sorted(self.partly_labeled - set(self.stems()))
            if others:
                raise UsageError(
                    f'{partly_labeled}: {others[0]}{more(others)} is not '
                    'among the unlabeled images. Add it to their list: what '
                    'is unknown of it is learned like them'
                )
        # Named, it would be looked for in the scope of whoever builds this.
        self.audit_pipeline = Compose(audit_pipeline or [LoadMask()])

    def get_data_info(self, idx: int) -> dict:
        info = super().get_data_info(idx)
        path = info.pop('seg_map_path', None)
        found = dict(gt_audit=self.audit_map(idx) if self.audit else None)
        if self.partly_labeled and self.get_stem(idx) in self.partly_labeled:
            if not path or not osp.isfile(path):
                raise UsageError(
                    f'{path}: mask of a partly labeled image does not exist. '
                    'Put it there, or take the image off that list'
                )
            found['gt_known'] = self.audit_map(idx)
        for name, labels in found.items():
            if labels is not None:
                info[name] = labels
                info['seg_fields'] = [*info.get('seg_fields', []), name]
        return info

    def audit_path(self, idx: int) -> str | None:
        """Ground-truth file of an image for reports, None if there is none."""
        path = self.dataset.get_data_info(idx).get('seg_map_path')
        return path if path and osp.isfile(path) else None

    def audit_map(self, idx: int) -> np.ndarray | None:
        """Ground truth (H, W) uint8 for reports, None if there is none."""
        if self.audit_path(idx) is None:
            return None
        return self.audit_pipeline(self.dataset.get_data_info(idx))[
            'gt_seg_map'
        ]
