"""A sheet of images with their masks drawn over them, and a legend.

Drawn with Pillow, so that it costs no start of matplotlib's plotting.
"""

import unicodedata
from collections.abc import Sequence

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .round_picture import bare_class, color_map, hatch

_CELL, _GAP, _COLUMNS = 260, 10, 4
_LINE, _FONT = 22, 13
_STRENGTH = 0.55  # of colors over the image


def draw_sheet(
    items: Sequence[tuple[str, np.ndarray, np.ndarray]],
    classes: Sequence[str],
    palette: np.ndarray,
    heading: str = '',
) -> Image.Image:
    """Draw masks over images.

    Each image is shown twice: as it is, and with its mask. Ignored pixels
    have stripes; the background is left as it is.

    Args:
        items: for each image its name, (H, W, 3) uint8 RGB and (H, W) uint8
            ids with 255 = ignored.
        classes: names.
        palette: (C, 3) uint8 RGB.
        heading: line above everything.

    Returns:
        The sheet.
    """
    colors = color_map(palette)
    bare = bare_class(classes, palette)
    cells = [cell for item in items for cell in _cells(item, colors, bare)]
    columns = min(_COLUMNS, max(len(cells), 2))
    rows = -(-len(cells) // columns)
    width = columns * (_CELL + _GAP) + _GAP
    used = sorted({int(v) for _, _, ids in items for v in np.unique(ids)})
    shown = [v for v in used if v < len(classes) and v != bare]
    legend = [(classes[v], colors[v]) for v in shown]
    if 255 in used:
        legend.append(('ignored', np.array([190] * 3, np.uint8)))
    font = letters()
    places, bottom = _legend_places(legend, font, width)
    top = _LINE + 2 * _GAP
    row_height = _CELL + _LINE + _GAP
    height = top + rows * row_height + bottom + _GAP
    sheet = Image.new('RGB', (width, height), 'white')
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP, _GAP), heading, fill='black', font=font)
    for number, (caption, picture) in enumerate(cells):
        x = _GAP + number % columns * (_CELL + _GAP)
        y = top + number // columns * row_height
        small = Image.fromarray(picture)
        sheet.paste(
            small,
            (x + (_CELL - small.width) // 2, y + (_CELL - small.height) // 2),
        )
        draw.text((x, y + _CELL + 3), caption, fill='black', font=font)
    for (label, color), (x, y) in zip(legend, places):
        y += top + rows * row_height
        box = [x, y + 3, x + 14, y + 17]
        draw.rectangle(box, fill=tuple(map(int, color)), outline='gray')
        draw.text((x + 20, y + 2), label, fill='black', font=font)
    return sheet


def letters() -> ImageFont.FreeTypeFont:
    """The font of captions.

    Pillow's own knows hardly more than ASCII; matplotlib brings one with the
    letters of Europe and the Near East.
    """
    folder = f'{matplotlib.get_data_path()}/fonts/ttf'
    return ImageFont.truetype(f'{folder}/DejaVuSans.ttf', _FONT)


def _cells(
    item, colors: np.ndarray, bare: int
) -> list[tuple[str, np.ndarray]]:
    """``(caption, picture)``: the image, and with its mask."""
    name, image, ids = item
    height, width = ids.shape
    scale = _CELL / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    photo = cv2.resize(image, size, interpolation=method)
    small = cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST_EXACT)
    painted = np.where(
        (small == 255)[..., None], hatch(size[1], size[0]), colors[small]
    )
    painted = np.where((small == bare)[..., None], photo, painted)
    mixed = _STRENGTH * painted + (1 - _STRENGTH) * photo
    name = unicodedata.normalize('NFC', name)  # macOS takes letters apart
    caption = name if len(name) <= 34 else f'...{name[-31:]}'
    return [(caption, photo), ('', mixed.round().astype(np.uint8))]


def _legend_places(
    legend: Sequence[tuple[str, np.ndarray]], font, width: int
) -> tuple[list[tuple[int, int]], int]:
    """Where each entry goes, and how high the legend is."""
    places, x, y = [], _GAP, 0
    for label, _ in legend:
        length = 20 + int(font.getlength(label)) + 2 * _GAP
        if x > _GAP and x + length > width:
            x, y = _GAP, y + _LINE
        places.append((x, y))
        x += length
    return places, y + _LINE
