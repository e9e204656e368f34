"""How good pseudo-labels are, where ground truth exists. For reports only."""

from collections.abc import Sequence

import numpy as np


class PseudoLabelQuality:
    """Confusion counts of pseudo-labels against ground truth.

    Pixels that either map ignores (255) are dropped, so accuracy and IoU
    are those of the *kept* pixels, as DST-CBC reports them. (mmseg's
    ``IoUMetric`` would count a dropped prediction as a miss.)

    Args:
        num_classes: number of classes C.

    Attributes:
        confusion: (C, C) int64, rows = ground truth, columns = label.
        candidates: (C,) int64, predictions of each class before selection.
        kept: (C,) int64, labels of each class after selection.
        pixels: all pixels seen, labeled or not.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self.confusion = np.zeros((num_classes, num_classes), np.int64)
        self.candidates = np.zeros(num_classes, np.int64)
        self.kept = np.zeros(num_classes, np.int64)
        self.pixels = 0

    def count_labels(self, labels: np.ndarray) -> None:
        """Count kept labels, uint8 classes, 255 = none."""
        self.pixels += labels.size
        counts = np.bincount(labels.ravel(), minlength=256)
        self.kept += counts[: self.num_classes]

    def count_candidates(self, predictions: np.ndarray) -> None:
        """Count predictions, uint8 classes, before any is dropped."""
        counts = np.bincount(predictions.ravel(), minlength=256)
        self.candidates += counts[: self.num_classes]

    def compare(self, labels: np.ndarray, target: np.ndarray) -> None:
        """Compare labels with ground truth of the same shape.

        Raises:
            ValueError: when shapes differ, or a value is neither a class
                nor 255.
        """
        if labels.shape != target.shape:
            raise ValueError(
                f'labels are {labels.shape}, ground truth is {target.shape}'
            )
        both = (labels != 255) & (target != 255)
        pairs = target[both].astype(np.int64) * self.num_classes + labels[both]
        counts = np.bincount(pairs, minlength=self.num_classes**2)
        if (
            len(counts) > self.num_classes**2
            or (labels[both] >= self.num_classes).any()
        ):
            raise ValueError(
                f'labels reach {labels[both].max()}, ground truth '
                f'{target[both].max()}: classes are 0..'
                f'{self.num_classes - 1}'
            )
        self.confusion += counts.reshape(self.confusion.shape)

    def state(self) -> np.ndarray:
        """All counts in one int64 vector, to be summed over processes."""
        return np.concatenate(
            [self.confusion.ravel(), self.candidates, self.kept, [self.pixels]]
        )

    def load_state(self, state: np.ndarray) -> None:
        """Inverse of :meth:`state`."""
        square = self.num_classes**2
        self.confusion = state[:square].reshape(self.confusion.shape).copy()
        self.candidates, self.kept = state[square:-1].reshape(2, -1).copy()
        self.pixels = int(state[-1])

    def accuracy(self) -> float:
        """Share of kept pixels that are right; NaN without ground truth."""
        return _divide(np.trace(self.confusion), self.confusion.sum())

    def precision(self) -> np.ndarray:
        """(C,) share of the labels of each class that are right."""
        return _divide(np.diag(self.confusion), self.confusion.sum(0))

    def iou(self) -> np.ndarray:
        """(C,) intersection over union; NaN for a class in neither map."""
        hit = np.diag(self.confusion)
        union = self.confusion.sum(0) + self.confusion.sum(1) - hit
        return _divide(hit, union)

    def summary(self, classes: Sequence[str]) -> dict:
        """Figures as plain data, None where there is no ground truth."""
        compared = self.confusion.sum() > 0
        iou, precision = self.iou(), self.precision()
        present = ~np.isnan(iou)
        return dict(
            kept=float(self.kept.sum() / max(self.pixels, 1)),
            accuracy=float(self.accuracy()) if compared else None,
            miou=float(iou[present].mean()) if compared else None,
            per_class={
                name: dict(
                    candidates=int(self.candidates[c]),
                    kept=int(self.kept[c]),
                    accuracy=None
                    if np.isnan(precision[c])
                    else float(precision[c]),
                )
                for c, name in enumerate(classes)
            },
        )


def _divide(numerator, denominator):
    with np.errstate(divide='ignore', invalid='ignore'):
        return np.divide(numerator, denominator, dtype=np.float64)
