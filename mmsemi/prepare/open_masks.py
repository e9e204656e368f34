"""Find out how masks are stored, and pair them with images."""

import os
from pathlib import Path
from typing import Any

from mmsemi.utils.errors import UsageError

from .annotation_files import read_json
from .drawn_masks import DrawnMasks
from .files import IMAGE_SUFFIXES, files_below, is_json, name_of
from .joined_masks import JoinedFolders, JoinedMasks, is_drawn
from .mask_source import ClassFolders, MaskSource
from .pairing import Pair, Pairs, image_names, pair_folders

_MOST_READ = 20  # annotation files, to see what they are


def open_masks(
    images: str | Path, masks: str | Path, mask_suffix: str = ''
) -> tuple[Pairs, MaskSource]:
    """Find out how masks are stored, and pair them with images.

    Args:
        images: folder of images.
        masks: folder of masks, or a COCO JSON file.
        mask_suffix: see :func:`.pairing.pair_folders`.

    Raises:
        UsageError: if they cannot be paired.
    """
    images, masks = str(images), str(masks)
    if os.path.isfile(masks):
        source = DrawnMasks([(masks, _coco_of(masks))])
        bare = [
            Pair(name, os.path.join(images, path))
            for name, path in sorted(image_names(images).items())
        ]
        return source.pair_up(Pairs(bare, False, []), images), source
    cocos, damaged = {}, None
    if os.path.isdir(masks):
        cocos, damaged = _cocos_in(images, masks)
    try:
        pairs = pair_folders(images, masks, mask_suffix, tuple(cocos))
    except UsageError as error:
        raise damaged or error from None
    found = [(os.path.join(masks, path), cocos[path]) for path in cocos]
    source = DrawnMasks(found)
    pairs = source.pair_up(pairs, images)
    kinds = {is_drawn(pair) for pair in pairs.labeled}
    if pairs.by_class:
        if True in kinds:
            return pairs, JoinedFolders(pairs.labeled, source)
        return pairs, ClassFolders(pairs.labeled)
    if len(kinds) == 2:
        return pairs, JoinedMasks(source)
    return pairs, source if True in kinds else MaskSource()


def _coco_of(path: str) -> dict:
    """The content of a COCO file.

    Raises:
        UsageError: if it is none.
    """
    if not is_json(path):
        raise UsageError(
            f'{path}: a file, not a folder of masks. Give a folder, or a '
            'COCO JSON file'
        )
    data = read_json(path)
    if not _is_coco(data):
        raise UsageError(
            f'{path}: no COCO JSON (it has no "annotations"). Give a COCO '
            'file or a folder of masks'
        )
    return data


def _cocos_in(
    images: str, masks: str
) -> tuple[dict[str, dict], UsageError | None]:
    """COCO files of a folder, and what is wrong with one that may be one.

    Labelme calls its files as images are called, so only the first ones of
    other names are looked at, and all where there are few.

    Returns:
        Contents by relative paths, and the first error of reading.
    """
    files = sorted(path for path in files_below(masks) if is_json(path))
    if not files or not os.path.isdir(images):
        return {}, None
    names = {
        name_of(path)
        for path in files_below(images)
        if path.lower().endswith(IMAGE_SUFFIXES)
    }
    if len(files) > 3:
        files = [
            path
            for path in files
            if name_of(path) not in names
            and name_of(name_of(path)) not in names  # x.jpg.json
        ]
    found, damaged = {}, None
    for path in files[:_MOST_READ]:
        try:
            data = read_json(os.path.join(masks, path))
        except UsageError as error:
            damaged = damaged or error
            continue
        if _is_coco(data):
            found[path] = data
    return found, damaged


def _is_coco(data: Any) -> bool:
    return isinstance(data, dict) and 'annotations' in data
