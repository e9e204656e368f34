"""A landscape while it is drawn: canvas, light and brushes."""

from typing import TypeAlias

import cv2
import numpy as np

CLASSES = ('sky', 'hill', 'field', 'water', 'house', 'tree', 'boat', 'lamp')
PALETTE = (
    (126, 192, 238),
    (139, 125, 160),
    (154, 205, 50),
    (30, 90, 200),
    (205, 92, 72),
    (24, 110, 56),
    (255, 200, 40),
    (240, 240, 240),
)
SKY, HILL, FIELD, WATER, HOUSE, TREE, BOAT, LAMP = range(len(CLASSES))

SIZE = (64, 64)  # height, width
SCALE = 2  # drawn larger, then averaged

Array: TypeAlias = np.ndarray


def mix(a, b, t) -> Array:
    """Linear blend of two colors (or arrays), ``t`` = share of ``b``."""
    return np.asarray(a, np.float32) * (1 - t) + np.asarray(b, np.float32) * t


def ramp(stops, t: float) -> Array:
    """Color at ``t`` in [0, 1] of a list of evenly spaced colors."""
    stops = np.asarray(stops, np.float32)
    x = t * (len(stops) - 1)
    i = min(int(x), len(stops) - 2)
    return mix(stops[i], stops[i + 1], x - i)


def noise(
    rng: np.random.Generator, h: int, w: int, cell: float, stretch: float = 1.0
) -> Array:
    """Smooth noise (h, w) in [-1, 1] with features of about ``cell``."""
    rows = max(2, int(h / cell) + 2)
    cols = max(2, int(w / (cell * stretch)) + 2)
    grid = rng.uniform(-1, 1, (rows, cols)).astype(np.float32)
    return cv2.resize(grid, (w, h), interpolation=cv2.INTER_CUBIC)


class Scene:
    """One landscape while it is drawn: colors float RGB, and labels."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.h, self.w = (side * SCALE for side in SIZE)
        self.image = np.zeros((self.h, self.w, 3), np.float32)
        self.mask = np.zeros((self.h, self.w), np.uint8)
        self.time = rng.uniform()  # noon, evening, dusk, night
        self.season = rng.uniform()  # spring, summer, autumn, winter
        self.fog = max(0.0, rng.uniform(-0.5, 0.4))
        self.horizon = int(self.h * rng.uniform(0.3, 0.55))
        self.rows = np.linspace(0, 1, self.h, dtype=np.float32)[:, None]
        self.air = ramp(
            [(225, 232, 240), (238, 205, 170), (170, 140, 160), (60, 66, 96)],
            self.time,
        )

    def paint(self, region: Array, label: int, color: Array) -> None:
        """Fill a boolean region (H, W) with a color (3,) or (H, W, 3)."""
        color = np.broadcast_to(color, self.image.shape)
        self.image[region] = color[region]
        self.mask[region] = label

    def polygon(self, points) -> Array:
        """Boolean region (H, W) inside a polygon of (x, y) points."""
        canvas = np.zeros((self.h, self.w), np.uint8)
        cv2.fillPoly(canvas, [np.round(points).astype(np.int32)], 1)
        return canvas.astype(bool)

    def ellipse(self, x, y, rx, ry) -> Array:
        """Boolean region (H, W) inside an upright ellipse."""
        canvas = np.zeros((self.h, self.w), np.uint8)
        cv2.ellipse(
            canvas,
            (int(x), int(y)),
            (max(1, int(rx)), max(1, int(ry))),
            0,
            0,
            360,
            1,
            -1,
        )
        return canvas.astype(bool)

    def noise(self, cell: float, stretch: float = 1.0) -> Array:
        return noise(self.rng, self.h, self.w, cell, stretch)

    def textured(self, color: Array, *layers: tuple[float, Array]) -> Array:
        """Color field (H, W, 3): a color plus ``amount * noise``."""
        shade: Array = sum(amount * layer for amount, layer in layers)
        return np.asarray(color, np.float32) + shade[..., None]

    def far(self, color: Array, distance: float) -> Array:
        """A color seen through the air, ``distance`` in [0, 1]."""
        return mix(color, self.air, min(1.0, distance * (0.25 + self.fog)))
