"""Which of another model's labels to keep, from a few labeled images."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from mmsemi.evaluation.precision import Shown, largest_shown
from mmsemi.pseudo_labels.codes import decode_confidence, encode_confidence
from mmsemi.pseudo_labels.outside_masks import OutsideMask
from mmsemi.pseudo_labels.statistics import ConfidenceHistogram
from mmsemi.utils.labels import IGNORE

# Shares of the labels of a class that thresholds may keep.
SHARES = np.arange(1, 11) / 10
# Sizes of labels in images are counted in steps of an eighth of an octave.
STEPS, OCTAVES = 8, 40


class ClassResult(NamedTuple):
    """What is kept of a class.

    Attributes:
        kept: whether labels of the class are kept at all.
        threshold: code of the lowest confidence that is kept.
        share: of its labels in all images that reach the threshold.
        measured: precision on the labeled images, NaN without any label.
        bound: lower bound of the precision, see
            :func:`~mmsemi.evaluation.precision.lower_bound`.
        images: labeled images with such labels.
    """

    kept: bool
    threshold: int
    share: float
    measured: float
    bound: float
    images: int


class MaskCalibration:
    """A confidence threshold for each class of another model's masks.

    **What is promised.** If which images are labeled was drawn at random
    from all of them (labeled and unlabeled are exchangeable), then for each
    class that is kept, with a probability of at least ``1 - error_rate`` over
    that draw, the labels kept of it in all images have at least the stated
    precision. It is an exact statement for any number of images, whatever the
    masks are and however alike the pixels of an image are: images are what is
    drawn, pixels of an image are not exchangeable. Sources are named at
    :func:`~mmsemi.evaluation.precision.capital` and
    :func:`~mmsemi.evaluation.precision.largest_shown`: thresholds are tested,
    as in "Learn then Test", with the labeled images as the calibration set
    of split conformal prediction.

    **Precision** here is sum g r / sum g over images, with r the share of
    right labels of the class in an image and g = min(k, cap) / cap its number
    of kept labels, where cap is the median of k over the images that have
    any. So large images count by half at most of what pixels would make them
    count; the bound needs such a limit, or one image would decide.

    **What is not promised**: anything where the labeled images are other ones
    (another camera, another day); all classes at once (divide the error rate
    by their number for that); the share of a class that is found (recall).

    Steps: :meth:`add_confidence` of the masks of all images, :meth:`fit_grid`,
    :meth:`add` of all again, :meth:`fit`.

    Args:
        num_classes: number of classes C.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self.statistics = ConfidenceHistogram(num_classes)
        self.grid = np.zeros((num_classes, len(SHARES)), np.int64)
        shape = (num_classes, len(SHARES), STEPS * OCTAVES)
        self.sizes = np.zeros(shape, np.int64)
        # Of each labeled image (C, T): labels kept where truth is known.
        self.known: list[np.ndarray] = []
        self.right: list[np.ndarray] = []

    def add_confidence(self, mask: OutsideMask) -> None:
        """Count the confidences of an image."""
        labels, codes = _labels_and_codes(mask)
        self.statistics.update(
            torch.from_numpy(decode_confidence(codes)),
            torch.from_numpy(labels.astype(np.int64)),
        )

    def fit_grid(self) -> None:
        """Set the thresholds to be tested, from the labels of all images."""
        counts = self.statistics.counts().numpy()
        for place, share in enumerate(SHARES):
            k = torch.from_numpy((counts * share).astype(np.int64))
            edges = self.statistics.kth_highest(k.clamp(min=1)).numpy()
            edges = np.where(np.isinf(edges), 1, edges)
            self.grid[:, place] = encode_confidence(edges)

    def add(self, mask: OutsideMask, truth: np.ndarray | None = None) -> None:
        """Count the labels that each threshold keeps in an image.

        Args:
            mask: of the image.
            truth: (H, W) uint8 of a labeled image, 255 = unknown.
        """
        labels, codes = _labels_and_codes(mask)
        kept = self._kept(labels, codes)
        some = kept > 0
        size = (np.log2(np.maximum(kept, 1)) * STEPS).astype(int)
        classes, places = np.nonzero(some)
        self.sizes[classes, places, size[some]] += 1
        if truth is None:
            return
        truth = truth[mask.labels != IGNORE]
        known = truth != IGNORE
        self.known.append(self._kept(labels[known], codes[known]))
        right = truth == labels
        self.right.append(self._kept(labels[right], codes[right]))

    def _kept(self, labels: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """(C, T) int64, labels at or above each threshold."""
        found = np.zeros(self.grid.shape, np.int64)
        for label in np.unique(labels):
            reached = np.sort(codes[labels == label])
            below = np.searchsorted(reached, self.grid[label])
            found[label] = len(reached) - below
        return found

    def fit(self, precision: float, error_rate: float) -> list[ClassResult]:
        """Choose the threshold of each class.

        Args:
            precision: to be reached, in (0, 1); 0 keeps everything.
            error_rate: probability with which a class that is kept may miss
                it.
        """
        empty = np.zeros((0, *self.grid.shape), np.int64)
        known = np.stack(self.known) if self.known else empty
        right = np.stack(self.right) if self.right else empty
        return [
            self._fit(c, known[:, c], right[:, c], precision, error_rate)
            for c in range(self.num_classes)
        ]

    def _fit(
        self,
        c: int,
        known: np.ndarray,
        right: np.ndarray,
        precision: float,
        error_rate: float,
    ) -> ClassResult:
        bins = self.statistics.bins[c].numpy()
        total = int(bins.sum())
        if not total:
            return ClassResult(False, 0, 0.0, float('nan'), 0.0, 0)
        # Equal thresholds are one test.
        codes = np.unique(self.grid[c])[::-1]
        places = [int((self.grid[c] == code).argmax()) for code in codes]
        shares = [float(bins[code:].sum() / total) for code in codes]
        caps = np.array([self._cap(c, place) for place in places])
        known, right = known[:, places].T, right[:, places].T
        weights = np.minimum(known / caps[:, None], 1)
        shown: Shown = largest_shown(
            weights,
            right / np.maximum(known, 1),
            shares,
            precision,
            error_rate,
        )
        return ClassResult(
            shown.kept,
            int(codes[shown.place]),
            shares[shown.place],
            shown.measured,
            shown.bound,
            int((known[shown.place] > 0).sum()),
        )

    def _cap(self, c: int, place: int) -> float:
        """Median number of labels of a class in the images that have any."""
        counts = self.sizes[c, place]
        middle = np.searchsorted(counts.cumsum(), (counts.sum() + 1) // 2)
        return 2 ** (float(middle) / STEPS)


def selected(mask: OutsideMask, results: Iterable[ClassResult]) -> np.ndarray:
    """Labels that are kept of an image, (H, W) uint8, 255 = none."""
    table = np.full(256, np.iinfo(np.int64).max)
    for label, result in enumerate(results):
        if result.kept:
            table[label] = result.threshold
    codes = mask_codes(mask)
    return np.where(codes >= table[mask.labels], mask.labels, np.uint8(IGNORE))


def mask_codes(mask: OutsideMask) -> np.ndarray:
    """(H, W) uint16 codes of the confidences; hard masks are certain."""
    if mask.confidence is None:
        return np.full(mask.labels.shape, encode_confidence(np.float32(1)))
    return encode_confidence(mask.confidence)


def _labels_and_codes(mask: OutsideMask) -> tuple[np.ndarray, np.ndarray]:
    """Of the pixels that have a label."""
    some = mask.labels != IGNORE
    return mask.labels[some], mask_codes(mask)[some]
