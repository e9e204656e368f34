from mmengine.dataset import BaseDataset, ConcatDataset
from torch.utils.data import ConcatDataset as TorchConcatDataset
from torch.utils.data import Dataset

from mmsemi.registry import DATASETS


@DATASETS.register_module()
class SemiDataset(ConcatDataset):
    """Labeled images, followed by unlabeled or pseudo-labeled ones.

    A ``ConcatDataset`` whose parts have names, so that a config can override
    one of them. Every item has all branches that :class:`.MultiBranch` makes
    of one of the parts, with None for those its own part does not make:
    collation takes the keys of the first item of a batch for those of all.

    Args:
        labeled: config or instance of the labeled dataset.
        target: of a few more labeled images, of the domain of the unlabeled
            ones (domain adaptation), whose share in a batch is its own.
            Comes behind the labeled ones; methods see one kind of both.
        paste: of labeled images again, to be pasted into the others (AEL),
            as a rule with a pipeline of its own. Comes before the others.
        unlabeled: config or instance of the other one, normally an
            :class:`UnlabeledDataset` or a :class:`PseudoLabelDataset`; None
            where labeled images of both domains are learned alone.

    Raises:
        ValueError: if they do not have the same classes.
    """

    def __init__(
        self,
        labeled: dict | BaseDataset,
        unlabeled: None | dict | Dataset,
        paste: None | dict | BaseDataset = None,
        target: None | dict | BaseDataset = None,
    ) -> None:
        # Not through mmengine's __init__: it accepts no wrapped datasets and
        # does not say which classes differ.
        self.labeled, self.target, self.paste, self.unlabeled = parts = [
            DATASETS.build(part) if isinstance(part, dict) else part
            for part in (labeled, target, paste, unlabeled)
        ]
        self.datasets = [part for part in parts if part is not None]
        first = list(self.labeled.metainfo['classes'])
        for name, part in (
            ('unlabeled', self.unlabeled),
            ('paste', self.paste),
            ('target', self.target),
        ):
            if part is not None and list(part.metainfo['classes']) != first:
                raise ValueError(
                    f'labeled and {name} dataset have different classes: '
                    f'{first} and {list(part.metainfo["classes"])}'
                )
        # All images with labels, whatever their domain.
        self.with_labels = [
            part for part in (self.labeled, self.target) if part is not None
        ]
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

    @property
    def branches(self) -> list[str]:
        """All branches of the parts, in the order of the parts."""
        found: dict[str, None] = {}
        parts = list(self.datasets)
        while parts:
            part = parts.pop(0)
            pipeline = getattr(part, 'pipeline', None)
            if pipeline is None:  # joined or repeated
                inner = getattr(part, 'datasets', None)
                parts[:0] = inner or [part.dataset]
                continue
            for step in pipeline.transforms:
                found.update(dict.fromkeys(getattr(step, 'branches', ())))
        return list(found)

    def __getitem__(self, idx: int) -> dict:
        item = super().__getitem__(idx)
        for key in ('inputs', 'data_samples'):
            made = item.get(key)
            if isinstance(made, dict):
                names = dict.fromkeys([*self.branches, *made])
                item[key] = {name: made.get(name) for name in names}
        return item
