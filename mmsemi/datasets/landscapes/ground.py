"""Sky, hills, field and water."""

import cv2
import numpy as np

from .scene import FIELD, HILL, SKY, WATER, Scene, mix, noise, ramp


def draw_sky(s: Scene) -> None:
    top = ramp(
        [(70, 130, 220), (110, 140, 200), (70, 60, 120), (14, 18, 44)], s.time
    )
    low = ramp(
        [(190, 220, 245), (250, 190, 120), (220, 110, 90), (50, 52, 90)],
        s.time,
    )
    height = np.clip(s.rows * s.h / max(s.horizon, 1), 0, 1)[..., None]
    sky = mix(top, low, height) * np.ones((1, s.w, 1), np.float32)
    cover = s.rng.uniform(-0.4, 0.5)
    clouds = np.clip(s.noise(22, 3) + 0.5 * s.noise(9, 2) + cover, 0, 1)
    white = mix(s.air, (255, 255, 255), 0.4)
    sky = mix(sky, white, clouds[..., None] * s.rng.uniform(0.3, 0.9))
    s.paint(np.ones((s.h, s.w), bool), SKY, sky)


def draw_hills(s: Scene) -> None:
    for k in range(s.rng.integers(1, 4)):
        rough = s.rng.uniform(0.03, 0.16)
        line = noise(s.rng, 2, s.w, 2, s.rng.uniform(8, 24))[0]
        line += 0.25 * noise(s.rng, 2, s.w, 2, 3)[0]
        edge = s.horizon - s.h * (0.16 - 0.05 * k + rough * line)
        base = ramp(
            [(90, 120, 80), (110, 110, 90), (130, 100, 80), (190, 195, 205)],
            s.season,
        )
        base = mix(base, s.rng.uniform(60, 200, 3), 0.15)
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
        s.image[snow] = mix(s.image[snow], s.far((245, 248, 252), 0.5), 0.8)


def draw_field(s: Scene) -> None:
    base = ramp(
        [(100, 180, 60), (215, 200, 80), (180, 115, 60), (230, 235, 240)],
        s.season,
    )
    base = mix(base, s.rng.uniform(60, 220, 3), 0.15)
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
    texture = mix(s.far(texture, 0.6), texture, near)
    edge = s.horizon + 3 * noise(s.rng, 2, s.w, 2, 20)[0][None]
    s.paint(y >= edge, FIELD, texture)


def draw_water(s: Scene) -> None:
    if s.rng.uniform() < 0.25:
        return
    mirrored = np.zeros_like(s.image)
    depth = s.h - s.horizon
    strip = s.image[: s.horizon][::-1]
    mirrored[s.horizon :] = cv2.resize(strip, (s.w, depth))
    tint = ramp(
        [(60, 110, 150), (110, 120, 130), (70, 70, 100), (22, 30, 52)], s.time
    )
    color = mix(mirrored, tint, s.rng.uniform(0.25, 0.6))
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
            s.rng.uniform(0.1, 0.7) + 0.12 * noise(s.rng, 2, s.w, 2, 20)[0]
        )
        width = depth * s.rng.uniform(0.15, 0.4)
        region = (y > line[None]) & (y < line[None] + width)
    s.paint(region & (s.mask == FIELD), WATER, color)
