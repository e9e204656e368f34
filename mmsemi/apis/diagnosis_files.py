"""What the doctor found, as files: JSON, text, a sheet and a page."""

from pathlib import Path

import numpy as np
from PIL import Image

from mmsemi.io.files import whole_file, write_bytes, write_json, write_text
from mmsemi.io.image_files import show_file
from mmsemi.prepare.mask_labels import labels_of, palette_of
from mmsemi.prepare.masks import keep_apart
from mmsemi.utils.errors import UsageError

from .diagnosis import Diagnosis

REPORT, TEXT, SHEET = 'doctor.json', 'doctor.txt', 'masks.png'
_ON_SHEET = 12
_OURS = b'<meta name="generator" content="mmsemi doctor">'


def check_out(out: str, *inputs: str) -> None:
    """Refuse a folder that is the user's or holds files of others.

    Raises:
        UsageError: naming it.
    """
    keep_apart(out, *inputs)
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f'{out} is a file. Choose another --out')
    if (
        any((folder / n).exists() for n in (TEXT, SHEET))
        and not (folder / REPORT).is_file()
    ):
        raise UsageError(
            f'{out} holds files that the doctor would replace. Choose '
            'another --out'
        )


def check_page(path: str, *inputs: str) -> None:
    """Refuse a page in a folder of the user's, or in place of another file.

    Raises:
        UsageError: naming it.
    """
    keep_apart(path, *inputs)
    if not Path(path).exists():
        return
    if Path(path).is_dir():
        raise UsageError(f'--html {path}: this is a folder. Name a file')
    with open(path, 'rb') as file:
        if _OURS not in file.read(2000):
            raise UsageError(
                f'--html {path}: this file is no page of the doctor and '
                'would be lost. Name another'
            )


def write_files(result: Diagnosis, out: str) -> None:
    """Write ``doctor.json``, ``doctor.txt`` and ``masks.png``."""
    write_json(out, REPORT, result.as_data())
    # Names of files need not be text.
    text = f'{result.text()}\n'.encode(errors='backslashreplace')
    write_bytes(out, TEXT, text)
    sheet = sheet_of(result)
    if sheet is not None:
        with whole_file(out, SHEET) as file:
            sheet.save(file, 'PNG')


def write_page(result: Diagnosis, path: str, folders: tuple) -> None:
    """Write one page of HTML that loads nothing.

    Args:
        result: what was found.
        path: the file.
        folders: of images and masks, as they were given.
    """
    from mmsemi.report.own_data.page import render_findings
    from mmsemi.report.own_data.pictures import data_uri

    facts = result.as_data()
    if result.encoding is not None:
        palette = palette_of(result.encoding)
        total = max(result.pixels.sum() + result.ignored.sum(), 1)
        facts['ignored_share'] = float(100 * result.ignored.sum() / total)
        for row in facts['classes']:
            red, green, blue = palette[row['id']].tolist()
            row['color'] = f'#{red:02x}{green:02x}{blue:02x}'
            row['share'] = float(100 * row['pixels'] / total)
    sheet, picture = sheet_of(result), None
    if sheet is not None:
        picture = dict(
            src=data_uri(np.asarray(sheet)),
            width=sheet.width,
            height=sheet.height,
        )
    page = render_findings(dict(facts, folders=folders, sheet=picture))
    place = Path(path)
    write_text(place.parent, place.name, page)


def sheet_of(result: Diagnosis) -> Image.Image | None:
    """Some masks over their images, None where none can be drawn."""
    if result.encoding is None:
        return None
    from mmsemi.report.mask_sheet import draw_sheet

    pairs = {pair.name: pair for pair in result.pairs.labeled}
    step = max(len(result.masks) // _ON_SHEET, 1)
    items = []
    for facts in result.masks[::step][:_ON_SHEET]:
        pair = pairs[facts.name]
        ids, _ = labels_of(result.source.read(pair), result.encoding)
        photo = _photo(pair.image)
        if photo is not None and photo.shape[:2] == ids.shape:
            items.append((pair.name, photo, ids))
    if not items:
        return None
    return draw_sheet(
        items,
        result.encoding.classes,
        palette_of(result.encoding),
        f'{len(items)} of {len(result.masks)} masks over their images',
    )


def _photo(path: str) -> np.ndarray | None:
    """(H, W, 3) uint8 RGB of an image, None where it cannot be read."""
    try:
        return show_file(path)[..., ::-1].copy()
    except UsageError:  # the findings say what is wrong with it
        return None
