import os.path as osp

from mmengine.dataset import BaseDataset

from mmsemi.registry import DATASETS

from .stems import leaf_of, stem_of
from .unlabeled import SegDatasetWrapper


@DATASETS.register_module()
class PseudoLabelDataset(SegDatasetWrapper):
    """Images with the labels a model gave them in the present round.

    Items get ``seg_map_path``, ``confidence_path`` and ``soft_path`` of the
    pseudo-label store (``<dir>/labels/<stem>.png``, ``<dir>/confidence/...``,
    ``<dir>/soft/...``), ``num_classes`` and ``is_pseudo=True``. Pseudo-labels
    are training ids already, so no label map and no ``reduce_zero_label`` of
    the dataset is applied to them.

    Args:
        dataset: see :class:`SegDatasetWrapper`; its masks are never opened.
        pseudo_label_dir: folder of one round. The self-training loop sets it
            before it builds the dataset of a round.
    """

    def __init__(
        self, dataset: dict | BaseDataset, pseudo_label_dir: str | None = None
    ) -> None:
        super().__init__(dataset)
        self.pseudo_label_dir = pseudo_label_dir

    def get_data_info(self, idx: int) -> dict:
        if self.pseudo_label_dir is None:
            raise RuntimeError(
                'PseudoLabelDataset was read before any image was labeled: '
                'it needs pseudo_label_dir, which SelfTrainingLoop sets at '
                'the start of a round (other loops must do the same)'
            )
        info = super().get_data_info(idx)
        leaf, _ = leaf_of(self.dataset, idx)
        name = stem_of(leaf, info['img_path']) + '.png'
        folder = self.pseudo_label_dir
        info.update(
            seg_map_path=osp.join(folder, 'labels', name),
            confidence_path=osp.join(folder, 'confidence', name),
            soft_path=osp.join(folder, 'soft', name),
            num_classes=len(self.metainfo['classes']),
            reduce_zero_label=False,
            label_map=None,
            is_pseudo=True,
        )
        return info
