"""Boxes for CutMix and CutOut, after the rules of published methods.

Every rule is a function ``(n, height, width, rng, **options)`` that gives
int64 (n, K, 4): K boxes for each of n images as y0, x0, y1, x1, ends
exclusive. ``rng`` is anything with NumPy's ``random``, ``uniform`` and
``randint``, :func:`beta_boxes` also with its ``beta``.
"""

import math
from collections.abc import Callable

import numpy as np


def half_area_boxes(
    n: int, height: int, width: int, rng=np.random
) -> np.ndarray:
    """Boxes of half the image that are wider than half of it (U2PL).

    The width is uniform, the height follows from the area. Wang et al., CVPR
    2022, specification of the released code.
    """
    boxes = np.zeros((n, 1, 4), dtype=np.int64)
    for box in boxes[:, 0]:
        # Images of one or two columns have no wider half but the whole.
        w = rng.randint(min(width // 2 + 1, width), max(width, width // 2 + 2))
        h = min(round(height * width / 2 / w), height)
        x = rng.randint(0, width - w + 1)
        y = rng.randint(0, height - h + 1)
        box[:] = y, x, y + h, x + w
    return boxes


def random_area_boxes(
    n: int,
    height: int,
    width: int,
    rng=np.random,
    area: tuple[float, float] = (0.02, 0.4),
    ratio: float = 0.3,
) -> np.ndarray:
    """Boxes of random area and aspect that lie inside (UniMatch).

    The share of the image is drawn once, then ratio and place until the box
    fits (Yang et al., CVPR 2023). In an image so long that hardly any does,
    the last of many tries is cut off at the border.

    Args:
        area: range of the share.
        ratio: height / width lies between this and its inverse.
    """
    boxes = np.zeros((n, 1, 4), dtype=np.int64)
    for box in boxes[:, 0]:
        size = rng.uniform(*area) * height * width
        for _ in range(1000):
            aspect = rng.uniform(ratio, 1 / ratio)
            w, h = int(math.sqrt(size / aspect)), int(math.sqrt(size * aspect))
            x, y = rng.randint(0, width), rng.randint(0, height)
            if x + w <= width and y + h <= height:
                break
        box[:] = y, x, min(y + h, height), min(x + w, width)
    return boxes


def fixed_share_boxes(
    n: int,
    height: int,
    width: int,
    rng=np.random,
    count: int = 1,
    share: tuple[float, float] = (0.5, 0.5),
) -> np.ndarray:
    """Boxes of a given share and random aspect (CutMix-Seg and CPS).

    With share p the height is p^u of the image's, u uniform, and the width
    p^(1 - u); several boxes are each smaller by the root of their number.
    French et al., BMVC 2020: one box of a half; CPS (Chen et al., CVPR 2021):
    three of 0.25 to 0.5.

    Args:
        count: boxes of an image.
        share: range of p.
    """
    p = rng.uniform(*share, size=(n, count))
    y_share = np.exp(rng.uniform(size=(n, count)) * np.log(p))
    sides = np.stack([y_share, p / y_share], axis=-1) / math.sqrt(count)
    whole = np.array([height, width])
    sides = np.round(sides * whole)
    corners = np.round((whole - sides) * rng.uniform(size=(n, count, 2)))
    return np.concatenate([corners, corners + sides], -1).astype(np.int64)


def beta_boxes(
    n: int,
    height: int,
    width: int,
    rng=np.random,
    a: float = 4.0,
    b: float = 4.0,
) -> np.ndarray:
    """Boxes of the image's own aspect whose area is that of a Beta (AugSeg).

    Yun et al., ICCV 2019, with what is cut away, 1 - lambda, drawn by
    lambda ~ Beta(a, b). Centers lie in the last 7/8 of both sides, and what
    is outside is cut off, as in AugSeg (Zhao et al., CVPR 2023).

    Args:
        a: of the distribution.
        b: likewise.
    """
    share = np.sqrt(1 - rng.beta(a, b, size=n))
    halves = np.stack([share * height, share * width], -1).astype(int) // 2
    centers = np.stack(
        [rng.randint(side // 8, side, size=n) for side in (height, width)], -1
    )
    corners = np.concatenate([centers - halves, centers + halves], -1)
    return corners.clip(0, [height, width] * 2)[:, None].astype(np.int64)


BOX_RULES: dict[str, Callable[..., np.ndarray]] = dict(
    u2pl=half_area_boxes,
    unimatch=random_area_boxes,
    cutmix_seg=fixed_share_boxes,
    augseg=beta_boxes,
)
