"""Labeled images that are kept from training, to measure on."""

from collections.abc import Sequence

import numpy as np

SHARE, MOST = 0.2, 100
_DRAWS = 500


def holdout_size(labeled: int) -> int:
    """How many of the labeled images are held out: a fifth, 1 to 100."""
    return max(1, min(round(SHARE * labeled), MOST, labeled - 1))


def draw_holdout(pixels: np.ndarray, number: int, seed: int = 0) -> np.ndarray:
    """Hold out images whose classes are those of all, as far as may be.

    Of some random draws the best is taken: it leaves every class to learn
    from, then shows as many classes as it can, then has them in the shares
    of all images.

    Args:
        pixels: (N, C) of each class in each labeled image.
        number: images to hold out, below N.
        seed: of the draws.

    Returns:
        Their rows, sorted.
    """
    random = np.random.default_rng(seed)
    total = pixels.sum(0)
    present = total > 0
    share = total / max(total.sum(), 1)
    best: tuple = ()
    for _ in range(_DRAWS):
        rows = random.permutation(len(pixels))[:number]
        held = pixels[rows].sum(0)
        lost = int((present & (total - held == 0)).sum())
        unseen = int((present & (held == 0)).sum())
        gap = float(np.abs(held / max(held.sum(), 1) - share).sum())
        score = (lost, unseen, gap)
        if not best or score < best[0]:
            best = score, rows
    return np.sort(best[1])


def draw_folds(
    pixels: np.ndarray, number: int, seed: int = 0
) -> list[np.ndarray]:
    """Share images out so that each is held out once.

    Of some random draws the best is taken: without the images of any fold
    it leaves as many classes to learn from as may be, then has the classes
    of each fold in the shares of all images.

    Args:
        pixels: (N, C) of each class in each labeled image.
        number: of folds, N at most.
        seed: of the draws.

    Returns:
        Sorted rows of each fold; their numbers differ by one at most.
    """
    random = np.random.default_rng(seed)
    total = pixels.sum(0)
    share = total / max(total.sum(), 1)
    best: tuple = ()
    for _ in range(_DRAWS):
        folds = np.array_split(random.permutation(len(pixels)), number)
        held = np.stack([pixels[rows].sum(0) for rows in folds])
        lost = int(((total > 0) & (held == total)).sum())
        parts = held / np.maximum(held.sum(1, keepdims=True), 1)
        score = (lost, float(np.abs(parts - share).sum()))
        if not best or score < best[0]:
            best = score, folds
    return [np.sort(rows) for rows in best[1]]


def others(names: Sequence[str], rows: np.ndarray) -> list[str]:
    """Those that are not in these rows."""
    left_out = set(rows.tolist())
    return [name for row, name in enumerate(names) if row not in left_out]
