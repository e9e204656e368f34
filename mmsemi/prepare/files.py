"""Find image and mask files, and say what was passed over."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mmsemi.utils.errors import UsageError

IMAGE_SUFFIXES = (
    '.bmp',
    '.gif',
    '.jpeg',
    '.jpg',
    '.pgm',
    '.png',
    '.ppm',
    '.tif',
    '.tiff',
    '.webp',
)


# Pictures that people have and nothing here reads.
_OTHER_FORMATS = (
    *('.arw', '.avif', '.cr2', '.cr3', '.czi', '.dcm', '.dng', '.exr'),
    *('.heic', '.heif', '.jfif', '.jp2', '.jxl', '.lif', '.nd2', '.ndpi'),
    *('.nef', '.nii', '.nii.gz', '.npy', '.orf', '.psd', '.raw', '.svs'),
    *('.tga',),
)


# What reading a list takes for the end of a line, or for other characters.
_NO_LINE = re.compile('[\n\r\\\\\0\ufeff]')


class Files(NamedTuple):
    """Files with a suffix below a folder.

    Attributes:
        stems: paths relative to the folder, without the suffix, sorted.
        others: image files with another suffix, relative paths.
    """

    stems: list[str]
    others: list[str]


def files_below(folder: str | Path) -> Iterator[str]:
    """Relative paths of all files, those behind links included.

    Hidden files (macOS writes ``._*`` beside each of its own) are passed
    over, and so are folders that were seen before under another name.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(f'{folder}: no such folder')
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(place))
        folders[:] = [
            name
            for name in sorted(folders)
            if not name.startswith('.')
            and os.path.realpath(os.path.join(place, name)) not in seen
        ]
        below = os.path.relpath(place, folder).replace(os.sep, '/')
        for name in names:
            if not name.startswith('.'):
                yield name if below == '.' else f'{below}/{name}'


def is_line(name: str) -> bool:
    """Whether a path stands in a list as it is; see ``datasets.lists``."""
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return False
    return name == name.strip() and not _NO_LINE.search(name)


def name_of(path: str) -> str:
    """The name of a file: composed unicode, without suffix."""
    return unicodedata.normalize('NFC', os.path.splitext(path)[0])


def is_json(path: str) -> bool:
    """Whether a file is one of annotations."""
    return path.lower().endswith('.json')


def images_of_other_formats(folder: str | Path) -> list[str]:
    """Relative paths of pictures in formats that are not read, sorted."""
    return sorted(
        path
        for path in files_below(folder)
        if path.lower().endswith(_OTHER_FORMATS)
    )


def find_files(folder: str | Path, suffix: str) -> Files:
    """Files below a folder by their suffix; its case counts.

    Raises:
        UsageError: if there is no such folder.
    """
    stems, others = [], []
    for path in files_below(folder):
        if path.endswith(suffix):
            stems.append(path[: -len(suffix)])
        elif path.lower().endswith(IMAGE_SUFFIXES):
            others.append(path)
    return Files(sorted(stems), sorted(others))


def without_masks(
    found: Files, image_suffix: str, mask_suffix: str, together: bool
) -> tuple[Files, list[str]]:
    """Take masks off a list of images.

    Args:
        found: files that end as images do.
        image_suffix: of image files.
        mask_suffix: of mask files, such as ``_mask.png``.
        together: whether masks lie among the images.

    Returns:
        The images, and the paths of the masks.

    Raises:
        UsageError: if nothing tells masks from images.
    """
    ending = os.path.splitext(mask_suffix)[0]
    if together and mask_suffix == image_suffix:
        raise UsageError(
            f'images and masks lie in one folder and both end with '
            f'{image_suffix}, so nothing tells them apart. Give a '
            '--mask-suffix such as _mask.png, or two folders'
        )
    if not ending:
        return found, []
    all_stems = set(found.stems)
    # Further masks of an image, too: `x_mask_1.png` beside `x_mask.png`.
    alike = mask_suffix == f'{ending}{image_suffix}'

    def is_mask(stem: str) -> bool:
        if alike and stem.endswith(ending):
            return True
        place = stem.rfind(ending) if together else -1
        return place > 0 and stem[:place] in all_stems

    masks = [stem for stem in found.stems if is_mask(stem)]
    images = sorted(all_stems - set(masks))
    return (
        found._replace(stems=images),
        [stem + image_suffix for stem in masks],
    )


def describe_left_out(paths: Sequence[str], why: str) -> str:
    """One line about files that are in no list."""
    endings = Counter(os.path.splitext(path)[1] for path in paths)
    kinds = ', '.join(f'{count} {kind}' for kind, count in endings.items())
    return f'left out: {kinds}, such as {paths[0]}: {why}'


def seen_from(image: Path, folder: Path) -> str:
    """Path of an image for a file in ``folder``, as labelme looks for it."""
    try:
        path = os.path.relpath(image.resolve(), folder.resolve())
    except ValueError:  # on another drive
        path = str(image.resolve())
    return path.replace(os.sep, '/')
