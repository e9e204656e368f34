"""What values images hold: ranges, means and deviations of their bands."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mmsemi.datasets.transforms import LoadAnyImage
from mmsemi.doctor.photos import Photo
from mmsemi.io.image_files import read_pixels
from mmsemi.utils.errors import UsageError

# Images looked at, and pixels of each: percentiles and means of more hardly
# change.
IMAGES, PIXELS = 200, 65536


class BandStatistics(NamedTuple):
    """Means and deviations of loaded images.

    Attributes:
        mean: of each band, from 0 to 255; of three bands as R, G, B.
        std: alike.
        images: how many were looked at.
        seconds: that it took.
    """

    mean: list[float]
    std: list[float]
    images: int
    seconds: float


class Loading(NamedTuple):
    """How to load somebody's images.

    Attributes:
        facts: ``load`` and, where colors do not do, ``mean`` and ``std``, for
            ``data`` of a config.
        reason: why, for a person.
        seconds: that it took to measure.
    """

    facts: dict[str, Any]
    reason: str
    seconds: float


def choose_loading(photos: Sequence[Photo]) -> Loading:
    """How to load the images of a folder.

    Args:
        photos: what :func:`mmsemi.doctor.photos.examine` found, readable
            ones; they should have the same bands.

    Raises:
        UsageError: if an image cannot be read.
    """
    start = time.perf_counter()
    bands = _common_bands(photos)
    load: dict[str, Any] = dict(type='LoadAnyImage', bands=bands)
    reasons = []
    deep = [photo.file for photo in photos if photo.bits > 8]
    if deep:
        load['value_range'] = measure_range(deep, bands)
        reasons.append(
            f'{len(deep)} of {len(photos)} images have more than 8 bits: '
            'values from the 0.1st to the 99.9th percentile of a sample '
            'become 0 to 255'
        )
    facts: dict[str, Any] = dict(load=load)
    if bands != 3:
        found = measure_statistics([photo.file for photo in photos], load)
        facts.update(mean=found.mean, std=found.std)
        reasons.append(
            f'{bands} bands: the first layer of the network takes as many, '
            f'mean and deviation were measured on {found.images} images'
        )
    reason = '; '.join(reasons) or 'images of 8 bits become three colors'
    return Loading(facts, reason, time.perf_counter() - start)


def _common_bands(photos: Sequence[Photo]) -> int:
    """Bands to load: 3 where files hold gray, palettes or colors."""
    found = {
        photo.bands if photo.kind in ('bands', 'four bands') else 3: photo.file
        for photo in photos
    }
    if len(found) > 1:
        (few, one), (many, other) = sorted(found.items())[:2]
        raise UsageError(
            f'{other}: image with {many} bands, but {one} has {few}. Save all '
            'images with the same bands'
        )
    return next(iter(found), 3)


def measure_range(
    paths: Sequence[str],
    bands: int | None = None,
    percentiles: tuple[float, float] = (0.1, 99.9),
) -> list[float] | list[list[float]]:
    """Lowest and highest usual value of images, for ``value_range``.

    Args:
        paths: files; an even sample of at most 200 is read.
        bands: that will be loaded. Up to three share one range, so that
            colors keep their proportions; more have one each.
        percentiles: of the pixels of the sample, those that are NaN left out.

    Returns:
        ``[low, high]``, or such a pair for each band.

    Raises:
        UsageError: if an image cannot be read.
    """
    parts = []
    for path in sample(paths):
        pixels = read_pixels(path, bands=bands)
        values = pixels.values
        if values.shape[2] != bands:
            values = pixels.colors
        parts.append(some_pixels(values).astype(np.float64))
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1 or max(widths) <= 3:
        parts = [part.reshape(-1, 1) for part in parts]
    values = np.concatenate(parts)
    values[~np.isfinite(values)] = np.nan
    low, high = np.nanpercentile(values, percentiles, axis=0)
    high = np.where(high > low, high, low + 1)
    found = [[float(a), float(b)] for a, b in zip(low, high)]
    return found[0] if len(found) == 1 else found


def measure_statistics(
    paths: Sequence[str], load: dict | None = None
) -> BandStatistics:
    """Mean and deviation of each band, over a sample of images.

    Args:
        paths: files; an even sample of at most 200 is read.
        load: arguments of :class:`.LoadAnyImage`, by default none.

    Raises:
        UsageError: if an image cannot be read, or there is none.
    """
    start = time.perf_counter()
    settings = {k: v for k, v in (load or {}).items() if k != 'type'}
    step = LoadAnyImage(**settings)
    number, total, squares = 0, np.zeros(step.bands), np.zeros(step.bands)
    files = sample(paths)
    for path in files:
        values = some_pixels(step(dict(img_path=path))['img'])
        values = values.astype(np.float64)
        number += len(values)
        total += values.sum(0)
        squares += (values**2).sum(0)
    mean = total / number
    std = np.sqrt((squares / number - mean**2).clip(0))
    if step.bands == 3:  # networks turn BGR around before they normalize
        mean, std = mean[::-1], std[::-1]
    return BandStatistics(
        mean.round(3).tolist(),
        std.clip(1e-3).round(3).tolist(),
        len(files),
        time.perf_counter() - start,
    )


def sample(paths: Sequence[str], number: int = IMAGES) -> list[str]:
    """Evenly spaced ones of some files.

    Raises:
        UsageError: if there are none.
    """
    if not paths:
        raise UsageError('no images to measure. Name some')
    step = max(len(paths) / number, 1)
    return [str(paths[int(i * step)]) for i in range(int(len(paths) / step))]


def some_pixels(values: np.ndarray) -> np.ndarray:
    """Evenly spaced pixels (n, B) of an image (H, W, B)."""
    height, width = values.shape[:2]
    step = max(int(np.sqrt(height * width / PIXELS)), 1)
    return values[::step, ::step].reshape(-1, values.shape[2])
