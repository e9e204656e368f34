"""Predictions as polygons that a person can correct, few points each."""

from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from mmsemi.utils.labels import IGNORE

from .files import seen_from
from .mask_source import BACKGROUND_LABELS

# Points are left out where the outline moves by no more than this, in pixels.
TOLERANCE = 1.0
# How far an area goes on below its neighbors that are drawn over it.
BELOW = 2


class Area(NamedTuple):
    """A connected area of one class.

    Attributes:
        label: class id.
        mask: (h, w) bool, its pixels and all it encloses, and a margin below
            areas that are drawn later.
        corner: (row, column) of the mask in the image.
    """

    label: int
    mask: np.ndarray
    corner: tuple[int, int]


def without_specks(labels: np.ndarray, smallest: int) -> np.ndarray:
    """Labels (H, W) with small areas given to what lies next to them.

    Args:
        labels: uint8 ids.
        smallest: pixels that an area must have to stay.
    """
    keep = np.zeros(labels.shape, bool)
    for label in np.unique(labels):
        _, parts, facts, _ = cv2.connectedComponentsWithStats(
            (labels == label).astype(np.uint8), connectivity=8
        )
        large = facts[:, cv2.CC_STAT_AREA] >= smallest
        large[0] = False
        keep |= large[parts]
    if keep.all() or not keep.any():
        return labels
    place = ndimage.distance_transform_edt(
        ~keep, return_distances=False, return_indices=True
    )
    return labels[tuple(place)]


def areas_of(labels: np.ndarray) -> list[Area]:
    """Areas in the order in which they are to be drawn.

    Each is drawn with its holes filled, larger ones first, so that what lies
    in a hole is drawn over it. Below its later neighbors it goes on for two
    pixels: outlines with few points leave no gap between them then.

    Args:
        labels: (H, W) uint8.
    """
    found = []
    for label in np.unique(labels).tolist():
        outlines, _ = cv2.findContours(
            (labels == label).astype(np.uint8),
            cv2.RETR_CCOMP,
            cv2.CHAIN_APPROX_NONE,
        )[0:2]
        tree = _[0] if _ is not None else []
        for outline, (*_, parent) in zip(outlines, tree):
            if parent != -1:
                continue
            left, top, width, height = cv2.boundingRect(outline)
            mask = np.zeros((height, width), np.uint8)
            cv2.drawContours(mask, [outline - (left, top)], -1, 1, cv2.FILLED)
            found.append(Area(label, mask.astype(bool), (top, left)))
    found.sort(key=lambda area: -int(area.mask.sum()))
    number = np.zeros(labels.shape, np.int32)
    for index, area in enumerate(found, start=1):
        place = _place(area.mask.shape, area.corner)
        number[place][area.mask] = index
    return [
        _with_margin(area, index, number)
        for index, area in enumerate(found, start=1)
    ]


def _place(shape, corner) -> tuple[slice, slice]:
    return (
        slice(corner[0], corner[0] + shape[0]),
        slice(corner[1], corner[1] + shape[1]),
    )


def _with_margin(area: Area, index: int, number: np.ndarray) -> Area:
    top, left = (max(v - BELOW, 0) for v in area.corner)
    low = min(area.corner[0] + area.mask.shape[0] + BELOW, number.shape[0])
    right = min(area.corner[1] + area.mask.shape[1] + BELOW, number.shape[1])
    mask = np.zeros((low - top, right - left), np.uint8)
    inner = _place(
        area.mask.shape, (area.corner[0] - top, area.corner[1] - left)
    )
    mask[inner] = area.mask
    wide = cv2.dilate(mask, np.ones((2 * BELOW + 1, 2 * BELOW + 1), np.uint8))
    later = number[top:low, left:right] > index
    return Area(area.label, (mask > 0) | ((wide > 0) & later), (top, left))


def points_of(area: Area, edges: bool) -> list[list[float]]:
    """Outline (x, y) of an area in pixels.

    Args:
        area: to be drawn as one polygon.
        edges: along the edges of pixels, (0, 0) being the corner of the
            image as in COCO; else through their centers, (0, 0) being that
            of the first one, as labelme's drawing takes it.
    """
    picture = area.mask.astype(np.uint8)
    scale = 2 if edges else 1
    if edges:  # centers of quarters of pixels, half way to the edge
        picture = picture.repeat(2, 0).repeat(2, 1)
    outlines, _ = cv2.findContours(
        picture, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )[0:2]
    outline = max(outlines, key=len)
    few = cv2.approxPolyDP(outline, TOLERANCE * scale, True)
    if len(few) < 3:  # nothing but a line is left of it
        left, top, width, height = cv2.boundingRect(outline)
        right, low = left + width - 1, top + height - 1
        few = np.array([[left, top], [right, top], [right, low], [left, low]])
    points = few.reshape(-1, 2).astype(float)
    points = (points + 0.5) / 2 if edges else points
    return (points + area.corner[::-1]).tolist()


def labelme_data(
    labels: np.ndarray,
    areas: list[Area],
    classes: list[str],
    image: Path,
    folder: Path,
) -> dict[str, Any]:
    """The content of a labelme file.

    Args:
        labels: (H, W) uint8.
        areas: of them.
        classes: their names.
        image: file that labelme shows.
        folder: that the file will be in; labelme looks from there.
    """
    height, width = labels.shape
    shapes = [
        dict(
            label=_name(area.label, classes),
            points=points_of(area, edges=False),
            group_id=None,
            shape_type='polygon',
            flags={},
        )
        for area in drawn(areas, labels, classes)
    ]
    return dict(
        version='5.0.0',
        flags={},
        shapes=shapes,
        imagePath=seen_from(image, folder),
        imageData=None,
        imageHeight=height,
        imageWidth=width,
    )


def drawn(
    areas: list[Area], labels: np.ndarray, classes: list[str]
) -> list[Area]:
    """Areas without background that nothing else covers.

    What no polygon covers is background anyway.
    """
    covered = np.zeros(labels.shape, bool)
    kept = []
    for area in areas:
        place = _place(area.mask.shape, area.corner)
        background = _name(area.label, classes) in BACKGROUND_LABELS
        if background and not (covered[place] & area.mask).any():
            continue
        covered[place] |= area.mask
        kept.append(area)
    return kept


def _name(label: int, classes: list[str]) -> str:
    if label == IGNORE:
        return '__ignore__'
    name = classes[label]
    return '_background_' if name in BACKGROUND_LABELS else name


class CocoFile:
    """COCO JSON of several images, polygons that overlap where drawn later.

    Args:
        classes: names.
    """

    def __init__(self, classes: list[str]) -> None:
        self.classes = classes
        self.images: list[dict] = []
        self.annotations: list[dict] = []

    def add(
        self, file_name: str, labels: np.ndarray, areas: list[Area]
    ) -> None:
        """Add an image; ``file_name`` is relative to the folder of images."""
        height, width = labels.shape
        number = len(self.images) + 1
        self.images.append(
            dict(id=number, file_name=file_name, height=height, width=width)
        )
        for area in drawn(areas, labels, self.classes):
            points = np.array(points_of(area, edges=True))
            (left, top), (right, low) = points.min(0), points.max(0)
            self.annotations.append(
                dict(
                    id=len(self.annotations) + 1,
                    image_id=number,
                    category_id=area.label + 1,
                    segmentation=[points.ravel().tolist()],
                    area=int(area.mask.sum()),
                    bbox=[left, top, right - left, low - top],
                    iscrowd=0,
                )
            )

    def data(self) -> dict[str, Any]:
        """The content of the file."""
        categories = [
            dict(id=index + 1, name=_name(index, self.classes))
            for index in range(len(self.classes))
        ]
        return dict(
            images=self.images,
            annotations=self.annotations,
            categories=categories,
        )
