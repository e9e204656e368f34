"""Pixels of image files of any kind, with all their bands and depth."""

import io
import warnings
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from mmsemi.utils.errors import UsageError

from .postscript import guard_pillow
from .regular import refuse_special

guard_pillow()

_ORIENTATION = 0x0112
_TIFF = (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')
_PNG = b'\x89PNG\r\n\x1a\n'
# Tags of TIFF: bits of each value, what values mean, how many there are, and
# what those beyond the colors mean (1 and 2 are transparency).
_BITS, _MEANING, _SAMPLES, _EXTRA = 258, 262, 277, 338
_WHITE_IS_ZERO, _CMYK = 0, 5
_ALPHA = (1, 2)
# What Pillow converts to before its values are taken.
_MODES = {'1': 'L', 'La': 'LA', 'RGBa': 'RGBA', 'RGBX': 'RGB'} | dict.fromkeys(
    ('CMYK', 'YCbCr', 'LAB', 'HSV'), 'RGB'
)
_PALETTES = ('P', 'PA')


class Pixels(NamedTuple):
    """An image as its file holds it, turned as the camera's tag says.

    Attributes:
        values: (H, W, B), colors as R, G, B, in the type of the file; 1-bit,
            palette and CMYK images as uint8.
        alpha: whether the last band is transparency.
    """

    values: np.ndarray
    alpha: bool = False

    @property
    def colors(self) -> np.ndarray:
        """The values without transparency."""
        return self.values[..., :-1] if self.alpha else self.values


def read_pixels(
    path: str,
    content: bytes | None = None,
    bands: int | None = None,
    turn: bool = True,
) -> Pixels:
    """Read an image of any kind that Pillow, OpenCV or tifffile knows.

    Of an animation the first picture is taken. Pages of one size in a TIFF
    file are bands of one image, where as many are wanted.

    Args:
        path: file, for messages if ``content`` is given.
        content: what the file holds.
        bands: how many are wanted, None for any number.
        turn: whether to turn and mirror as the tag says, as OpenCV does.

    Raises:
        UsageError: if the file cannot be read, naming it and what to do.
    """
    try:
        if content is None:
            refuse_special(path)
            with open(path, 'rb') as file:
                content = file.read()
        if not content:
            raise ValueError('it is empty')
        if content[:4] in _TIFF:
            pixels, orientation = _tiff(path, content, bands)
        elif content.startswith(_PNG) and content[24:25] == b'\x10':
            # Pillow reads colors of 16 bits as 8.
            pixels, orientation = _opencv(content), _pillow_turn(content)
        else:
            pixels, orientation = _pillow(content)
    except UsageError:
        raise
    except Image.DecompressionBombError as error:
        raise UsageError(
            f'{path}: the image has more pixels than Pillow reads. Cut it '
            'into parts'
        ) from error
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except Exception as error:  # damaged bytes raise nearly anything
        raise _unreadable(path, str(error) or repr(error)) from error
    values = pixels.values
    if turn:
        values = turned(values, orientation)
    return Pixels(np.ascontiguousarray(values), pixels.alpha)


def show_file(path: str) -> np.ndarray:
    """An image of any kind to look at, uint8 (H, W, 3), BGR.

    Values of more than 8 bits are stretched between the 1st and the 99th
    percentile; of several bands the first three are shown, of two the first.
    """
    colors = read_pixels(path).colors
    colors = colors[..., :3] if colors.shape[2] >= 3 else colors[..., :1]
    if colors.dtype != np.uint8:
        colors = colors.astype(np.float32)
        known = colors[np.isfinite(colors)]
        low, high = np.percentile(known, (1, 99)) if known.size else (0, 1)
        scaled = (colors - low) / max(high - low, 1e-6) * 255
        colors = np.nan_to_num(scaled).clip(0, 255).astype(np.uint8)
    if colors.shape[2] == 1:
        return np.repeat(colors, 3, 2)
    return np.ascontiguousarray(colors[..., ::-1])


def turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels (H, W, ...) turned upright by the number in the tag (EXIF 2.32).

    Args:
        values: as stored.
        orientation: 1 to 8; others change nothing.
    """
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values


def _unreadable(path: str, why: str) -> UsageError:
    return UsageError(
        f'{path}: image cannot be read ({" ".join(why.split())[:200]}). '
        'Restore the file or take it out of the data'
    )


def _open(content: bytes) -> Image.Image:
    with warnings.catch_warnings():
        # Large images are what people have.
        warnings.simplefilter('ignore', Image.DecompressionBombWarning)
        try:
            return Image.open(io.BytesIO(content))
        except UnidentifiedImageError:  # which names where it is in memory
            raise UnidentifiedImageError('no known image format') from None


def _pillow_turn(content: bytes) -> int:
    return _open(content).getexif().get(_ORIENTATION, 1)


def _pillow(content: bytes) -> tuple[Pixels, int]:
    image = _open(content)
    image.load()
    # Pillow turns TIFF while loading, and takes the tag away.
    orientation = image.getexif().get(_ORIENTATION, 1)
    mode = image.mode
    if mode in _PALETTES:
        clear = mode == 'PA' or 'transparency' in image.info
        mode = 'RGBA' if clear else 'RGB'
    image = image.convert(_MODES.get(mode, mode))
    return Pixels(
        _stacked(np.asarray(image)), image.mode in ('LA', 'RGBA')
    ), orientation


def _opencv(content: bytes) -> Pixels:
    values = cv2.imdecode(
        np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED
    )
    if values is None:
        raise ValueError('OpenCV cannot decode it')
    values = _stacked(values)
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(values.shape[2])
    if order:
        values = values[..., order]
    return Pixels(values, values.shape[2] in (2, 4))


def _tiff(path: str, content: bytes, bands: int | None) -> tuple[Pixels, int]:
    if _usual_tiff(content):
        return _pillow(content)
    import tifffile  # only where one comes

    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages.first
        orientation = int(page.tags.valueof(274, 1))
        alpha = bool(page.extrasamples) and page.extrasamples[-1] in _ALPHA
        try:
            values = file.series[0].asarray()
        except ValueError as error:
            if 'imagecodecs' not in str(error):
                raise
            values = _without_codec(path, content, page)
        axes = file.series[0].axes
        values = _bands_last(path, values, axes, bands)
        if page.photometric == _WHITE_IS_ZERO:
            values = np.iinfo(values.dtype).max - values
    return Pixels(
        values.astype(values.dtype.newbyteorder('='), copy=False), alpha
    ), orientation


def _usual_tiff(content: bytes) -> bool:
    """Whether Pillow reads all there is in a TIFF file."""
    try:
        image: Any = _open(content)
        tags = image.tag_v2
    except (OSError, SyntaxError, KeyError, ValueError, AttributeError):
        return False
    samples, extra = tags.get(_SAMPLES, 1), tags.get(_EXTRA, ())
    extra = extra if isinstance(extra, tuple) else (extra,)
    few = samples in (1, 3) and not extra
    clear = samples in (2, 4) and len(extra) == 1 and extra[0] in _ALPHA
    return (
        max(tags.get(_BITS, (1,))) <= 8
        and getattr(image, 'n_frames', 1) == 1
        and (few or clear or samples == 4 and tags.get(_MEANING) == _CMYK)
    )


def _without_codec(path: str, content: bytes, page) -> np.ndarray:
    """What OpenCV makes of a compressed file, if it knows its kind."""
    try:
        found = _opencv(content).values
    except (ValueError, cv2.error):
        found = np.zeros((0, 0, 0))
    wanted = (page.imagelength, page.imagewidth, page.samplesperpixel)
    if found.shape != wanted or found.dtype != page.dtype:
        raise UsageError(
            f'{path}: to read TIFF with {page.compression.name} compression '
            'a package is missing. Run "pip install imagecodecs", or save the '
            'image without compression'
        )
    return found.squeeze()


def _bands_last(
    path: str, values: np.ndarray, axes: str, bands: int | None
) -> np.ndarray:
    """(H, W, B) of what tifffile gives, by the names of its axes."""
    if (
        values.ndim > 3 and axes[-2:] == 'YX' and 'S' not in axes
    ):  # as stacks of stacks
        values = values.reshape(-1, *values.shape[-2:])
    if values.ndim == 3 and axes[-1] == 'S':
        return values
    if values.ndim == 3 and axes[0] in 'SC':
        return np.moveaxis(values, 0, 2)
    if values.ndim == 3 and axes[-2:] == 'YX':
        if bands is None:  # fewer bands than rows and columns
            bands = min(values.shape[0], values.shape[2])
        if bands == values.shape[0]:
            return np.moveaxis(values, 0, 2)
        if bands == values.shape[2]:
            return values  # written from (H, W, B) without saying so
        raise UsageError(
            f'{path}: {values.shape[0]} pages in one TIFF file, but '
            f'{bands} bands are wanted. Save one image a file, or set '
            f'bands={values.shape[0]} if the pages are its bands'
        )
    if values.ndim == 2:
        return values[..., None]
    raise UsageError(
        f'{path}: TIFF file of shape {tuple(values.shape)} (axes {axes}) is '
        'no single image. Save one image a file'
    )


def _stacked(values: np.ndarray) -> np.ndarray:
    return values[..., None] if values.ndim == 2 else values


def why_unreadable(error: Exception) -> str:
    """What Pillow's error says about a file that it cannot read.

    Args:
        error: of any kind; damaged bytes raise nearly anything.
    """
    if isinstance(error, UnidentifiedImageError):
        why = 'no known image format'
    elif isinstance(error, Image.DecompressionBombError):
        why = 'more pixels than Pillow reads'
    else:
        why = getattr(error, 'strerror', None) or str(error)
    return ' '.join(why.split()) or type(error).__name__
