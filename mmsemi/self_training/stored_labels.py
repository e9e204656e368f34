"""Labelings whose labels are on disk already, all of them or in part."""

from pathlib import Path

import cv2
import numpy as np

from mmsemi.pseudo_labels.store import CONFIDENCE, LABELS, read_png
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE
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
        files.candidates(row, labels)
        files.labels(row, labels)
        if self.keep_confidence:
            files.confidence(row, _confidence(self.stored, stem, size))


class FilledLabelsPass(LabelingPass):
    """Labels of a folder; where it has none, those of the network.

    Masks of which only some classes were kept cost more than they bring when
    they are learned alone: docs/how_to/outside_masks.md.

    Args:
        predictor: see :class:`LabelingPass`.
        dataloader: see there.
        labeler: gives the network's labels.
        store: where the labels go.
        folder: see :class:`StoredLabelsPass`.
        fill: share of the predictions of each class to choose labels from.
        **kwargs: further arguments of :class:`LabelingPass`.
    """

    def __init__(
        self,
        predictor,
        dataloader,
        labeler,
        store,
        folder: Path,
        fill: float,
        **kwargs,
    ) -> None:
        super().__init__(predictor, dataloader, labeler, store, **kwargs)
        self.stored, self.fill = folder, fill

    def label_files(self, *args) -> LabelFiles:
        return FilledLabelFiles(self.stored, *args)

    def _one_pass(self, files, round_index, portion, statistics) -> None:
        super()._one_pass(files, round_index, self.fill, statistics)

    def _two_passes(self, files, round_index, portion, statistics) -> None:
        super()._two_passes(files, round_index, self.fill, statistics)


class FilledLabelFiles(LabelFiles):
    """Labels of a folder go before those that are given.

    Args:
        stored: the folder.
        *args: see :class:`LabelFiles`.
    """

    def __init__(self, stored: Path, *args) -> None:
        super().__init__(*args)
        self.stored = stored

    def confidence(self, row: int, codes: np.ndarray) -> None:
        """Write a confidence map (H, W) uint16."""
        self._submit(self._merge_confidence, row, codes)

    def soft(self, row: int, shares: np.ndarray) -> None:
        """Masks are hard labels, and so is what stands beside them."""

    def _select(self, row: int, thresholds: np.ndarray, keep: bool) -> None:
        super()._select(row, thresholds, keep)
        if keep:
            codes = read_png(self.folder / self._name(CONFIDENCE, row))
            self._merge_confidence(row, codes)

    def _count(self, row: int, predictions: np.ndarray) -> None:
        super()._count(row, self._merge(row, predictions))

    def _finish(self, row: int, labels: np.ndarray) -> None:
        super()._finish(row, self._merge(row, labels))

    def _merge(self, row: int, labels: np.ndarray) -> np.ndarray:
        stored = self._stored_labels(row, labels.shape)
        return np.where(stored == IGNORE, labels, stored)

    def _merge_confidence(self, row: int, codes: np.ndarray) -> None:
        stem = self.dataset.get_stem(int(self.table.indices[row]))
        stored = _confidence(self.stored, stem, codes.shape)
        known = self._stored_labels(row, codes.shape) != IGNORE
        self._write(CONFIDENCE, row, np.where(known, stored, codes))

    def _stored_labels(self, row: int, size: tuple[int, int]) -> np.ndarray:
        return _resized(self.stored / self._name(LABELS, row), size)


def _confidence(folder: Path, stem: str, size: tuple[int, int]) -> np.ndarray:
    """Confidence codes (H, W) of the labels of an image."""
    path = folder / CONFIDENCE / f'{stem}.png'
    if not path.is_file():
        raise UsageError(
            f'{path}: no confidences, which keep_confidence of this config '
            'asks for. Masks need them from the beginning'
        )
    return _resized(path, size)


def _resized(path: Path, size: tuple[int, int]) -> np.ndarray:
    array = read_png(path)
    if array.shape == size:
        return array
    return cv2.resize(array, size[::-1], interpolation=cv2.INTER_NEAREST)
