"""Which classes the labeled images of a split show."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

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
            try:
                with Image.open(path) as image:
                    values = np.array(image)
            except FileNotFoundError:
                raise
            except (OSError, SyntaxError, ValueError) as error:
                raise UsageError(
                    f'{path}: mask cannot be read ({error}). Restore the file'
                ) from error
            if values.ndim != 2 or values.dtype.kind not in 'bui':
                raise UsageError(
                    f'{path}: the mask is a color picture, not one of class '
                    'ids. Convert it to one channel'
                )
            counts = np.bincount(values.ravel(), minlength=256)
            self.known[stem] = counts[:256] >= self.min_pixels
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
