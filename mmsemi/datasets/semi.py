from typing import Union

from mmengine.dataset import BaseDataset, ConcatDataset
from torch.utils.data import ConcatDataset as TorchConcatDataset
from torch.utils.data import Dataset

from mmsemi.registry import DATASETS


@DATASETS.register_module()
class SemiDataset(ConcatDataset):
    """Labelled images followed by unlabelled or pseudo-labelled ones.

    A ``ConcatDataset`` whose two parts have names, so that a config can
    override one of them.

    Args:
        labelled: config or instance of the labelled dataset.
        unlabelled: config or instance of the other one, normally an
            :class:`UnlabelledDataset` or a :class:`PseudoLabelDataset`.

    Raises:
        ValueError: if the two do not have the same classes.
    """

    def __init__(self, labelled: Union[dict, BaseDataset],
                 unlabelled: Union[dict, Dataset]) -> None:
        # Not through mmengine's __init__: it accepts no wrapped datasets and
        # does not say which classes differ.
        self.labelled, self.unlabelled = [
            DATASETS.build(part) if isinstance(part, dict) else part
            for part in (labelled, unlabelled)
        ]
        self.datasets = [self.labelled, self.unlabelled]
        classes = [list(part.metainfo['classes']) for part in self.datasets]
        if classes[0] != classes[1]:
            raise ValueError(
                'labelled and unlabelled dataset have different classes: '
                f'{classes[0]} and {classes[1]}')
        self._metainfo = self.labelled.metainfo
        self._fully_initialized = False
        self.full_init()

    def full_init(self) -> None:
        if self._fully_initialized:
            return
        for part in self.datasets:
            part.full_init()
        TorchConcatDataset.__init__(self, self.datasets)
        self._fully_initialized = True
