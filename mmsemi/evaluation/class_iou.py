"""IoU of every class, kept beside the means that mmseg returns."""

from collections.abc import Sequence
from typing import NamedTuple

import mmseg.evaluation
import numpy as np
from mmengine.evaluator import Evaluator
from torch import Tensor

from mmsemi.registry import METRICS


class ClassScores(NamedTuple):
    """What a validation found of each class.

    Attributes:
        iou: percent by the name of the class, None where neither labels nor
            predictions hold it.
        dead: classes with labels of which not one pixel was found.
        left_out: classes that means over the classes leave out.
    """

    iou: dict[str, float | None]
    dead: list[str]
    left_out: Sequence[str] = ()


def class_areas(results: Sequence[Sequence]) -> np.ndarray:
    """Sum what :class:`IoUMetric` counts.

    Args:
        results: of every image (C,) intersection, union, predicted and
            labeled pixels.

    Returns:
        (4, C) float64.
    """
    return np.stack(
        [
            np.sum([np.asarray(counts, np.float64) for counts in column], 0)
            for column in zip(*results)
        ]
    )


def class_iou(results: Sequence[Sequence]) -> np.ndarray:
    """(C,) float64 IoU in [0, 1]; NaN where a class is absent.

    Args:
        results: see :func:`class_areas`.
    """
    hit, union, _, _ = class_areas(results)
    with np.errstate(invalid='ignore'):
        return hit / union


def score_classes(areas: np.ndarray, classes: Sequence[str]) -> ClassScores:
    """Scores by name from what :func:`class_areas` gives."""
    hit, union, _, labeled = areas
    with np.errstate(invalid='ignore'):
        iou = np.round(100 * hit / union, 2)
    return ClassScores(
        {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(classes, iou)
        },
        [
            name
            for name, right, all_of_it in zip(classes, hit, labeled)
            if all_of_it > 0 and right == 0
        ],
        [name for name, value in zip(classes, iou) if np.isnan(value)],
    )


@METRICS.register_module()
class IoUMetric(mmseg.evaluation.IoUMetric):
    """mmseg's ``IoUMetric``, which also keeps the IoU of each class.

    mmseg prints a table and returns means. In the scope of mmsemi the name
    ``IoUMetric`` means this class; its figures are the same, but exact:
    mmseg counts in float32, which ends at 2^24 pixels of a class, so that of
    a larger image all counts are equal and nothing is wrong.

    Attributes:
        class_scores: of the latest evaluation, on the main process; None
            before, or where predictions are only written to files.
    """

    class_scores: ClassScores | None = None

    def intersect_and_union(
        self,
        pred_label: Tensor,
        label: Tensor,
        num_classes: int,
        ignore_index: int,
    ) -> tuple[Tensor, ...]:
        """Count an image.

        Args:
            pred_label: (H, W) classes.
            label: the same; what is no class is counted nowhere.
            num_classes: number of classes C.
            ignore_index: pixels of this label do not count.

        Returns:
            (C,) float64 intersection, union, predicted and labeled pixels.
        """
        known = label != ignore_index
        predicted, label = pred_label[known], label[known]

        def count(labels: Tensor) -> Tensor:
            classes = labels[(labels >= 0) & (labels < num_classes)]
            return classes.bincount(minlength=num_classes).double().cpu()

        hit = count(predicted[predicted == label])
        found, there = count(predicted), count(label)
        return hit, found + there - hit, found, there

    def compute_metrics(self, results: list) -> dict[str, float]:
        """See mmseg."""
        if not self.format_only:
            self.class_scores = score_classes(
                class_areas(results), self.dataset_meta['classes']
            )
            if self.nan_to_num is not None:  # then all count
                self.class_scores = self.class_scores._replace(left_out=())
        return super().compute_metrics(results)


def latest_class_scores(evaluator: Evaluator) -> ClassScores | None:
    """Scores of the first metric of an evaluator that keeps them."""
    for metric in evaluator.metrics:
        scores = getattr(metric, 'class_scores', None)
        if scores is not None:
            return scores
    return None
