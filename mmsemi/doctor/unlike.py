"""Images without a mask that look like none with one.

Photos of another microscope, season or camera: what a model learns of the
others says little about them.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from .findings import Finding
from .photos import Photo

# An image is far from the labeled ones by both of these: as distance of
# appearances, which lie in 0..1, and as multiple of what is usual in the set.
# On nuclei of three kinds, of which 7 masks show one or two, this finds 12 to
# 20 % of the images; on street scenes, clothing photos and the procedural
# set, 0 to 0.2 %.
_FAR = 0.25
_TIMES_USUAL = 4
# A smaller share of the images is not worth a word.
_LEAST = 0.05
KIND = 'images-unlike-labeled'
# Pixels a side that are looked at.
_SIDE = 64


def is_comparable(photo: Photo) -> bool:
    """Whether :func:`appearance` can tell anything of an image."""
    return not photo.problem and photo.bits <= 8 and 'bands' not in photo.kind


def appearance(path: str) -> np.ndarray:
    """Mean and deviation of each color of an image.

    Args:
        path: image of 8 bits a color, of any kind.

    Returns:
        (6,) in 0..1, float32, of 64x64 pixels; not a number where it cannot
        be read.
    """
    try:
        with Image.open(path) as image:
            image.draft('RGB', (_SIDE, _SIDE))  # JPEGs, decoded smaller
            size = (min(image.width, _SIDE), min(image.height, _SIDE))
            small = image.resize(size, Image.Resampling.NEAREST).convert('RGB')
    except Exception:  # damaged bytes raise nearly anything
        return np.full(6, np.nan, np.float32)
    colors = np.asarray(small, np.float32).reshape(-1, 3) / 255
    return np.concatenate([colors.mean(0), colors.std(0)])


def distances(unlabeled: np.ndarray, labeled: np.ndarray) -> np.ndarray:
    """How far images are from the nearest labeled one.

    Args:
        unlabeled: (U, 6) appearances.
        labeled: (L, 6).

    Returns:
        (U,), 0 where one or all appearances to compare are unknown.
    """
    from scipy.spatial import KDTree

    labeled = labeled[np.isfinite(labeled).all(1)]
    found = np.zeros(len(unlabeled))
    known = np.isfinite(unlabeled).all(1)
    if len(labeled) and known.any():
        found[known] = KDTree(labeled).query(unlabeled[known])[0]
    return found


def are_far(distance: np.ndarray) -> np.ndarray:
    """Which images are unlike the labeled ones, by their distances (U,)."""
    return distance > max(_FAR, _TIMES_USUAL * float(np.median(distance)))


def check_unlike(files: Sequence[str], distance: np.ndarray) -> list[Finding]:
    """Whether images without a mask are unlike all that have one.

    Args:
        files: U images without a mask.
        distance: (U,) see :func:`distances`.
    """
    far = are_far(distance)
    if far.mean() < _LEAST:
        return []
    return [
        Finding(
            KIND,
            'warning',
            files[int(distance.argmax())],
            round(float(far.mean()), 4),
            'brightness and colors are far from those of every image with a '
            'mask, so a model can only guess here',
            'Draw masks for some images of this kind first',
            int(far.sum()),
        )
    ]
