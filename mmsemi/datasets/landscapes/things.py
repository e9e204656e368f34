"""Houses, trees, boats and lamps."""

import cv2
import numpy as np

from .scene import BOAT, HOUSE, LAMP, TREE, WATER, Scene, mix, ramp

WALLS = (
    (235, 230, 215),
    (225, 190, 130),
    (190, 110, 90),
    (150, 160, 190),
    (240, 200, 205),
)
ROOFS = ((170, 60, 45), (110, 60, 50), (70, 70, 90), (120, 50, 110))


def draw_house(s: Scene, x: float, y: float, size: float) -> None:
    rng, far = s.rng, 1 - (y - s.horizon) / (s.h - s.horizon)
    w, h = size * rng.uniform(0.7, 1.5), size * rng.uniform(0.6, 1.2)
    wall = s.far(
        WALLS[rng.integers(len(WALLS))] + rng.uniform(-20, 20, 3), 0.5 * far
    )
    roof = s.far(
        ROOFS[rng.integers(len(ROOFS))] + rng.uniform(-20, 20, 3), 0.5 * far
    )
    body = s.polygon([(x, y - h), (x + w, y - h), (x + w, y), (x, y)])
    s.paint(body, HOUSE, s.textured(wall, (6, s.noise(3, 4))))
    lit = rng.uniform() < 0.3 + 0.5 * s.time
    pane = (250, 220, 120) if lit else s.far((50, 60, 80), 0.3)
    step = max(6.0, size * rng.uniform(0.25, 0.4))
    panes = np.zeros((s.h, s.w), np.uint8)
    for wx in np.arange(x + step * 0.4, x + w - step * 0.6, step):
        for wy in np.arange(y - h + step * 0.4, y - step * 0.6, step):
            corner = (int(wx + step * 0.45), int(wy + step * 0.5))
            cv2.rectangle(panes, (int(wx), int(wy)), corner, 1, -1)
    s.paint(panes.astype(bool), HOUSE, np.asarray(pane, np.float32))
    over, rise = 0.08 * w, size * rng.uniform(0.25, 0.7)
    if rng.uniform() < 0.75:
        left = x + w * rng.uniform(0.2, 0.5)
        right = x + w * rng.uniform(0.5, 0.8)
        top = [(left, y - h - rise), (right, y - h - rise)]
    else:
        rise, top = 3, [(x - over, y - h - 3), (x + w + over, y - h - 3)]
    shape = s.polygon([(x - over, y - h), *top, (x + w + over, y - h)])
    s.paint(shape, HOUSE, s.textured(roof, (8, s.noise(2, 6))))


def draw_tree(s: Scene, x: float, y: float, size: float) -> None:
    rng, far = s.rng, 1 - (y - s.horizon) / (s.h - s.horizon)
    leaf = ramp(
        [(90, 150, 60), (50, 110, 50), (200, 120, 40), (150, 150, 150)],
        s.season,
    )
    leaf = s.far(mix(leaf, rng.uniform(20, 200, 3), 0.15), 0.5 * far)
    bark = s.far(np.asarray((90, 70, 50)) + rng.uniform(-30, 30), 0.5 * far)
    trunk = max(1.5, size * 0.06)
    s.paint(
        s.polygon(
            [
                (x - trunk, y - size * 0.5),
                (x + trunk, y - size * 0.5),
                (x + trunk, y),
                (x - trunk, y),
            ]
        ),
        TREE,
        bark,
    )
    kind = rng.uniform()
    if kind < 0.4:  # conifer
        crown = np.zeros((s.h, s.w), bool)
        for k in range(3):
            low, half = y - size * (0.2 + 0.25 * k), size * (0.32 - 0.08 * k)
            crown |= s.polygon(
                [(x - half, low), (x, low - size * 0.4), (x + half, low)]
            )
    else:
        crown = np.zeros((s.h, s.w), bool)
        for _ in range(rng.integers(2, 6)):
            dx, dy = rng.uniform(-0.22, 0.22, 2) * size
            r = size * rng.uniform(0.16, 0.3)
            crown |= s.ellipse(x + dx, y - size * 0.65 + dy, r, r)
        if kind > 0.9:  # bare branches let the background through
            crown &= s.noise(3) > -0.15
    s.paint(
        crown, TREE, s.textured(leaf, (16, s.noise(4)), (10, s.noise(2.5)))
    )


def draw_boat(s: Scene) -> None:
    rows, cols = np.nonzero(s.mask == WATER)
    if len(rows) < 400:
        return
    k = s.rng.integers(len(rows))
    x, y, size = float(cols[k]), float(rows[k]), s.rng.uniform(18, 34)
    hull = s.far((150, 60, 40) + s.rng.uniform(-40, 40, 3), 0.2)
    s.paint(
        s.polygon(
            [
                (x - size, y - size * 0.3),
                (x + size, y - size * 0.3),
                (x + size * 0.6, y),
                (x - size * 0.6, y),
            ]
        ),
        BOAT,
        hull,
    )
    if s.rng.uniform() < 0.8:
        sail = s.far((235, 235, 225) + s.rng.uniform(-20, 20, 3), 0.2)
        s.paint(
            s.polygon(
                [
                    (x, y - size * 1.6),
                    (x + size * 0.8, y - size * 0.4),
                    (x, y - size * 0.4),
                ]
            ),
            BOAT,
            sail,
        )


def draw_lamp(s: Scene) -> None:
    x = s.rng.uniform(6, s.w - 6)
    y = s.rng.uniform(s.horizon + 0.35 * (s.h - s.horizon), s.h)
    tall, half = s.rng.uniform(40, 80), s.rng.uniform(2.8, 4.2)
    post = s.far(s.rng.uniform(20, 110) + s.rng.uniform(-15, 15, 3), 0.2)
    arm = s.rng.choice([-1, 1]) * s.rng.uniform(6, 12)
    s.paint(
        s.polygon(
            [
                (x - half, y - tall),
                (x + half, y - tall),
                (x + half, y),
                (x - half, y),
            ]
        ),
        LAMP,
        post,
    )
    s.paint(
        s.polygon(
            [
                (x, y - tall),
                (x + arm, y - tall - 1),
                (x + arm, y - tall + 4),
                (x, y - tall + 4),
            ]
        ),
        LAMP,
        post,
    )
    light = (255, 240, 180) if s.time > 0.4 else (200, 205, 210)
    s.paint(
        s.ellipse(x + arm, y - tall + 5, 6, 5),
        LAMP,
        np.asarray(light, np.float32),
    )
