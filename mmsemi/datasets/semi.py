from mmengine.dataset import BaseDataset, ConcatDataset
from torch.utils.data import ConcatDataset as TorchConcatDataset
from torch.utils.data import Dataset

from mmsemi.registry import DATASETS


@DATASETS.register_module()
class SemiDataset(ConcatDataset):
    """Labeled images followed by unlabeled or pseudo-labeled ones.

    A ``ConcatDataset`` whose parts have names, so that a config can override
    one of them.

    Args:
        labeled: config or instance of the labeled dataset.
        paste: of labeled images again, to be pasted into the others (AEL),
            as a rule with a pipeline of its own. Comes between the two.
        unlabeled: config or instance of the other one, normally an
            :class:`UnlabeledDataset` or a :class:`PseudoLabelDataset`.

    Raises:
        ValueError: if they do not have the same classes.
    """

    def __init__(
        self,
        labeled: dict | BaseDataset,
        unlabeled: dict | Dataset,
        paste: None | dict | BaseDataset = None,
    ) -> None:
        # Not through mmengine's __init__: it accepts no wrapped datasets and
        # does not say which classes differ.
        self.labeled, self.paste, self.unlabeled = [
            DATASETS.build(part) if isinstance(part, dict) else part
            for part in (labeled, paste, unlabeled)
        ]
        self.datasets = [
            part
            for part in (self.labeled, self.paste, self.unlabeled)
            if part is not None
        ]
        first = list(self.labeled.metainfo['classes'])
        for name, part in (
            ('unlabeled', self.unlabeled),
            ('paste', self.paste),
        ):
            if part is not None and list(part.metainfo['classes']) != first:
                raise ValueError(
                    f'labeled and {name} dataset have different classes: '
                    f'{first} and {list(part.metainfo["classes"])}'
                )
        self._metainfo = self.labeled.metainfo
        self._fully_initialized = False
        self.full_init()

    def full_init(self) -> None:
        if self._fully_initialized:
            return
        for part in self.datasets:
            part.full_init()
        TorchConcatDataset.__init__(self, self.datasets)
        self._fully_initialized = True
