"""Shapes of annotation files as pixels, and pixels as shapes."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

Points = Sequence[Sequence[float]]

# No image has so many pixels in a row; beyond this, drawing overflows.
FARTHEST = 1e8


def fill_even_odd(rings: Sequence[Points], size: tuple[int, int]):
    """Pixels whose centers lie within, as COCO counts them.

    Args:
        rings: outlines in pixels, the corner of the image being (0, 0).
        size: height and width.

    Returns:
        (H, W) bool.
    """
    height, width = size
    crossings: dict[int, list[float]] = {}
    for ring in rings:
        xs, ys = np.asarray(ring, np.float64).reshape(-1, 2).T
        _check_coordinates([xs, ys])
        for x0, y0, x1, y1 in zip(xs, ys, np.roll(xs, -1), np.roll(ys, -1)):
            if y0 == y1:
                continue
            low, high = min(y0, y1), max(y0, y1)
            first = max(math.ceil(low - 0.5), 0)
            last = min(math.ceil(high - 0.5), height)
            for row in range(first, last):
                at = x0 + (row + 0.5 - y0) * (x1 - x0) / (y1 - y0)
                crossings.setdefault(row, []).append(at)
    mask = np.zeros(size, bool)
    for row, found in crossings.items():
        found.sort()
        for left, right in zip(found[::2], found[1::2]):
            first = max(math.ceil(left - 0.5), 0)
            mask[row, first : max(math.ceil(right - 0.5), 0)] = True
    return mask


def _check_coordinates(values: Sequence) -> None:
    """Refuse coordinates that would be drawn as something else."""
    largest = np.abs(np.asarray(values, np.float64)).max(initial=0)
    if not np.isfinite(largest):
        raise ValueError('a coordinate is not a finite number')
    if largest > FARTHEST:
        raise ValueError(f'a coordinate of {largest:.0e} is in no image')


def labelme_shape(points: Points, kind: str, size: tuple[int, int]):
    """A shape as labelme's own ``shape_to_mask`` draws it.

    The outline belongs to it; lines are 10 and points 5 pixels wide.

    Args:
        points: of the shape, in pixels.
        kind: ``polygon``, ``rectangle``, ``circle``, ``line``,
            ``linestrip`` or ``point``.
        size: height and width.

    Returns:
        (H, W) bool, or None for a kind that is none of these or has too few
        points.
    """
    picture = Image.new('1', (size[1], size[0]))
    draw = ImageDraw.Draw(picture)
    xy = [(float(x), float(y)) for x, y in points]
    _check_coordinates(xy)
    if kind == 'circle' and len(xy) == 2:
        (cx, cy), (px, py) = xy
        radius = math.hypot(cx - px, cy - py)
        box = [cx - radius, cy - radius, cx + radius, cy + radius]
        draw.ellipse(box, outline=1, fill=1)
    elif kind == 'rectangle' and len(xy) == 2:
        (left, right), (top, bottom) = (sorted(axis) for axis in zip(*xy))
        draw.rectangle([left, top, right, bottom], outline=1, fill=1)
    elif kind in ('line', 'linestrip') and len(xy) > 1:
        draw.line(xy, fill=1, width=10)
    elif kind == 'point' and len(xy) == 1:
        (cx, cy), radius = xy[0], 5
        box = [cx - radius, cy - radius, cx + radius, cy + radius]
        draw.ellipse(box, outline=1, fill=1)
    elif kind in ('polygon', '', None) and len(xy) > 2:
        draw.polygon(xy, outline=1, fill=1)
    else:
        return None
    return np.array(picture)


def decode_runs(counts: str | Sequence[int], size: tuple[int, int]):
    """COCO's run lengths as pixels.

    Runs of zeros and ones in turn, down the columns. In the compressed form
    each number has 5 bits a character (from ``0`` on, the sixth bit says
    that it goes on, the last one's highest bit is the sign); from the
    fourth number on, it is the difference to the last but one (pycocotools,
    ``rleFrString`` in ``maskApi.c``).

    Args:
        counts: run lengths, or text with them compressed.
        size: height and width.

    Returns:
        (H, W) bool.

    Raises:
        ValueError: if the runs do not cover the image.
    """
    if isinstance(counts, str):
        counts = _uncompressed(counts)
    lengths = np.asarray(counts, np.int64)
    height, width = size
    if (lengths < 0).any():
        raise ValueError(f'one of its runs is {lengths.min()} pixels long')
    if (lengths > height * width).any():  # or their sum could wrap around
        raise ValueError(
            f'one of its runs is {lengths.max()} pixels long, of '
            f'{height * width}'
        )
    if lengths.sum() != height * width:
        raise ValueError(
            f'its runs cover {lengths.sum()} pixels of {height * width}'
        )
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T


def _uncompressed(text: str) -> list[int]:
    numbers: list[int] = []
    at = 0
    while at < len(text):
        number, shift, more = 0, 0, True
        while more:
            if at == len(text):
                raise ValueError('its runs end within a number')
            bits = ord(text[at]) - 48
            if not 0 <= bits < 64:
                raise ValueError(f'its runs hold {text[at]!r}')
            number |= (bits & 31) << shift
            more = bool(bits & 32)
            at += 1
            shift += 5
            if not more and bits & 16:
                number -= 1 << shift
        if len(numbers) > 2:
            number += numbers[-2]
        numbers.append(number)
    return numbers


def encode_runs(mask: np.ndarray) -> list[int]:
    """The inverse of :func:`decode_runs`, not compressed."""
    flat = mask.T.ravel().astype(np.uint8)
    ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], ends, [flat.size]])
    lengths = np.diff(edges).tolist()
    return [0, *lengths] if flat.size and flat[0] else lengths


def outlines(labels: np.ndarray) -> list[tuple[int, list[list[int]]]]:
    """Areas of one label as polygons, to be drawn in this order.

    An area is drawn with its holes filled; whatever lies in a hole comes
    after it, since larger areas come first.

    Args:
        labels: (H, W) uint8.

    Returns:
        ``(label, points)`` each.
    """
    found = []
    for label in np.unique(labels).tolist():
        # CCOMP: areas in holes of others of the same label, too.
        nested, tree = cv2.findContours(
            (labels == label).astype(np.uint8),
            cv2.RETR_CCOMP,
            cv2.CHAIN_APPROX_SIMPLE,
        )
        outer = [nested[i] for i in range(len(nested)) if tree[0][i][3] == -1]
        for area in outer:
            points = area[:, 0].tolist()
            left, top, width, height = cv2.boundingRect(area)
            found.append(
                (width * height, cv2.contourArea(area), label, points)
            )
    found.sort(key=lambda item: (-item[0], -item[1]))
    return [(label, points) for _, _, label, points in found]
