"""Training ids of the pixels of a mask."""

import cv2
import numpy as np

from mmsemi.utils.labels import IGNORE

from .encoding import Encoding, color_of, distances
from .mask_files import COLOR, GRAY, Codes, number, pack, unpack

_DISTINCT = (
    *(0x000000, 0xE6194B, 0x3CB44B, 0x4363D8, 0xFFE119, 0xF58231, 0x911EB4),
    *(0x42D4F4, 0xF032E6, 0xBFEF45, 0xFABED4, 0x469990, 0xDCBEFF, 0x9A6324),
    *(0xFFFAC8, 0x800000, 0xAAFFC3, 0x808000, 0xFFD8B1, 0x000075, 0xA9A9A9),
)
_STRIP = 1 << 22  # pixels that are worked on at once
_AROUND = 7  # pixels wide, where an edge finds the classes beside it


def labels_of(mask: Codes, encoding: Encoding) -> tuple[np.ndarray, int]:
    """Training ids of a mask.

    Values between those of classes go to the nearest of the classes around
    the pixel: the edge between the lowest and the highest of three gray
    steps is not a line of the middle one.

    Returns:
        (H, W) uint8 with 255 = ignored, and how many pixels were changed.

    Raises:
        KeyError: if it holds a value that the encoding does not know.
    """
    codes = mask.codes
    height, width = codes.shape
    rows = max(_STRIP // max(width, 1), 4 * _AROUND)
    labels = np.empty(codes.shape, np.uint8)
    changed = 0
    # In strips, with the rows around them that may matter.
    for top in range(0, height, rows):
        first, last = max(top - _AROUND, 0), min(top + rows, height)
        part, moved = _strip_labels(
            mask, codes[first : last + _AROUND], encoding
        )
        labels[top:last] = part[top - first : last - first]
        changed += int(moved[top - first : last - first].sum())
    return labels, changed


def _strip_labels(
    mask: Codes, codes: np.ndarray, encoding: Encoding
) -> tuple[np.ndarray, np.ndarray]:
    """Training ids of some rows, and which pixels were changed."""
    if mask.mode == '1':
        codes = codes * np.uint8(encoding.white)
    if encoding.space == COLOR and mask.space == GRAY:
        if mask.palette is not None:
            codes = pack(mask.palette)[np.minimum(codes, 255)]
        else:
            codes = np.minimum(codes, 255).astype(np.uint32)
            codes = codes * np.uint32(0x010101)
    values, index = number(codes)
    values = values.astype(np.uint32)
    ids, off = encoding.map_codes(values)
    labels = ids[index]
    moved = off[index]
    if not off.any() or len(encoding.codes) + len(encoding.ignored) < 3:
        return labels, moved
    snapped = _by_neighbors(values, index, labels, encoding)
    return snapped, moved | (snapped != labels)


def _by_neighbors(
    values: np.ndarray,
    index: np.ndarray,
    labels: np.ndarray,
    encoding: Encoding,
) -> np.ndarray:
    """Snap to the nearest class that fills an area around a pixel."""
    known = np.array([*encoding.codes, *encoding.ignored], np.uint32)
    ids = [*range(len(encoding.codes)), *[IGNORE] * len(encoding.ignored)]
    far = distances(values, known, encoding.space)
    near = far.min(1) <= encoding.slack
    best = np.full(labels.shape, np.inf, np.float32)
    result = labels.copy()
    around = np.zeros(labels.shape, np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    square = np.ones((_AROUND, _AROUND), np.uint8)
    for at, label in enumerate(ids):
        here = ((far.argmin(1) == at) & near)[index].astype(np.uint8)
        if not here.any():
            continue
        reach = cv2.dilate(cv2.erode(here, cross), square) > 0
        around += reach
        gap = np.where(reach, far[:, at][index], np.inf)
        closer = gap < best
        best[closer] = gap[closer]
        result[closer] = label
    # In the middle of one class a thin line of another may well be meant.
    return np.where(around > 1, result, labels)


def palette_of(encoding: Encoding) -> np.ndarray:
    """(C, 3) uint8 colors to show classes in: those of the masks, or others.

    Others are bright, to be seen over dark images, too: those that Sasha
    Trubetskoy found most distinct (2017), then those of Pascal VOC, whose
    bits are spread so that neighbors differ.
    """
    colors = np.zeros((len(encoding.classes), 3), np.uint8)
    for index in range(len(colors)):
        own = color_of(encoding, index)
        if own >= 0:
            colors[index] = unpack(np.array(own))
            continue
        if index < len(_DISTINCT):
            colors[index] = unpack(np.array(_DISTINCT[index]))
            continue
        rest = index
        for bit in range(7, -1, -1):
            for channel in range(3):
                colors[index, channel] |= (rest >> channel & 1) << bit
            rest >>= 3
    return colors
