"""Label maps: what datasets and models agree on."""

from collections.abc import Sequence

import torch
from torch import Tensor

# Void and padding: never takes part.
IGNORE = 255
# Label of pixels without annotation that may receive a pseudo-label: those
# of unseen classes and, as a rule, of the background (zero-label data).
UNLABELED = 254


def resize_labels(labels: Tensor, size: Sequence[int]) -> Tensor:
    """Nearest-neighbor resizing of label maps in integer arithmetic.

    Output cell i reads input cell floor(i * N / M), as OpenCV's and torch's
    ``nearest`` do, without the way through floating point.

    Args:
        labels: (..., H, W) of any type.
        size: height and width of the result.
    """
    height, width = (int(s) for s in size)
    if labels.shape[-2:] == (height, width):
        return labels
    rows = torch.arange(height, device=labels.device)
    columns = torch.arange(width, device=labels.device)
    rows = rows * labels.shape[-2] // height
    columns = columns * labels.shape[-1] // width
    return labels[..., rows[:, None], columns]


def label_onehot(
    labels: Tensor, num_classes: int, ignore_index: int = 255
) -> Tensor:
    """Labels as one map for each class.

    Args:
        labels: (N, H, W) int64.
        num_classes: number of classes C.
        ignore_index: label of pixels without one.

    Returns:
        (N, C, H, W) bool, False everywhere where ignored.
    """
    valid = labels != ignore_index
    maps = torch.zeros(
        len(labels),
        num_classes,
        *labels.shape[1:],
        dtype=torch.bool,
        device=labels.device,
    )
    maps.scatter_(1, labels.where(valid, 0)[:, None], True)
    return maps & valid[:, None]
