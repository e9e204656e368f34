"""Counts of a model on images with ground truth, image by image."""

from typing import Any

import numpy as np

from .bootstrap import KEYS
from .pseudo_label_quality import PseudoLabelQuality

BINS = 20  # of confidence, so 0.5, 0.8, 0.9 and 0.95 begin one
_ROWS = 1 << 24  # pixels counted at once


class HoldoutScores:
    """Confusion counts and how right the model is where it is sure.

    Args:
        num_classes: number of classes C.

    Attributes:
        images: (C, C) int64 confusion of each image by its name, rows =
            ground truth.
        pixels: (C, BINS) int64 predictions by class and confidence.
        right: (C, BINS) int64, those of them that are right.
        confidence: mean confidence of each image.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self.images: dict[str, np.ndarray] = {}
        self.pixels = np.zeros((num_classes, BINS), np.int64)
        self.right = np.zeros((num_classes, BINS), np.int64)
        self.confidence: dict[str, float] = {}

    def add(
        self,
        name: str,
        ids: np.ndarray,
        confidence: np.ndarray,
        truth: np.ndarray,
    ) -> None:
        """Count an image.

        Args:
            name: of the image.
            ids: (H, W) uint8 predicted classes.
            confidence: (H, W) float in [0, 1].
            truth: (H, W) uint8 classes, 255 = unknown.

        Raises:
            ValueError: if shapes differ or a value is no class.
        """
        quality = PseudoLabelQuality(self.num_classes)
        step = max(_ROWS // max(ids.shape[1], 1), 1)
        if ids.shape != truth.shape:
            raise ValueError(
                f'prediction is {ids.shape}, ground truth is {truth.shape}'
            )
        for top in range(0, len(ids), step):
            rows = slice(top, top + step)
            quality.compare(ids[rows], truth[rows])
            self._count(ids[rows], confidence[rows], truth[rows])
        self.images[name] = quality.confusion
        self.confidence[name] = float(confidence.mean(dtype=np.float64))

    def _count(self, ids, confidence, truth) -> None:
        known = truth != 255
        ids, right = ids[known].astype(np.int64), (ids == truth)[known]
        sure = confidence[known].astype(np.float32) * BINS
        bins = sure.astype(np.int64).clip(0, BINS - 1)
        places = ids * BINS + bins
        size = self.num_classes * BINS
        for total, part in (
            (self.pixels, places),
            (self.right, places[right]),
        ):
            total += np.bincount(part, minlength=size).reshape(total.shape)

    def as_data(self) -> dict[str, Any]:
        """Plain data: ``per_image``, ``confusion``, ``confidence``."""
        per_image = {
            name: {
                **dict(
                    zip(
                        KEYS,
                        (
                            counts.sum(1).tolist(),
                            counts.sum(0).tolist(),
                            np.diag(counts).tolist(),
                        ),
                    )
                ),
                'confidence': round(self.confidence[name], 4),
            }
            for name, counts in self.images.items()
        }
        total = np.zeros((self.num_classes, self.num_classes), np.int64)
        for counts in self.images.values():
            total += counts
        return dict(
            per_image=per_image,
            confusion=total.tolist(),
            confidence=dict(
                pixels=self.pixels.tolist(), right=self.right.tolist()
            ),
        )


def surer_half_precision(pixels: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Share of right ones in the more confident half of predictions.

    Pseudo-labels are taken from there. Where the half ends within a bin,
    that bin counts in part.

    Args:
        pixels: (C, BINS) of :class:`HoldoutScores`.
        right: (C, BINS), those of them that are right.

    Returns:
        (C,) float64, NaN for classes that were not predicted.
    """
    half = pixels.sum(1, keepdims=True) / 2
    surer = pixels[:, ::-1]
    before = surer.cumsum(1) - surer  # in bins of more confidence
    taken = (half - before).clip(0, surer)
    share = np.divide(taken, surer, out=np.zeros_like(taken), where=surer > 0)
    with np.errstate(invalid='ignore'):
        return (right[:, ::-1] * share).sum(1) / half[:, 0]
