"""Files of a labeled round, written beside the network's thread."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from mmengine.logging import print_log

from mmsemi.evaluation import PseudoLabelQuality
from mmsemi.pseudo_labels.file_table import FileTable
from mmsemi.pseudo_labels.store import (
    CONFIDENCE,
    LABELS,
    SOFT,
    read_png,
    write_png,
)

# Enough to keep encoding off the network's thread.
WRITERS = 2
WAITING = 64  # maps that may wait in memory


class LabelFiles:
    """Write, select and count the label maps of one process.

    Methods without an underscore return at once; :meth:`drain` waits for
    what they began and raises what went wrong.

    Args:
        folder: partial folder of the round.
        dataset: an ``UnlabeledDataset``.
        indices: (n,) images of this process; maps are given by the row of
            their image in it.
        num_classes: number of classes.
        audit: compare with ground truth where mask files exist.
    """

    def __init__(
        self,
        folder: Path,
        dataset,
        indices: np.ndarray,
        num_classes: int,
        audit: bool,
    ) -> None:
        self.folder = folder
        self.dataset = dataset
        self.table = FileTable(indices)
        self.quality = PseudoLabelQuality(num_classes)
        self.audit = audit
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(WRITERS)
        self.pending: list[Future] = []

    def __enter__(self) -> 'LabelFiles':
        return self

    def __exit__(self, kind, error, trace) -> None:
        self.pool.shutdown(cancel_futures=kind is not None)

    def prediction(
        self, row: int, labels: np.ndarray, codes: np.ndarray
    ) -> None:
        """Keep argmax (H, W) uint8 and confidence codes (H, W) uint16."""
        self._submit(self._write, LABELS, row, labels)
        self._submit(self._write, CONFIDENCE, row, codes)
        self._submit(self._count, row, labels)

    def select(self, row: int, thresholds: np.ndarray, keep: bool) -> None:
        """Drop predictions below the thresholds of their classes.

        Args:
            row: of an image whose :meth:`prediction` is on disk.
            thresholds: (C,) codes.
            keep: leave the confidence map there.
        """
        self._submit(self._select, row, thresholds, keep)

    def labels(self, row: int, labels: np.ndarray) -> None:
        """Write final labels (H, W) uint8, 255 = none, and count them."""
        self._submit(self._finish, row, labels)

    def take_over(self, row: int, folder: Path) -> None:
        """Keep the labels that an earlier round has of an image.

        Args:
            row: of the image.
            folder: of that round.
        """
        self._submit(self._take_over, row, folder)

    def candidates(self, row: int, predictions: np.ndarray) -> None:
        """Count predictions (H, W) uint8 that labels are chosen from."""
        self._submit(self._count, row, predictions)

    def confidence(self, row: int, codes: np.ndarray) -> None:
        """Write a confidence map (H, W) uint16."""
        self._submit(self._write, CONFIDENCE, row, codes)

    def soft(self, row: int, shares: np.ndarray) -> None:
        """Write soft labels (C h, w) uint8."""
        self._submit(self._write, SOFT, row, shares)

    def drain(self) -> None:
        """Wait for everything begun so far."""
        for future in self.pending:
            future.result()
        self.pending = []

    def _submit(self, function: Callable, *args) -> None:
        self.pending.append(self.pool.submit(function, *args))
        if len(self.pending) > WAITING:
            self.pending.pop(0).result()

    # These run in the writers' threads.
    def _name(self, kind: str, row: int) -> str:
        stem = self.dataset.get_stem(int(self.table.indices[row]))
        return f'{kind}/{stem}.png'

    def _write(self, kind: str, row: int, array: np.ndarray) -> None:
        written = write_png(self.folder, self._name(kind, row), array)
        self.table.note(kind, row, *written)

    def _select(self, row: int, thresholds: np.ndarray, keep: bool) -> None:
        confidence = self.folder / self._name(CONFIDENCE, row)
        plain = read_png(self.folder / self._name(LABELS, row))
        codes = read_png(confidence)
        labels = np.where(codes >= thresholds[plain], plain, np.uint8(255))
        self._finish(row, labels)
        if not keep:
            confidence.unlink()

    def _take_over(self, row: int, folder: Path) -> None:
        labels = read_png(folder / self._name(LABELS, row))
        for kind in (CONFIDENCE, SOFT):
            path = folder / self._name(kind, row)
            if path.is_file():
                self._write(kind, row, read_png(path))
        self._count(row, labels)
        self._finish(row, labels)

    def _count(self, row: int, predictions: np.ndarray) -> None:
        with self.lock:  # numpy adds in place: one thread at a time
            self.quality.count_candidates(predictions)

    def _finish(self, row: int, labels: np.ndarray) -> None:
        self._write(LABELS, row, labels)
        with self.lock:
            self.quality.count_labels(labels)
        if self.audit:
            self._compare(int(self.table.indices[row]), labels)

    def _compare(self, index: int, labels: np.ndarray) -> None:
        """Compare with ground truth; a bad mask costs the figure, no more."""
        try:
            truth = self.dataset.audit_map(index)
            if truth is None:
                return
            if truth.shape != labels.shape:
                truth = cv2.resize(
                    truth, labels.shape[::-1], interpolation=cv2.INTER_NEAREST
                )
            with self.lock:
                self.quality.compare(labels, truth)
        except Exception as error:
            self.audit = False
            path = self.dataset.audit_path(index)
            print_log(
                f'accuracy of pseudo-labels is not reported in full: {path} '
                f'cannot be compared ({error}). Training goes on; if the '
                'mask needs a label map, set audit_pipeline of '
                'UnlabeledDataset',
                logger='current',
                level=logging.WARNING,
            )
