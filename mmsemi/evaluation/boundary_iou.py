"""IoU of the contours of classes."""

from collections.abc import Sequence

import cv2
import numpy as np
from mmengine.evaluator import BaseMetric

from mmsemi.registry import METRICS

from .class_iou import ClassScores, score_classes


def boundary(mask: np.ndarray, width: int) -> np.ndarray:
    """Pixels of a mask at most ``width`` away from its edge.

    The border of the image is an edge, as in the published code.

    Args:
        mask: (H, W) uint8, 0 or 1.
        width: in pixels, at least 1.

    Returns:
        (H, W) bool.
    """
    inside = cv2.erode(
        mask,
        np.ones((2 * width + 1, 2 * width + 1), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return (mask - inside).astype(bool)


def boundary_width(size: Sequence[int], share: float = 0.02) -> int:
    """Pixels that make a boundary: a share of the diagonal, at least one."""
    return max(1, round(share * float(np.hypot(*size))))


def boundary_areas(
    prediction: np.ndarray,
    truth: np.ndarray,
    classes: int,
    width: int,
    ignore: int = 255,
) -> np.ndarray:
    """(4, C) int64 intersection, union, predicted and labeled pixels.

    Args:
        prediction: (H, W) classes.
        truth: (H, W) classes; what is ``ignore`` counts nowhere, but does
            end the region of a class.
        classes: C.
        width: see :func:`boundary`.
        ignore: see above.
    """
    areas = np.zeros((4, classes), np.int64)
    known = truth != ignore
    for label in range(classes):
        one, two = prediction == label, truth == label
        if not (one.any() or two.any()):
            continue
        edge_1 = boundary(one.astype(np.uint8), width) & known
        edge_2 = boundary(two.astype(np.uint8), width) & known
        both = np.count_nonzero(edge_1 & edge_2)
        sizes = np.count_nonzero(edge_1), np.count_nonzero(edge_2)
        areas[:, label] = both, sum(sizes) - both, *sizes
    return areas


@METRICS.register_module()
class BoundaryIoUMetric(BaseMetric):
    """Boundary IoU (Cheng et al., CVPR 2021, arXiv 2103.16562).

    Intersection over union of what lies within 2 % of the diagonal of the
    edge of a class in prediction and truth, summed over all images, as IoU
    is. Gives ``boundary_mIoU`` in percent, the mean over the classes that
    are there.

    Args:
        share: width of a boundary, as a share of the image's diagonal.
        ignore_index: labels that count nowhere.
        **kwargs: see mmengine's ``BaseMetric``.

    Attributes:
        class_boundaries: of the latest evaluation, on the main process.
    """

    def __init__(
        self, share: float = 0.02, ignore_index: int = 255, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        if not 0 < share < 1:
            raise ValueError(f'share must lie between 0 and 1, got {share}')
        self.share, self.ignore_index = share, ignore_index
        self.class_boundaries: ClassScores | None = None

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count a batch."""
        classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            prediction, truth = (
                sample[key]['data'].squeeze(0).cpu().numpy()
                for key in ('pred_sem_seg', 'gt_sem_seg')
            )
            width = boundary_width(truth.shape, self.share)
            self.results.append(
                boundary_areas(
                    prediction, truth, classes, width, self.ignore_index
                )
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Mean over the classes, in percent."""
        areas = np.sum(results, axis=0).astype(np.float64)
        self.class_boundaries = score_classes(
            areas, self.dataset_meta['classes']
        )
        hit, union = areas[:2]
        there = union > 0
        return dict(
            boundary_mIoU=float(100 * np.mean(hit[there] / union[there]))
        )
