"""What image files are like, read off their heads and ends."""

import os
from typing import NamedTuple

from PIL import Image

from mmsemi.io.image_files import why_unreadable
from mmsemi.io.regular import refuse_special
from mmsemi.utils.errors import UsageError

from .findings import Finding
from .mixed_photos import mixed_photos
from .tiff_head import TiffHead, read_tiff_head

_ORIENTATION = 0x0112
_SMALL, _LARGE = 30, 10_000
_KINDS = {
    '1': 'gray',
    'L': 'gray',
    'LA': 'gray with alpha',
    'P': 'palette',
    'PA': 'palette',
    'RGB': 'color',
    'RGBA': 'color with alpha',
    'RGBX': 'color',
    'CMYK': 'CMYK',
    'YCbCr': 'color',
    'LAB': 'color',
    'I': 'gray',
    'F': 'gray',
}


class Photo(NamedTuple):
    """An image file.

    Attributes:
        file: its path.
        size: height and width as loading turns it.
        kind: ``color``, ``gray``, ``palette``, ``CMYK``, ``bands`` ...
        bands: values of a pixel.
        bits: of each value.
        turned: whether the camera's tag says to turn or mirror it.
        problem: why it cannot be read, '' if it can.
        pages: of a TIFF file, that are bands of one image.
    """

    file: str
    size: tuple[int, int]
    kind: str = ''
    bands: int = 0
    bits: int = 8
    turned: bool = False
    problem: str = ''
    pages: int = 1


def look_at(path: str) -> Photo:
    """Size and kind of an image file.

    Files that were cut off are found where their format tells by its end
    (PNG, JPEG, WebP, BMP, TIFF); pixels are decoded only where it does not.

    Raises:
        UsageError: if it cannot be read; :func:`examine` does not.
    """
    photo = examine(path)
    if photo.problem:
        raise UsageError(
            f'{path}: image cannot be read ({photo.problem}). Restore the file'
        )
    return photo


def examine(path: str) -> Photo:
    """As :func:`look_at`, with what is wrong as ``problem``."""
    try:
        refuse_special(path)
        with open(path, 'rb') as file:
            head = file.read(32)
            if not head:
                return Photo(path, (0, 0), problem='it is empty')
            length = file.seek(0, os.SEEK_END)
            file.seek(0)
            tiff = read_tiff_head(file)
            if tiff is not None:
                return _tiff_photo(path, tiff, length)
            file.seek(0)
            with Image.open(file) as image:
                photo = _photo(path, image, head)
                if not _ends_well(file, head, length):
                    image.load()
            return photo
    except Exception as error:  # damaged bytes raise nearly anything
        return Photo(path, (0, 0), problem=why_unreadable(error)[:200])


def _photo(path: str, image: Image.Image, head: bytes) -> Photo:
    width, height = image.size
    orientation = image.getexif().get(_ORIENTATION, 1)
    if orientation not in range(1, 9):
        orientation = 1
    size = (width, height) if orientation >= 5 else (height, width)
    mode = image.mode
    bits = {'1': 1, 'I': 32, 'F': 32}.get(mode, 8)
    if mode.startswith('I;16'):
        mode, bits = 'I', 16
    if head.startswith(b'\x89PNG'):  # Pillow reads deep colors as 8 bits
        bits = head[24]
    kind = _KINDS.get(mode, mode)
    bands = len(image.getbands())
    return Photo(path, size, kind, bands, bits, orientation != 1)


def _tiff_photo(path: str, head: TiffHead, length: int) -> Photo:
    kind = {1: 'gray', 3: 'color', 4: 'four bands'}.get(head.bands, 'bands')
    if head.palette:
        kind = 'palette'
    elif head.alpha and head.bands in (2, 4):
        kind = {2: 'gray', 4: 'color'}[head.bands] + ' with alpha'
    problem = 'it is cut off' if head.end > length else ''
    if min(head.size) < 1:
        problem = 'it has no pixels'
    turned = head.orientation in range(2, 9)
    size, bands = head.size, head.bands
    if head.pages > 1 and bands == 1 and not head.palette:
        # As loading takes them: a file that was written from (H, W, B) has
        # pages of W x B.
        height, width = size
        bands = min(head.pages, width)
        size = size if bands == head.pages else (head.pages, height)
        kind = 'four bands' if bands == 4 else 'bands'
    elif head.pages > 1:
        kind = 'pages'
        what = 'a palette' if head.palette else f'{bands} bands'
        problem = problem or f'{head.pages} pages of {what} each'
    if turned and head.orientation >= 5:
        size = size[::-1]
    return Photo(
        path, size, kind, bands, head.bits, turned, problem, head.pages
    )


def _ends_well(file, head: bytes, length: int) -> bool:
    """Whether the end of a file says that it is whole."""
    file.seek(max(0, length - 64))
    tail = file.read()
    if head.startswith(b'\x89PNG\r\n\x1a\n'):
        return tail.endswith(b'IEND\xaeB`\x82')
    if head.startswith(b'\xff\xd8\xff'):
        return tail.rstrip(b'\0').endswith(b'\xff\xd9')
    if head.startswith(b'RIFF') and head[8:12] == b'WEBP':
        return int.from_bytes(head[4:8], 'little') + 8 <= length
    if head.startswith(b'BM'):
        return 54 < int.from_bytes(head[2:6], 'little') <= length
    return False


def check_photos(photos: list[Photo]) -> list[Finding]:
    """Findings about images, one a kind."""
    rules = [
        (
            'image-unreadable',
            'error',
            lambda p: p.problem and p.kind != 'pages',
            lambda p: f'image cannot be read ({p.problem})',
            'Restore the file or take it out of the folder',
        ),
        (
            'image-turned',
            'note',
            lambda p: p.turned,
            lambda p: "the camera's tag says to turn the image",
            'It is turned while loading; masks must fit the turned image',
        ),
        (
            'image-gray',
            'note',
            lambda p: p.kind.startswith('gray'),
            lambda p: 'gray image',
            'It is loaded as three equal colors',
        ),
        (
            'image-palette',
            'note',
            lambda p: p.kind == 'palette',
            lambda p: 'image with a palette',
            'It is loaded as the colors of the palette',
        ),
        (
            'image-alpha',
            'note',
            lambda p: p.kind.endswith('alpha'),
            lambda p: 'image with transparency',
            'Transparency is left out while loading',
        ),
        (
            'image-cmyk',
            'note',
            lambda p: p.kind == 'CMYK',
            lambda p: 'image in CMYK, made for printing',
            'It is converted to RGB while loading; colors may shift a little',
        ),
        (
            'image-bands',
            'warning',
            lambda p: p.kind in ('bands', 'four bands'),
            lambda p: f'image with {p.bands} bands',
            'All of them are loaded, and the network takes as many',
        ),
        (
            'image-pages',
            'error',
            lambda p: p.kind == 'pages',
            lambda p: f'TIFF file with {p.problem}, which is no single image',
            'Save one image a file',
        ),
        (
            'image-page-a-band',
            'warning',
            lambda p: p.pages > 1 and not p.problem,
            lambda p: f'TIFF file with {p.pages} pages',
            'They are taken as bands of one image; if each is an image of '
            'its own, save one image a file',
        ),
        (
            'image-deep',
            'warning',
            lambda p: p.bits > 8,
            lambda p: f'image with {p.bits} bits a value',
            'Their depth is kept; the range of values that is used becomes 0 '
            'to 255',
        ),
        (
            'image-small',
            'warning',
            lambda p: not p.problem and min(p.size) < _SMALL,
            lambda p: f'image of only {p.size[1]}x{p.size[0]} pixels',
            'It is padded to the crop; check that it is no thumbnail',
        ),
        (
            'image-large',
            'note',
            lambda p: max(p.size) > _LARGE,
            lambda p: f'image of {p.size[1]}x{p.size[0]} pixels',
            'Crops are cut from it; predicting goes in windows',
        ),
    ]
    findings = []
    for kind, severity, holds, text, remedy in rules:
        found = [photo for photo in photos if holds(photo)]
        if found:
            first = found[0]
            findings.append(
                Finding(
                    kind,
                    severity,
                    first.file,
                    dict(
                        size=list(first.size),
                        bands=first.bands,
                        bits=first.bits,
                        reason=first.problem,
                    ),
                    text(first),
                    remedy,
                    len(found),
                )
            )
    return findings + mixed_photos(photos)
