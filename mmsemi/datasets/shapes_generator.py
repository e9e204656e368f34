"""Small landscapes made of simple shapes, drawn with NumPy and OpenCV.

A set to try methods on without a download. Every image draws a time of day,
a season, fog and exposure, which move the colors of all classes together,
so a few labeled images show only some of the looks each class has. Water
mirrors the sky and is told from it by its place; lamps and boats are thin
or small, and rare. A picture depends on the seed and its own number only.
"""

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

WALLS = (
    (235, 230, 215),
    (225, 190, 130),
    (190, 110, 90),
    (150, 160, 190),
    (240, 200, 205),
)
ROOFS = ((170, 60, 45), (110, 60, 50), (70, 70, 90), (120, 50, 110))

SIZE = (64, 64)  # height, width
_SCALE = 2  # drawn larger, then averaged

Array: TypeAlias = np.ndarray


def _mix(a, b, t) -> Array:
    """Linear blend of two colors (or arrays), ``t`` = share of ``b``."""
    return np.asarray(a, np.float32) * (1 - t) + np.asarray(b, np.float32) * t


def _ramp(stops, t: float) -> Array:
    """Color at ``t`` in [0, 1] of a list of evenly spaced colors."""
    stops = np.asarray(stops, np.float32)
    x = t * (len(stops) - 1)
    i = min(int(x), len(stops) - 2)
    return _mix(stops[i], stops[i + 1], x - i)


def _noise(
    rng: np.random.Generator, h: int, w: int, cell: float, stretch: float = 1.0
) -> Array:
    """Smooth noise (h, w) in [-1, 1] with features of about ``cell``."""
    rows = max(2, int(h / cell) + 2)
    cols = max(2, int(w / (cell * stretch)) + 2)
    grid = rng.uniform(-1, 1, (rows, cols)).astype(np.float32)
    return cv2.resize(grid, (w, h), interpolation=cv2.INTER_CUBIC)


class _Scene:
    """One landscape while it is drawn: colors float RGB, and labels."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.h, self.w = (side * _SCALE for side in SIZE)
        self.image = np.zeros((self.h, self.w, 3), np.float32)
        self.mask = np.zeros((self.h, self.w), np.uint8)
        self.time = rng.uniform()  # noon, evening, dusk, night
        self.season = rng.uniform()  # spring, summer, autumn, winter
        self.fog = max(0.0, rng.uniform(-0.5, 0.4))
        self.horizon = int(self.h * rng.uniform(0.3, 0.55))
        self.rows = np.linspace(0, 1, self.h, dtype=np.float32)[:, None]
        self.air = _ramp(
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
        return _noise(self.rng, self.h, self.w, cell, stretch)

    def textured(self, color: Array, *layers: tuple[float, Array]) -> Array:
        """Color field (H, W, 3): a color plus ``amount * noise``."""
        shade: Array = sum(amount * layer for amount, layer in layers)
        return np.asarray(color, np.float32) + shade[..., None]

    def far(self, color: Array, distance: float) -> Array:
        """A color seen through the air, ``distance`` in [0, 1]."""
        return _mix(color, self.air, min(1.0, distance * (0.25 + self.fog)))


def _draw_sky(s: _Scene) -> None:
    top = _ramp(
        [(70, 130, 220), (110, 140, 200), (70, 60, 120), (14, 18, 44)], s.time
    )
    low = _ramp(
        [(190, 220, 245), (250, 190, 120), (220, 110, 90), (50, 52, 90)],
        s.time,
    )
    height = np.clip(s.rows * s.h / max(s.horizon, 1), 0, 1)[..., None]
    sky = _mix(top, low, height) * np.ones((1, s.w, 1), np.float32)
    cover = s.rng.uniform(-0.4, 0.5)
    clouds = np.clip(s.noise(22, 3) + 0.5 * s.noise(9, 2) + cover, 0, 1)
    white = _mix(s.air, (255, 255, 255), 0.4)
    sky = _mix(sky, white, clouds[..., None] * s.rng.uniform(0.3, 0.9))
    s.paint(np.ones((s.h, s.w), bool), SKY, sky)


def _draw_hills(s: _Scene) -> None:
    for k in range(s.rng.integers(1, 4)):
        rough = s.rng.uniform(0.03, 0.16)
        line = _noise(s.rng, 2, s.w, 2, s.rng.uniform(8, 24))[0]
        line += 0.25 * _noise(s.rng, 2, s.w, 2, 3)[0]
        edge = s.horizon - s.h * (0.16 - 0.05 * k + rough * line)
        base = _ramp(
            [(90, 120, 80), (110, 110, 90), (130, 100, 80), (190, 195, 205)],
            s.season,
        )
        base = _mix(base, s.rng.uniform(60, 200, 3), 0.15)
        texture = s.textured(
            s.far(base, 0.9 - 0.2 * k), (10, s.noise(8)), (6, s.noise(3))
        )
        y = np.arange(s.h)[:, None]
        s.paint((y >= edge[None]) & (y < s.horizon + 4), HILL, texture)
    # Snow on the tops looks like a cloud.
    if s.season > 0.6 or s.rng.uniform() < 0.2:
        snow = (s.mask == HILL) & (
            s.rows * s.h < s.horizon - s.h * 0.1 + 8 * s.noise(10)
        )
        s.image[snow] = _mix(s.image[snow], s.far((245, 248, 252), 0.5), 0.8)


def _draw_field(s: _Scene) -> None:
    base = _ramp(
        [(100, 180, 60), (215, 200, 80), (180, 115, 60), (230, 235, 240)],
        s.season,
    )
    base = _mix(base, s.rng.uniform(60, 220, 3), 0.15)
    stripes = np.zeros((s.h, s.w), np.float32)
    if s.rng.uniform() < 0.5:  # furrows that meet at a vanishing point
        x = np.arange(s.w)[None] - s.rng.uniform(0, s.w)
        depth = np.maximum(np.arange(s.h)[:, None] - s.horizon, 1) + 4
        stripes = np.sin(x / depth * s.rng.uniform(10, 30)).astype(np.float32)
    y = np.arange(s.h)[:, None] * np.ones((1, s.w))
    texture = s.textured(
        base,
        (9, s.noise(16, 3)),
        (6, s.noise(4, 2)),
        (s.rng.uniform(3, 9), stripes),
    )
    near = np.clip((y - s.horizon) / (s.h - s.horizon), 0, 1)[..., None]
    texture = _mix(s.far(texture, 0.6), texture, near)
    edge = s.horizon + 3 * _noise(s.rng, 2, s.w, 2, 20)[0][None]
    s.paint(y >= edge, FIELD, texture)


def _draw_water(s: _Scene) -> None:
    if s.rng.uniform() < 0.25:
        return
    mirrored = np.zeros_like(s.image)
    depth = s.h - s.horizon
    strip = s.image[: s.horizon][::-1]
    mirrored[s.horizon :] = cv2.resize(strip, (s.w, depth))
    tint = _ramp(
        [(60, 110, 150), (110, 120, 130), (70, 70, 100), (22, 30, 52)], s.time
    )
    color = _mix(mirrored, tint, s.rng.uniform(0.25, 0.6))
    ripple = s.noise(3, s.rng.uniform(4, 10))
    color = color + 12 * ripple[..., None]
    y = np.arange(s.h)[:, None] * np.ones((1, s.w))
    if s.rng.uniform() < 0.5:  # a lake
        cx, cy = (
            s.rng.uniform(0, s.w),
            s.horizon + depth * s.rng.uniform(0.2, 0.8),
        )
        region = s.ellipse(
            cx,
            cy,
            s.w * s.rng.uniform(0.25, 0.6),
            depth * s.rng.uniform(0.12, 0.3),
        )
        region &= s.noise(12) > -0.75
    else:  # a river or a shore
        line = s.horizon + depth * (
            s.rng.uniform(0.1, 0.7) + 0.12 * _noise(s.rng, 2, s.w, 2, 20)[0]
        )
        width = depth * s.rng.uniform(0.15, 0.4)
        region = (y > line[None]) & (y < line[None] + width)
    s.paint(region & (s.mask == FIELD), WATER, color)


def _draw_house(s: _Scene, x: float, y: float, size: float) -> None:
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


def _draw_tree(s: _Scene, x: float, y: float, size: float) -> None:
    rng, far = s.rng, 1 - (y - s.horizon) / (s.h - s.horizon)
    leaf = _ramp(
        [(90, 150, 60), (50, 110, 50), (200, 120, 40), (150, 150, 150)],
        s.season,
    )
    leaf = s.far(_mix(leaf, rng.uniform(20, 200, 3), 0.15), 0.5 * far)
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


def _draw_boat(s: _Scene) -> None:
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


def _draw_lamp(s: _Scene) -> None:
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


def _expose(s: _Scene) -> tuple[Array, Array]:
    """Light, camera and size: uint8 image (h, w, 3) RGB and labels (h, w)."""
    rng, image = s.rng, s.image
    cast = _ramp(
        [
            (1.0, 1.0, 1.0),
            (1.2, 0.9, 0.6),
            (1.0, 0.6, 0.9),
            (0.45, 0.52, 0.95),
        ],
        s.time,
    )
    side = (
        1 + rng.uniform(-0.25, 0.25) * np.linspace(-1, 1, s.w)[None, :, None]
    )
    shadow = 1 - rng.uniform(0, 0.35) * np.clip(s.noise(40), 0, 1)[..., None]
    image = image * cast * side * shadow
    image = image * rng.uniform(0.88, 1.12, 3) * rng.uniform(0.8, 1.2)
    image = cv2.resize(
        image.astype(np.float32), SIZE[::-1], interpolation=cv2.INTER_AREA
    )
    image = image + rng.normal(0, rng.uniform(1, 4), image.shape)
    return (
        np.clip(image, 0, 255).astype(np.uint8),
        s.mask[::_SCALE, ::_SCALE].copy(),
    )


def draw_landscape(seed: int, number: int) -> tuple[Array, Array]:
    """Draw one picture.

    Args:
        seed: seed of the whole set.
        number: number of the picture in the set.

    Returns:
        image uint8 (H, W, 3) in RGB and labels uint8 (H, W), class ids.
    """
    s = _Scene(np.random.default_rng([seed, number]))
    rng = s.rng
    _draw_sky(s)
    _draw_hills(s)
    _draw_field(s)
    _draw_water(s)
    if rng.uniform() < 0.7:
        _draw_boat(s)
    things = rng.choice(
        ['house', 'tree'], size=rng.integers(2, 6), p=[0.4, 0.6]
    )
    # Nearer things stand lower, are larger, and are drawn later.
    for thing, near in zip(things, np.sort(rng.uniform(0, 0.9, len(things)))):
        y = s.horizon + near * (s.h - s.horizon)
        size = 16 + 44 * near * rng.uniform(0.6, 1.2)
        x = rng.uniform(-10, s.w - 10)
        draw = _draw_house if thing == 'house' else _draw_tree
        draw(s, x, y, size * (1.0 if thing == 'house' else 1.5))
    if rng.uniform() < 0.5:
        _draw_lamp(s)
    return _expose(s)
