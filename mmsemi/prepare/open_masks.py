"""Find out how masks are stored, and pair them with images."""

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from mmsemi.utils.errors import UsageError

from .annotation_files import Coco, LabelMe, read_json
from .files import IMAGE_SUFFIXES, files_below
from .joined_masks import JoinedFolders, JoinedMasks, drawn
from .mask_source import ClassFolders, MaskSource
from .pairing import Pairs, is_json, pair_folders

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
    coco = _coco_file(masks)
    if coco:
        source = Coco(coco[0], coco[1])
        return source.pair_up(images), source
    try:
        pairs = pair_folders(images, masks, mask_suffix)
    except UsageError:
        if os.path.isdir(masks):
            _refuse_coco_among(masks, files_below(masks), 'other files')
        raise
    lonely = [os.path.relpath(path, masks) for path in pairs.lonely]
    _refuse_coco_among(masks, lonely, pairs.labeled[0].masks[0][1])
    joined = len({drawn(pair) for pair in pairs.labeled}) == 2
    if pairs.by_class:
        kind = JoinedFolders if joined else ClassFolders
        return pairs, kind(pairs.labeled)
    if joined:
        return pairs, JoinedMasks()
    return pairs, LabelMe() if drawn(pairs.labeled[0]) else MaskSource()


def _coco_file(masks: str) -> tuple[str, dict] | None:
    """The COCO JSON that is, or lies in, the place of masks."""
    if os.path.isfile(masks):
        paths = [masks]
        if not masks.lower().endswith('.json'):
            raise UsageError(
                f'{masks}: a file, not a folder of masks. Give a folder, or '
                'a COCO JSON file'
            )
    elif os.path.isdir(masks):
        names = list(files_below(masks))
        paths = [n for n in names if n.lower().endswith('.json')]
        pictures = any(n.lower().endswith(IMAGE_SUFFIXES) for n in names)
        # Labelme has a file for each image, COCO one or a few.
        if pictures or not 0 < len(paths) <= 3:
            return None
        paths = [os.path.join(masks, path) for path in sorted(paths)]
    else:
        return None
    read = [(path, read_json(path)) for path in paths]
    found = [item for item in read if _is_coco(item[1])]
    if len(found) > 1:
        raise UsageError(
            f'{found[0][0]} and {found[1][0]}: two COCO files. Give one of '
            'them in place of the folder'
        )
    others = [path for path in paths if path != found[0][0]] if found else []
    if others:
        raise UsageError(_not_joined(found[0][0], others[0]))
    if not found and os.path.isfile(masks):
        raise UsageError(
            f'{masks}: no COCO JSON (it has no "annotations"). Give a COCO '
            'file or a folder of masks'
        )
    return found[0] if found else None


def _is_coco(data: Any) -> bool:
    return isinstance(data, dict) and 'annotations' in data


def _not_joined(coco: str, other: str) -> str:
    return (
        f'{coco} and {other}: a COCO file holds all annotations, and is not '
        'joined with others. Give that file alone in place of the folder, or '
        'move it away'
    )


def _refuse_coco_among(folder: str, names: Iterable[str], other: str) -> None:
    """Stop if one of the first annotation files is one of COCO."""
    files = (name for name in sorted(names) if is_json(name))
    for name in islice(files, _MOST_READ):
        path = os.path.join(folder, name)
        try:
            coco = _is_coco(read_json(path))
        except UsageError:  # what is wrong with it is told elsewhere
            continue
        if coco:
            raise UsageError(_not_joined(path, other))
