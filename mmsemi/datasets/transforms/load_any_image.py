from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio

from mmsemi.io.image_files import Pixels, read_pixels
from mmsemi.registry import TRANSFORMS
from mmsemi.utils.errors import UsageError

Range = Sequence[float] | Sequence[Sequence[float]]


@TRANSFORMS.register_module()
class LoadAnyImage(BaseTransform):
    """Load images of any kind as the same number of bands from 0 to 255.

    In place of ``LoadImageFromFile``, with its keys (``img``, ``img_shape``,
    ``ori_shape``). On images of 8 bits both give the same pixels. What
    differs:

    - gray, palette, CMYK and 1-bit images, and the first picture of an
      animation, become colors (or gray where ``bands=1``, by the weights of
      ITU-R BT.601);
    - transparency is left out, whatever color lies below it; with as many
      bands as colors and transparency together it is one of them;
    - images of more than 8 bits keep their depth: they become float32, scaled
      by ``value_range``, never by the image itself;
    - TIFF may have any number of bands. Three come as BGR, as everywhere in
      MMSegmentation, all others in the order of the file;
    - images are turned as the camera's tag says.

    Args:
        bands: of what comes out.
        value_range: the lowest and highest value of files with more than 8
            bits, which become 0 and 255; one pair, or one for each band that
            comes out. What lies beyond, NaN as the lowest, is clipped.
            By default (0, 65535) for unsigned 16 bits; other types need it.
            :func:`mmsemi.prepare.band_statistics.measure_range` finds one.
        select: bands of the file to take, counted from 0, in this order; of
            three, red first.
        ignore_orientation: leave images as they are stored.
        to_float32: for images of 8 bits, too.
        backend_args: see ``LoadImageFromFile``.
    """

    def __init__(
        self,
        bands: int = 3,
        value_range: Range | None = None,
        select: Sequence[int] | None = None,
        ignore_orientation: bool = False,
        to_float32: bool = False,
        backend_args: dict | None = None,
    ) -> None:
        if bands < 1:
            raise ValueError(f'bands must be at least 1, got {bands}')
        if select is not None and (len(select) != bands or min(select) < 0):
            raise ValueError(
                f'select must name {bands} bands, counted from 0, as '
                f'bands={bands} come out; got {tuple(select)}'
            )
        self.bands = bands
        self.range = None if value_range is None else pairs(value_range, bands)
        self.select = None if select is None else list(select)
        self.ignore_orientation = ignore_orientation
        self.to_float32 = to_float32
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Add the image.

        Raises:
            UsageError: if the file cannot be read or has other bands.
        """
        path = results['img_path']
        try:
            content = fileio.get(path, backend_args=self.backend_args)
        except OSError as error:
            raise UsageError(
                f'{path}: image cannot be read ({error.strerror or error}). '
                'Restore the file or take it out of the data'
            ) from error
        pixels = read_pixels(
            path,
            content,
            None if self.select else self.bands,
            not self.ignore_orientation,
        )
        img = self.scaled(self.chosen(pixels, path), path)
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results

    def chosen(self, pixels: Pixels, path: str) -> np.ndarray:
        """The bands that come out, (H, W, bands)."""
        values, colors = pixels.values, pixels.colors
        if self.select is not None:
            if max(self.select) >= values.shape[2]:
                raise UsageError(
                    f'{path}: the image has {values.shape[2]} bands, but '
                    f'select={tuple(self.select)} counts them from 0. Name '
                    'bands that all images have'
                )
            colors = values[..., self.select]
        elif values.shape[2] == self.bands:
            colors = values
        elif (colors.shape[2], self.bands) == (1, 3):
            colors = np.repeat(colors, 3, 2)
        elif (colors.shape[2], self.bands) == (3, 1):
            if colors.dtype not in (np.uint8, np.uint16):
                colors = colors.astype(np.float32)
            gray = cv2.cvtColor(
                np.ascontiguousarray(colors), cv2.COLOR_RGB2GRAY
            )
            colors = gray[..., None]
        elif colors.shape[2] != self.bands:
            raise UsageError(
                f'{path}: the image has {colors.shape[2]} bands, but '
                f'bands={self.bands} are to be loaded. Set data.load.bands to '
                'what all images have, or name the bands to take: '
                f'data.load.select with {self.bands} numbers from 0'
            )
        if self.bands == 3:
            colors = colors[..., ::-1]
        return np.ascontiguousarray(colors)

    def scaled(self, img: np.ndarray, path: str) -> np.ndarray:
        """The same from 0 to 255."""
        if img.dtype == np.uint8:
            return img.astype(np.float32) if self.to_float32 else img
        limits = self.range
        if limits is None:
            if img.dtype != np.uint16:
                raise UsageError(
                    f'{path}: values of the type {img.dtype} have no usual '
                    'range. Set data.load.value_range=(lowest, highest) of '
                    'what the images hold'
                )
            limits = np.array([[0, 65535]], np.float64)
        low, high = (limits[::-1] if self.bands == 3 else limits).T
        # In float64: values of 32 bits have more digits than float32.
        img = (img - low) * (255 / (high - low))
        return np.nan_to_num(img).clip(0, 255).astype(np.float32)

    def __repr__(self) -> str:
        limits = None if self.range is None else self.range.tolist()
        return (
            f'{type(self).__name__}(bands={self.bands}, '
            f'value_range={limits}, select={self.select})'
        )


def pairs(value_range: Range, bands: int) -> np.ndarray:
    """Lowest and highest values, (1, 2) or (bands, 2) float64.

    Raises:
        ValueError: if they are none.
    """
    limits = np.atleast_2d(np.asarray(value_range, np.float64))
    if (
        limits.shape not in ((1, 2), (bands, 2))
        or not (limits[:, 0] < limits[:, 1]).all()
    ):
        raise ValueError(
            'value_range must be (lowest, highest), or such a pair for each '
            f'of the {bands} bands, got {value_range}'
        )
    return limits
