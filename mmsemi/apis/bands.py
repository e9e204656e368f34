"""Labels of images of any size, in bands of rows that fit into memory.

An image goes through the network in windows. Their logits are added up on
the CPU and averaged where windows overlap, as in the sliding inference of
MMSegmentation; a band is resized, decided and let go as soon as no further
window reaches it. So the memory grows with the width of an image, not with
its area times the number of classes.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# Bytes for the logits of a band; resizing and copies take about as much.
BAND_BYTES = 1 << 28
SMALLEST = 32  # pixels a side that networks are sure to take


class Windows(NamedTuple):
    """Sizes and steps of windows, rows first, in pixels."""

    size: tuple[int, int]
    stride: tuple[int, int]


def windows_for(
    size: tuple[int, int], channels: int, side: int = 1024
) -> Windows:
    """Windows with a quarter of overlap, flat ones for very wide images.

    Args:
        size: (h, w) of the image.
        channels: of the logits.
        side: of a window.
    """
    rows = BAND_BYTES // (4 * channels * size[1]) // SMALLEST * SMALLEST
    rows = max(min(side, rows), side // 4)
    return Windows((rows, side), (max(rows * 3 // 4, 1), side * 3 // 4))


def starts(length: int, window: int, stride: int) -> list[int]:
    """Where windows begin along a side; the last one ends with the image."""
    number = max(length - window + stride - 1, 0) // stride + 1
    return [max(min(k * stride, length - window), 0) for k in range(number)]


def number_of_windows(size: tuple[int, int], windows: Windows) -> int:
    """How many windows cover an image of (h, w)."""
    rows, columns = map(starts, size, windows.size, windows.stride)
    return len(rows) * len(columns)


def rows_of_logits(
    image: Tensor, windows: Windows, logits_of: Callable[[Tensor], Tensor]
) -> Iterator[Tensor]:
    """Logits of an image, from top to bottom.

    Args:
        image: (C, h, w), as the pipeline made it.
        windows: their sizes.
        logits_of: (C, a, b) part of the image -> its logits (K, a, b).

    Yields:
        (K, n, w) float32 on the CPU, further rows each time.
    """
    height, width = image.shape[1:]
    rows, columns = (min(a, b) for a, b in zip(windows.size, (height, width)))
    total = seen = None
    tops = starts(height, windows.size[0], windows.stride[0])
    lefts = starts(width, windows.size[1], windows.stride[1])
    for top, following in zip(tops, [*tops[1:], height]):
        for left in lefts:
            part = image[:, top : top + rows, left : left + columns]
            logits = logits_of(part).float().cpu()
            if total is None or seen is None:
                total = logits.new_zeros(len(logits), rows, width)
                seen = logits.new_zeros(rows, width)
            total[:, :, left : left + columns] += logits
            seen[:, left : left + columns] += 1
        assert total is not None and seen is not None
        done = min(following - top, rows)
        yield total[:, :done] / seen[:done]
        for sums in (total, seen):
            sums[..., : rows - done, :] = sums[..., done:, :].clone()
            sums[..., rows - done :, :] = 0


def resized_rows(
    parts: Iterator[Tensor],
    size: tuple[int, int],
    new_size: tuple[int, int],
    align_corners: bool,
) -> Iterator[Tensor]:
    """Bilinear resizing, as :func:`torch.nn.functional.interpolate` does it.

    Args:
        parts: (K, n, w) rows from top to bottom.
        size: (h, w) of all of them together.
        new_size: (H, W).
        align_corners: whether corners are centers of pixels.

    Yields:
        (K, m, W), further rows each time.
    """
    (height, width), (new_height, new_width) = size, new_size
    place = torch.arange(new_height, dtype=torch.float64)
    if align_corners:
        place *= (height - 1) / max(new_height - 1, 1)
    else:
        place = ((place + 0.5) * height / new_height - 0.5).clamp_min(0)
    low = place.floor().long().clamp_max(height - 1)
    high = (low + 1).clamp_max(height - 1)
    weight = (place - low).float()[:, None]
    kept, first, done = None, 0, 0
    for part in parts:
        kept = part if kept is None else torch.cat([kept, part], 1)
        ready = int((high < first + kept.shape[1]).sum())
        step = max(BAND_BYTES // (16 * len(kept) * new_width), 1)
        for begin in range(done, ready, step):
            rows = slice(begin, min(begin + step, ready))
            upper = kept[:, low[rows] - first]
            lower = kept[:, high[rows] - first]
            mixed = upper + weight[rows] * (lower - upper)
            if width != new_width:
                mixed = F.interpolate(
                    mixed[None],
                    (mixed.shape[1], new_width),
                    mode='bilinear',
                    align_corners=align_corners,
                )[0]
            yield mixed
        done = ready
        if done < new_height:
            passed = min(int(low[done]) - first, kept.shape[1])
            kept, first = kept[:, passed:], first + passed


def collect(
    rows: Iterator[Tensor],
    size: tuple[int, int],
    decide: Callable[[Tensor], tuple[Tensor, Tensor]],
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and confidences of all rows.

    Args:
        rows: (K, n, W) logits from top to bottom.
        size: (H, W).
        decide: logits -> labels (n, W) and confidences (n, W).

    Returns:
        (H, W) uint8 and (H, W) float16; memory counts here.
    """
    ids = np.zeros(size, np.uint8)
    confidence = np.zeros(size, np.float16)
    top = 0
    for part in rows:
        low = top + part.shape[1]
        labels, sure = decide(part)
        ids[top:low] = labels.numpy()
        confidence[top:low] = sure.numpy()
        top = low
    return ids, confidence
