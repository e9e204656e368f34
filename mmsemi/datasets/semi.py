from typing import Union

from mmengine.dataset import BaseDataset, ConcatDataset
from torch.utils.data import ConcatDataset as TorchConcatDataset
from torch.utils.data import Dataset

from mmsemi.registry import DATASETS


@DATASETS.register_module()
class SemiDataset(ConcatDataset):
    """Labelled images followed by unlabelled or pseudo-labelled ones.

    A ``ConcatDataset`` whose parts have names, so that a config can override
    one of them.

    Args:
        labelled: config or instance of the labelled dataset.
        paste: of labelled images again, to be pasted into the others (AEL),
            as a rule with a pipeline of its own. Comes between the two.
        unlabelled: config or instance of the other one, normally an
            :class:`UnlabelledDataset` or a :class:`PseudoLabelDataset`.

    Raises:
        ValueError: if they do not have the same classes.
    """

    def __init__(self, labelled: Union[dict, BaseDataset],
                 unlabelled: Union[dict, Dataset],
                 paste: Union[None, dict, BaseDataset] = None) -> None:
        # Not through mmengine's __init__: it accepts no wrapped datasets and
        # does not say which classes differ.
        self.labelled, self.paste, self.unlabelled = [
            DATASETS.build(part) if isinstance(part, dict) else part
            for part in (labelled, paste, unlabelled)
        ]
        self.datasets = [
            part for part in (self.labelled, self.paste, self.unlabelled)
            if part is not None
        ]
        first = list(self.labelled.metainfo['classes'])
        for name, part in (('unlabelled', self.unlabelled),
                           ('paste', self.paste)):
            if part is not None and list(part.metainfo['classes']) != first:
                raise ValueError(
                    f'labelled and {name} dataset have different classes: '
                    f"{first} and {list(part.metainfo['classes'])}")
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
