"""Which classes the labeled images of a split show."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mmsemi.doctor.masks import read_mask
from mmsemi.utils.errors import UsageError

from .splits import Split


class Coverage:
    """Which classes the masks of some images hold.

    Args:
        mask: path of the mask of a stem.
        min_pixels: pixels a class needs to count as present.
    """

    def __init__(self, mask: Callable[[str], str], min_pixels: int) -> None:
        self.mask = mask
        self.min_pixels = min_pixels
        self.known: dict[str, np.ndarray] = {}

    def _present(self, stem: str) -> np.ndarray:
        if stem not in self.known:
            path = self.mask(stem)
            os.stat(path)  # a FileNotFoundError is another mistake
            values = read_mask(path, {})
            if values.ndim != 2 or values.dtype.kind not in 'bui':
                raise UsageError(
                    f'{path}: the mask is a color picture, not one of class '
                    'ids. Convert it to one channel'
                )
            values = values[(values >= 0) & (values < 256)]
            counts = np.bincount(values, minlength=256)
            self.known[stem] = counts >= self.min_pixels
        return self.known[stem]

    def images_per_class(self, stems: Sequence[str]) -> np.ndarray:
        """(256,) number of images with each value; 255 stays 0."""
        with ThreadPoolExecutor() as pool:
            total = sum(pool.map(self._present, stems), np.zeros(256, int))
        total[255] = 0
        return total


def coverage_lines(splits: Sequence[Split], coverage: Coverage) -> list[str]:
    """Lines that say in how many labeled images each class occurs."""
    lines = [
        f'labeled images with at least {coverage.min_pixels} pixels of '
        'each value of the masks:'
    ]
    for split in splits:
        if not split.unlabeled:
            continue
        try:
            counts = coverage.images_per_class(split.labeled)
        except FileNotFoundError as error:
            return [
                *lines,
                f'  no coverage: mask {error.filename} does not exist',
            ]
        values = ' '.join(f'{v}:{counts[v]}' for v in range(255) if counts[v])
        lines.append(f'  {split.name}: {values}')
    return lines
