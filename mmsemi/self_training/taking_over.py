"""A labeling in which some images keep the labels of an earlier round."""

from pathlib import Path

import numpy as np
from mmengine.dist import get_rank, get_world_size
from torch.utils.data import DataLoader, Subset

from .label_files import LabelFiles
from .labeling import LabelingPass


class TakingOverPass(LabelingPass):
    """Label the first images of a set and take over labels of the others.

    The round is whole: it holds the labels of all.

    Args:
        predictor: see :class:`LabelingPass`.
        dataloader: its data set is a ``torch.utils.data.Subset``, the images
            to predict; those behind them in the whole set keep their labels.
        labeler: see there.
        store: as well.
        former: folder of the round with the labels to keep.
        **kwargs: further arguments of :class:`LabelingPass`.
    """

    def __init__(
        self,
        predictor,
        dataloader: DataLoader,
        labeler,
        store,
        former: Path,
        **kwargs,
    ) -> None:
        super().__init__(predictor, dataloader, labeler, store, **kwargs)
        self.former = former
        first: Subset = dataloader.dataset
        self.predicted = len(first)
        self.dataset = first.dataset

    def own_images(self) -> np.ndarray:
        """Those to predict, and a share of the others."""
        others = np.arange(self.predicted, len(self.dataset))
        others = others[get_rank() :: get_world_size()]
        return np.concatenate([super().own_images(), others])

    def finish(self, files: LabelFiles) -> None:
        """Take over the labels of the others."""
        first = len(self.dataloader.sampler)
        for row in range(first, len(files.table.indices)):
            files.take_over(row, self.former)
        files.drain()
