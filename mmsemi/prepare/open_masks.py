"""Find out how masks are stored, and pair them with images."""

import os
from pathlib import Path

from mmsemi.utils.errors import UsageError

from .annotation_files import Coco, LabelMe, read_json
from .files import IMAGE_SUFFIXES, files_below
from .joined_masks import JoinedMasks, is_json
from .mask_source import ClassFolders, MaskSource
from .pairing import Pairs, pair_folders


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
    pairs = pair_folders(images, masks, mask_suffix)
    if pairs.by_class:
        return pairs, ClassFolders(pairs.labeled)
    endings = {is_json(pair) for pair in pairs.labeled}
    if len(endings) == 2:
        return pairs, JoinedMasks()
    return pairs, LabelMe() if True in endings else MaskSource()


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
    found = []
    for path in paths:
        data = read_json(path)
        if isinstance(data, dict) and 'annotations' in data:
            found.append((path, data))
    if len(found) > 1:
        raise UsageError(
            f'{found[0][0]} and {found[1][0]}: two COCO files. Give one of '
            'them in place of the folder'
        )
    others = [path for path in paths if path != found[0][0]] if found else []
    if others:
        raise UsageError(
            f'{others[0]}: it lies beside the COCO file {found[0][0]}, and is '
            'none. Add what it holds to the COCO file, or give that file in '
            'place of the folder'
        )
    if not found and os.path.isfile(masks):
        raise UsageError(
            f'{masks}: no COCO JSON (it has no "annotations"). Give a COCO '
            'file or a folder of masks'
        )
    return found[0] if found else None
