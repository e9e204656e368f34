"""A labeling whose labels are on disk already."""

from pathlib import Path

import cv2
import numpy as np

from mmsemi.pseudo_labels.store import CONFIDENCE, LABELS, read_png
from mmsemi.utils.errors import UsageError
from mmsemi.utils.progress import track

from .label_files import LabelFiles
from .labeling import LabelingPass


class StoredLabelsPass(LabelingPass):
    """Labels of a folder, at the size at which the images are learned.

    Args:
        predictor: prepares batches; its network does not run.
        dataloader: batches of the whole unlabeled set.
        labeler: not asked.
        store: where the labels go.
        folder: of a round in the format of ``PseudoLabelStore`` with labels
            of the size of the images.
        **kwargs: further arguments of :class:`LabelingPass`.
    """

    def __init__(
        self, predictor, dataloader, labeler, store, folder: Path, **kwargs
    ) -> None:
        super().__init__(predictor, dataloader, labeler, store, **kwargs)
        self.stored = folder

    def _one_pass(self, files, round_index, portion, statistics) -> None:
        done = 0
        title = f'round {round_index}: taking over labels'
        for batch in track(self.dataloader, description=title):
            for places, part in self.predictor.equal_sizes(batch):
                _, boxes = self.predictor.prepare(part)
                for place, box in zip(places, boxes):
                    size = box[1] - box[0], box[3] - box[2]
                    self._take_over(files, done + place, size)
            done += len(batch['data_samples'])
        files.drain()

    _two_passes = _one_pass

    def _take_over(
        self, files: LabelFiles, row: int, size: tuple[int, int]
    ) -> None:
        stem = self.dataset.get_stem(int(files.table.indices[row]))
        labels = _resized(self.stored / LABELS / f'{stem}.png', size)
        files.candidates(labels)
        files.labels(row, labels)
        if self.keep_confidence:
            path = self.stored / CONFIDENCE / f'{stem}.png'
            if not path.is_file():
                raise UsageError(
                    f'{path}: no confidences, which keep_confidence of this '
                    'config asks for. Masks need them from the beginning'
                )
            files.confidence(row, _resized(path, size))


def _resized(path: Path, size: tuple[int, int]) -> np.ndarray:
    array = read_png(path)
    if array.shape == size:
        return array
    return cv2.resize(array, size[::-1], interpolation=cv2.INTER_NEAREST)
