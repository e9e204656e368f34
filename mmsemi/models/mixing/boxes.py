"""Boxes of :mod:`mmsemi.ops.boxes` as masks."""

import torch
from torch import Tensor


def box_mask(boxes: Tensor, height: int, width: int) -> Tensor:
    """Pixels inside an odd number of boxes.

    Args:
        boxes: int64 (N, K, 4), see there.

    Returns:
        Bool (N, height, width) on the device of the boxes.
    """
    y0, x0, y1, x1 = boxes.unsqueeze(-1).unbind(2)
    rows = torch.arange(height, device=boxes.device)
    columns = torch.arange(width, device=boxes.device)
    rows = (rows >= y0) & (rows < y1)  # N, K, H
    columns = (columns >= x0) & (columns < x1)  # N, K, W
    inside = rows[..., None] & columns[:, :, None]
    return inside[:, 0] if inside.shape[1] == 1 else inside.sum(1) % 2 == 1
