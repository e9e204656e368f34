"""Mask files as codes: what each pixel holds, whatever the file is like.

A code is a gray value or palette index, ``r << 16 | g << 8 | b`` of a color,
or the number of a label where a file says labels in words.
"""

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

from mmsemi.io.image_files import why_unreadable
from mmsemi.io.regular import refuse_special
from mmsemi.utils.errors import UsageError

GRAY, COLOR, LABEL = 'gray', 'color', 'label'
LOSSY = ('JPEG', 'MPO', 'WEBP')
_ORIENTATION = 0x0112
# More values are kept of no file: what lies beyond is noise of edges.
MOST_CODES = 256
INNER = 0.05  # share of inner pixels of a value that fills areas


class Codes(NamedTuple):
    """One mask as it is stored.

    Attributes:
        codes: (H, W) uint8, uint16 or uint32.
        space: ``gray``, ``color`` or ``label``.
        mode: Pillow's name of the pixel format, which tells how to write
            such a mask; or ``labels``.
        lossy: whether the format changes values, as JPEG does.
        palette: (256, 3) uint8, colors of a palette file.
        overlap: pixels that several labels claim.
    """

    codes: np.ndarray
    space: str
    mode: str
    lossy: bool = False
    palette: np.ndarray | None = None
    overlap: int = 0


class MaskFacts(NamedTuple):
    """What one mask holds, in little memory.

    Attributes:
        name: of its image.
        file: the file.
        size: height and width.
        codes: (K,) uint32, the most frequent ones.
        pixels: (K,) int64, of each.
        inner: (K,) int64, those whose four neighbors are alike.
        others: pixels with codes beyond these.
        space, mode, lossy, overlap: see :class:`Codes`.
        colors: (K,) uint32, in palette files: the color behind each code.
    """

    name: str
    file: str
    size: tuple[int, int]
    codes: np.ndarray
    pixels: np.ndarray
    inner: np.ndarray
    others: int
    space: str
    mode: str
    lossy: bool
    overlap: int
    colors: np.ndarray | None


def read_codes(path: str) -> Codes:
    """Read an image file that is a mask.

    Raises:
        UsageError: if it is damaged or no mask.
    """
    try:
        refuse_special(path)
        with Image.open(path) as image:
            return _codes_of(path, image)
    except UsageError:
        raise
    except Exception as error:  # damaged bytes raise nearly anything
        raise UsageError(
            f'{path}: mask cannot be read ({why_unreadable(error)}). Restore '
            'the file'
        ) from error


def _codes_of(path: str, image: Image.Image) -> Codes:
    lossy = image.format in LOSSY
    pages = _pages(image)
    if pages > 1:
        raise UsageError(
            f'{path}: mask with {pages} pages. Save one mask, with all '
            'classes, a file'
        )
    if image.getexif().get(_ORIENTATION, 1) != 1:
        # As every program shows it, and as its image is turned.
        image = ImageOps.exif_transpose(image)
    mode = image.mode
    palette = None
    if mode == 'P':
        palette = np.zeros((256, 3), np.uint8)
        listed = np.array(image.getpalette('RGB'), np.uint8).reshape(-1, 3)
        palette[: len(listed)] = listed
        array = np.array(image)
    elif mode in ('1', 'L', 'I', 'F') or mode.startswith('I;16'):
        array = np.array(image)
        if array.dtype.kind == 'f':
            whole = np.rint(array)
            if not np.array_equal(whole, array):
                raise UsageError(
                    f'{path}: mask holds fractions, such as '
                    f'{array[whole != array][0]:g}. Save class ids as whole '
                    'numbers'
                )
            array = whole.astype(np.int64)
        if array.dtype.kind == 'i' and array.size and array.min() < 0:
            raise UsageError(
                f'{path}: mask holds the value {array.min()}. Save class ids '
                'from 0 on, and 255 where there is none'
            )
    elif mode in ('LA', 'La', 'PA'):
        _refuse_deep(path)
        mode, array = 'LA', np.array(image.convert('LA'))
        array = np.where(_drawn(array[..., 1]), array[..., 0], 0)
    else:
        alpha = mode in ('RGBA', 'RGBa')
        mode = 'RGBA' if alpha else 'RGB'
        _refuse_deep(path)
        rgb = np.array(image.convert(mode))
        packed = pack(rgb[..., :3])
        if alpha:  # nothing is drawn where it is transparent
            packed[~_drawn(rgb[..., 3])] = 0
        array = packed & 255
        if not np.array_equal(array * 0x010101, packed):
            return Codes(packed, COLOR, mode, lossy)
    if array.dtype not in (np.uint8, np.uint16):
        array = array.astype(np.uint8 if mode == '1' else np.uint32)
    return Codes(array, GRAY, mode, lossy, palette)


def _drawn(alpha: np.ndarray) -> np.ndarray:
    """Where a mask is drawn: half as opaque as it is anywhere, or more."""
    return alpha > alpha.max(initial=0) // 2


def _refuse_deep(path: str) -> None:
    """Stop at a PNG of 16 bits a color, of which Pillow reads the upper 8.

    Raises:
        UsageError: if the lower ones say something else.
    """
    with open(path, 'rb') as file:
        head = file.read(25)
    if not head.startswith(b'\x89PNG') or head[24] != 16:
        return
    stored = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if stored is None:
        return
    low, high = stored & 255, stored >> 8
    if ((low != 0) & (low != high)).any():
        raise UsageError(
            f'{path}: mask with 16 bits for each color, of which 8 are read. '
            'Save it in gray with 16 bits, or in colors with 8'
        )


def _pages(image: Image.Image) -> int:
    """How many pages of one size a TIFF file has, thumbnails left out."""
    if image.format != 'TIFF':
        return 1
    size, found = image.size, 1
    for page in range(1, getattr(image, 'n_frames', 1)):
        image.seek(page)
        found += image.size == size
    image.seek(0)
    return found


def pack(colors: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 colors as (...) uint32 codes."""
    parts = colors.astype(np.uint32)
    return parts[..., 0] << 16 | parts[..., 1] << 8 | parts[..., 2]


def unpack(codes: np.ndarray) -> np.ndarray:
    """Codes as (..., 3) uint8 colors."""
    codes = np.asarray(codes, np.uint32)
    return np.stack(
        [codes >> 16 & 255, codes >> 8 & 255, codes & 255], -1
    ).astype(np.uint8)


def look(name: str, path: str, mask: Codes) -> MaskFacts:
    """Count what a mask holds."""
    codes, pixels = count(mask.codes)
    inner = pixels
    if len(codes) > 2:  # with two values, none lies between others
        inner = np.zeros_like(pixels)
        found, numbers = count(mask.codes[inside(mask.codes)])
        inner[np.searchsorted(codes, found)] = numbers
    others = 0
    if len(codes) > MOST_CODES:
        most = np.sort(np.argsort(-pixels, kind='stable')[:MOST_CODES])
        others = int(pixels.sum() - pixels[most].sum())
        codes, pixels, inner = codes[most], pixels[most], inner[most]
    colors = None
    if mask.palette is not None:
        colors = pack(mask.palette[np.minimum(codes, 255)])
    height, width = mask.codes.shape
    return MaskFacts(
        name,
        path,
        (height, width),
        codes.astype(np.uint32),
        pixels,
        inner,
        others,
        mask.space,
        mask.mode,
        mask.lossy,
        mask.overlap,
        colors,
    )


def count(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted values and how often each occurs.

    Runs of one value are counted as one, so the large areas of masks cost
    next to nothing.
    """
    values, index, lengths = _runs(codes)
    numbers = np.bincount(index, weights=lengths, minlength=len(values))
    return values, numbers.astype(np.int64)


def number(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted values, and the place of each pixel's among them."""
    values, index, lengths = _runs(codes)
    small = index.astype(np.min_scalar_type(max(len(values) - 1, 0)))
    return values, np.repeat(small, lengths).reshape(codes.shape)


def _runs(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, the place of each run's among them, lengths of runs."""
    flat = codes.ravel()
    starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], starts])[: flat.size]
    lengths = np.diff(starts, append=flat.size)
    values, index = np.unique(flat[starts], return_inverse=True)
    return values, index, lengths


def inside(codes: np.ndarray) -> np.ndarray:
    """(H, W) bool, whether a pixel and its four neighbors are alike.

    Pixels at the border count as the next ones within.
    """
    padded = np.pad(codes, 1, mode='edge')
    inner = padded[1:-1, 1:-1]
    return (
        (inner == padded[:-2, 1:-1])
        & (inner == padded[2:, 1:-1])
        & (inner == padded[1:-1, :-2])
        & (inner == padded[1:-1, 2:])
    )
