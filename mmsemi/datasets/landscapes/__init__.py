"""Small landscapes made of simple shapes, drawn with NumPy and OpenCV.

A set to try methods on without a download. Every image draws a time of day,
a season, fog and exposure, which move the colors of all classes together,
so a few labeled images show only some of the looks each class has. Water
mirrors the sky and is told from it by its place; lamps and boats are thin
or small, and rare. A picture depends on the seed and its own number only.
"""

import cv2
import numpy as np

from .ground import draw_field, draw_hills, draw_sky, draw_water
from .scene import CLASSES, PALETTE, SCALE, SIZE, Array, Scene, ramp
from .things import draw_boat, draw_house, draw_lamp, draw_tree

__all__ = ['CLASSES', 'PALETTE', 'SIZE', 'draw_landscape']


def draw_landscape(seed: int, number: int) -> tuple[Array, Array]:
    """Draw one picture.

    Args:
        seed: seed of the whole set.
        number: number of the picture in the set.

    Returns:
        image uint8 (H, W, 3) in RGB and labels uint8 (H, W), class ids.
    """
    s = Scene(np.random.default_rng([seed, number]))
    rng = s.rng
    draw_sky(s)
    draw_hills(s)
    draw_field(s)
    draw_water(s)
    if rng.uniform() < 0.7:
        draw_boat(s)
    things = rng.choice(
        ['house', 'tree'], size=rng.integers(2, 6), p=[0.4, 0.6]
    )
    # Nearer things stand lower, are larger, and are drawn later.
    for thing, near in zip(things, np.sort(rng.uniform(0, 0.9, len(things)))):
        y = s.horizon + near * (s.h - s.horizon)
        size = 16 + 44 * near * rng.uniform(0.6, 1.2)
        x = rng.uniform(-10, s.w - 10)
        draw = draw_house if thing == 'house' else draw_tree
        draw(s, x, y, size * (1.0 if thing == 'house' else 1.5))
    if rng.uniform() < 0.5:
        draw_lamp(s)
    return expose(s)


def expose(s: Scene) -> tuple[Array, Array]:
    """Light, camera and size: uint8 image (h, w, 3) RGB and labels (h, w)."""
    rng, image = s.rng, s.image
    cast = ramp(
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
        s.mask[::SCALE, ::SCALE].copy(),
    )
