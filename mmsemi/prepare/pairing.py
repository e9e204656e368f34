"""Images and masks of two folders, paired by their names.

The name of a file is its path below the folder without suffix, with unicode
composed (macOS takes letters apart). An image without a mask is unlabeled.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmsemi.utils.errors import UsageError

from .files import (
    IMAGE_SUFFIXES,
    files_below,
    images_of_other_formats,
    is_json,
    name_of,
)
from .mask_layouts import match, nothing_matches

MASK_SUFFIXES = (*IMAGE_SUFFIXES, '.json')


class Pair(NamedTuple):
    """An image and what was drawn for it.

    Attributes:
        name: path below the folder of images, without suffix.
        image: the file.
        masks: ``(class folder, file)``; the folder is '' where one file
            holds all classes. Empty for an unlabeled image.
    """

    name: str
    image: str
    masks: tuple[tuple[str, str], ...] = ()


class Pairs(NamedTuple):
    """What two folders hold.

    Attributes:
        pairs: one for each image, in the order of names.
        by_class: whether masks are one file a class, in sub-folders.
        lonely: masks without an image, paths.
    """

    pairs: list[Pair]
    by_class: bool
    lonely: list[str]

    @property
    def labeled(self) -> list[Pair]:
        """Pairs with a mask."""
        return [pair for pair in self.pairs if pair.masks]

    @property
    def unlabeled(self) -> list[Pair]:
        """Images without one."""
        return [pair for pair in self.pairs if not pair.masks]


def pair_folders(
    images: str | Path,
    masks: str | Path,
    mask_suffix: str = '',
    cocos: Sequence[str] = (),
) -> Pairs:
    """Find the mask of every image.

    Args:
        images: folder of images, with all below it.
        masks: folder of masks, laid out alike; or with a folder for each
            class that is laid out alike; or with a folder for each image
            that holds a file for each class. It may be the folder of images
            where a suffix tells the two apart, and lie in it, or around it.
        mask_suffix: what the name of a mask has behind that of its image,
            such as ``_mask``.
        cocos: files of ``masks`` that hold the masks of several images each.
            They are left out, and no other mask need be there.

    Raises:
        UsageError: if there is no such folder, no image, no mask, two files
            of one name, or no mask matches an image.
    """
    images, masks = str(images), str(masks)
    mask_suffix = _without_file_suffix(mask_suffix)
    for folder in (images, masks):
        if not os.path.isdir(folder):
            kind = 'a file, not a' if os.path.exists(folder) else 'no such'
            hint = 'Give the folder of images and then the folder of masks'
            raise UsageError(f'{folder}: {kind} folder. {hint}')
    together = os.path.realpath(images) == os.path.realpath(masks)
    mask_files = sorted({*_files(masks, MASK_SUFFIXES)} - {*cocos})
    if together:
        mask_files = [
            path
            for path in mask_files
            if is_json(path)
            or mask_suffix
            and os.path.splitext(path)[0].endswith(mask_suffix)
        ]
    else:
        around = _below(images, masks)
        mask_files = [
            p for p in mask_files if is_json(p) or not p.startswith(around)
        ]
    if not mask_files and not cocos:
        hint = (
            'Say with --mask-suffix what tells masks from images, or give '
            'two folders'
            if together
            else 'Masks are images, or JSON of labelme'
        )
        raise UsageError(f'{masks}: no mask in it. {hint}')
    if mask_suffix and not together:
        fitting = [
            path
            for path in mask_files
            if os.path.splitext(path)[0].endswith(mask_suffix)
        ]
        if not fitting and not cocos:
            raise UsageError(
                f'{masks}: no name of a mask ends with {mask_suffix!r}, such '
                f'as that of {mask_files[0]!r}. Correct --mask-suffix'
            )
        wanted = set(fitting)
        # Annotation tools call their files as the images are called.
        mask_files = [
            path for path in mask_files if path in wanted or is_json(path)
        ]
    # A folder of masks within that of images holds no images.
    place = _below(masks, images)
    names = image_names(images, [place + path for path in mask_files])
    found, by_class, lonely = match(names, mask_files, mask_suffix)
    if not found and not cocos:
        raise UsageError(nothing_matches(images, masks, names, mask_files))
    pairs = [
        Pair(
            name,
            os.path.join(images, path),
            tuple((c, os.path.join(masks, m)) for c, m in found.get(name, ())),
        )
        for name, path in sorted(names.items())
    ]
    return Pairs(pairs, by_class, [os.path.join(masks, p) for p in lonely])


def _below(inner: str, outer: str) -> str:
    """How paths in a folder begin, seen from one around it, or ``../``."""
    for form in (os.path.abspath, os.path.realpath):  # links may lead in
        start, path = (os.path.join(form(p), '') for p in (outer, inner))
        if path.startswith(start):
            return path[len(start) :].replace(os.sep, '/')
    return '../'


def image_names(folder: str, but: Sequence[str] = ()) -> dict[str, str]:
    """Image files of a folder by their names, relative to it.

    Args:
        folder: with all below it.
        but: files that are none, though they end like images.

    Raises:
        UsageError: if there is none, or two have one name.
    """
    names: dict[str, str] = {}
    for path in sorted({*_files(folder, IMAGE_SUFFIXES)} - {*but}):
        name = name_of(path)
        if name in names:
            raise UsageError(
                f'{os.path.join(folder, path)} and {names[name]}: two images '
                'of one name, so their mask cannot be told. Rename one'
            )
        names[name] = path
    if not names:
        others = images_of_other_formats(folder)
        hint = (
            f' ({others[0]} is of a format that is not read)' if others else ''
        )
        raise UsageError(
            f'{folder}: no image in it{hint}. Images end with '
            f'{", ".join(IMAGE_SUFFIXES)}'
        )
    return names


def _files(folder: str, suffixes: Sequence[str]) -> list[str]:
    ends = tuple(suffixes)
    return sorted(p for p in files_below(folder) if p.lower().endswith(ends))


def _without_file_suffix(mask_suffix: str) -> str:
    base, ending = os.path.splitext(mask_suffix)
    return base if ending.lower() in MASK_SUFFIXES else mask_suffix
