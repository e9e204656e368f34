"""Where in the image each class lies, for CBST-SP."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.ndimage import gaussian_filter

from mmsemi.datasets.transforms.geometry import nearest_indices
from mmsemi.doctor.lists import ImageList
from mmsemi.doctor.masks import read_labels
from mmsemi.io.files import whole_file
from mmsemi.utils.progress import track

# CBST's window of 70 pixels at 1024x2048, read as three standard deviations
# to either side.
SIGMA, HEIGHT = 70 / 6, 1024


def default_sigma(size: Sequence[int]) -> float:
    """Standard deviation in pixels for label maps (height, width)."""
    return SIGMA * size[0] / HEIGHT


def resize_map(labels: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Nearest-neighbor resizing of (h, w) to ``size``, height first."""
    rows = nearest_indices(labels.shape[0], size[0])
    columns = nearest_indices(labels.shape[1], size[1])
    return labels[rows[:, None], columns]


def count(
    maps: Iterable[np.ndarray], num_classes: int, size: Sequence[int]
) -> tuple[np.ndarray, int]:
    """How often each class lies at each pixel.

    Args:
        maps: label maps (h, w) of integers; those of another size are
            resized. Values from ``num_classes`` on, such as 255, count for
            no class.
        num_classes: number of classes C.
        size: height and width of the result.

    Returns:
        (C, height, width) int32, and the number of maps.
    """
    pixels = size[0] * size[1]
    counts = np.zeros((num_classes, pixels), dtype=np.int32)
    position, number = np.arange(pixels), 0
    for labels in maps:
        number += 1
        labels = resize_map(labels, size).ravel()
        valid = labels < num_classes
        # Pairs are distinct, so adding by index loses nothing.
        counts[labels[valid], position[valid]] += 1
    return counts.reshape(num_classes, *size), number


def spatial_prior(
    counts: np.ndarray, num_images: int, sigma: float
) -> np.ndarray:
    """Prior q_c(n) of CBST-SP (Zou et al., ECCV 2018, section 4.4).

    The frequency of a class at a pixel, smoothed by a Gaussian (border
    values repeated, cut off at four standard deviations) and divided by its
    sum over the pixels. How the released prior was scaled is unknown; a
    factor common to all classes has no effect.

    Args:
        counts: (C, H, W) from :func:`count`.
        num_images: number of images counted.
        sigma: standard deviation in pixels, 0 for no smoothing.

    Returns:
        (C, H, W) float64, 0 for a class that never occurs.
    """
    prior = np.empty(counts.shape, np.float64)
    for c, plane in enumerate(counts):  # a class at a time saves memory
        prior[c] = gaussian_filter(
            plane / max(num_images, 1), sigma, mode='nearest', truncate=4.0
        )
    total = prior.sum((1, 2), keepdims=True)
    return np.divide(prior, total, out=np.zeros_like(prior), where=total > 0)


def prior_of_masks(
    images: ImageList,
    size: Sequence[int],
    sigma: float | None = None,
    workers: int = 4,
) -> np.ndarray:
    """Spatial prior of the masks of a data set, each read once.

    Args:
        images: with the masks.
        size: height and width of the prior.
        sigma: see :func:`spatial_prior`; by default that of CBST, scaled.
        workers: files read at once.

    Returns:
        (C, H, W) float64.

    Raises:
        UsageError: naming a mask that cannot be read or used.
    """

    def read(index: int) -> np.ndarray:
        return resize_map(read_labels(images, index), size)

    numbers = range(len(images.masks))
    with ThreadPoolExecutor(workers) as pool:
        # In parts, since `map` would run ahead of the counting and fill
        # the memory.
        def maps():
            step = 4 * workers
            for start in range(0, len(numbers), step):
                yield from pool.map(read, numbers[start : start + step])

        counts, number = count(
            track(maps(), len(numbers), 'counting labels'),
            len(images.classes),
            size,
        )
    return spatial_prior(
        counts, number, default_sigma(size) if sigma is None else sigma
    )


def save_prior(
    path: str,
    prior: np.ndarray,
    classes: Sequence[str],
    sigma: float,
    num_images: int,
) -> None:
    """Write what ``CBSTPseudoLabeler(prior=path)`` reads, whole or not."""
    folder, name = os.path.split(path)
    with whole_file(folder or '.', name) as file:
        np.savez_compressed(
            file,
            prior=prior.astype(np.float32),
            classes=np.array(classes),
            sigma=np.float64(sigma),
            size=np.array(prior.shape[1:]),
            images=np.int64(num_images),
        )


def describe_prior(prior: np.ndarray, classes: Sequence[str]) -> list[str]:
    """Lines that say how high in the image each class lies, for people."""
    absent = [name for name, plane in zip(classes, prior) if not plane.any()]
    lines = []
    if absent:
        lines.append(
            f'no pixel of {", ".join(absent)}: never labeled with this prior'
        )
    height = prior.shape[1]
    rows = np.arange(height)[:, None]
    for name, plane in zip(classes, prior):
        if plane.any():
            lines.append(
                f'{name:20} mean height '
                f'{(plane * rows).sum() / height:.2f} (0 = top)'
            )
    return lines
