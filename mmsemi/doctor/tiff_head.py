"""What the head of a TIFF file says; Pillow knows few of those with bands."""

import struct
from typing import BinaryIO, NamedTuple

_TYPES = {1: 'B', 3: 'H', 4: 'I', 16: 'Q'}
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC = 256, 257, 258, 262
_OFFSETS, _ORIENTATION, _BANDS, _COUNTS = 273, 274, 277, 279
_TILE_OFFSETS, _TILE_COUNTS, _EXTRA = 324, 325, 338
_SUBFILE = 254  # says whether a page is a thumbnail or a mask of another
_MOST_PAGES = 4096
_ALPHA = (1, 2)


class TiffHead(NamedTuple):
    """First image of a TIFF file.

    Attributes:
        size: height and width.
        bands: how many values a pixel has.
        bits: of each value.
        palette: whether values are indices of colors.
        alpha: whether the last of these is transparency.
        orientation: 1 to 8, as in the EXIF of photos.
        end: where the last piece of pixels ends in the file.
        pages: how many pages are like the first one.
    """

    size: tuple[int, int]
    bands: int
    bits: int
    palette: bool
    alpha: bool
    orientation: int
    end: int
    pages: int = 1


def read_tiff_head(file: BinaryIO) -> TiffHead | None:
    """Read the head, None if the file is no TIFF.

    Raises:
        ValueError: if it is one, but damaged.
    """
    start = file.read(8)
    order = {b'II': '<', b'MM': '>'}.get(start[:2])
    if order is None or len(start) < 8:
        return None
    version = struct.unpack(order + 'H', start[2:4])[0]
    if version not in (42, 43):
        return None
    big = version == 43
    try:
        return _read(file, start, order, big)
    except struct.error as error:
        raise ValueError('it is cut off') from error


def _read(file: BinaryIO, start: bytes, order: str, big: bool) -> TiffHead:
    word = 'Q' if big else 'I'
    (place,) = struct.unpack(order + word, file.read(8) if big else start[4:8])
    tags, place = _page(file, place, order, big)
    if _WIDTH not in tags or _HEIGHT not in tags:
        raise ValueError('its head is damaged')
    pages, end = _pages_alike(file, place, order, big, tags)
    return TiffHead(
        (tags[_HEIGHT][0], tags[_WIDTH][0]),
        tags.get(_BANDS, (1,))[0],
        max(tags.get(_BITS) or (1,)),
        tags.get(_PHOTOMETRIC, (0,))[0] == 3,
        bool(tags.get(_EXTRA)) and tags[_EXTRA][-1] in _ALPHA,
        tags.get(_ORIENTATION, (1,))[0],
        max(end, _end(tags)),
        1 + pages,
    )


def _end(tags: dict[int, tuple[int, ...]]) -> int:
    """Where the pixels of a page end."""
    offsets = tags.get(_OFFSETS) or tags.get(_TILE_OFFSETS) or ()
    counts = tags.get(_COUNTS) or tags.get(_TILE_COUNTS) or ()
    return max((a + b for a, b in zip(offsets, counts)), default=0)


def _pages_alike(
    file: BinaryIO, place: int, order: str, big: bool, first: dict
) -> tuple[int, int]:
    """How many further pages are like the first, and where they end."""
    number, end, seen = 0, 0, set()
    while place and place not in seen and len(seen) < _MOST_PAGES:
        seen.add(place)
        try:
            tags, place = _page(file, place, order, big)
        except (struct.error, ValueError):  # the first page is whole
            break
        alike = all(
            tags.get(tag) == first.get(tag)
            for tag in (_WIDTH, _HEIGHT, _BITS, _BANDS)
        )
        if alike and not tags.get(_SUBFILE, (0,))[0] & 5:
            number, end = number + 1, max(end, _end(tags))
    return number, end


def _page(
    file: BinaryIO, place: int, order: str, big: bool
) -> tuple[dict[int, tuple[int, ...]], int]:
    """Tags of a page, and where the next one is described, 0 if nowhere."""
    word, entry = ('Q', 20) if big else ('I', 12)
    file.seek(place)
    counter = 'Q' if big else 'H'
    (number,) = struct.unpack(
        order + counter, file.read(struct.calcsize(counter))
    )
    if number > 4096:
        raise ValueError('its head is damaged')
    tags: dict[int, tuple[int, ...]] = {}
    entries = file.read(number * entry)
    rest = file.read(struct.calcsize(word))
    # Some programs write nothing behind the last page.
    following = int.from_bytes(rest, 'little' if order == '<' else 'big')
    for i in range(number):
        raw = entries[i * entry : (i + 1) * entry]
        tag, kind, count = struct.unpack(
            order + 'HH' + word, raw[: 12 if big else 8]
        )
        if kind not in _TYPES or count > 1 << 20:
            continue
        form = f'{order}{count}{_TYPES[kind]}'
        length = struct.calcsize(form)
        data = raw[12:] if big else raw[8:]
        if length > len(data):
            (place,) = struct.unpack(order + word, data)
            file.seek(place)
            data = file.read(length)
        tags[tag] = struct.unpack(form, data[:length])
    return tags, following
