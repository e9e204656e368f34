"""Which mask belongs to which image, by how the files are laid out."""

import os
from collections import Counter
from collections.abc import Sequence

from mmsemi.utils.errors import UsageError

from .files import IMAGE_SUFFIXES, is_json, name_of

# Folders that tell parts of a data set, and no classes.
_PARTS = {
    *('train', 'training', 'val', 'valid', 'validation', 'test', 'testing')
}


def match(
    names: dict[str, str], mask_files: Sequence[str], mask_suffix: str
) -> tuple[dict[str, list[tuple[str, str]]], bool, list[str]]:
    """Try the layouts of masks; the one that places most files is right.

    Args:
        names: files of images by their names.
        mask_files: relative paths.
        mask_suffix: see :func:`.pairing.pair_folders`.

    Returns:
        ``(class folder, file)`` of each image with masks, whether masks are
        one file a class, and masks without an image.

    Raises:
        UsageError: if an image has two masks, or folders are no classes.
    """
    best: tuple = ({}, False, list(mask_files))
    for layout in (_same_name, _class_first, _class_last):
        found: dict[str, list[tuple[str, str]]] = {}
        lonely = []
        for path in mask_files:
            name = name_of(path)
            bare = is_json(path) and not name.endswith(mask_suffix)
            # No file of annotations is that of a class.
            place = (_same_name if is_json(path) else layout)(
                name, names, '' if bare else mask_suffix
            )
            if place is None:
                lonely.append(path)
            else:
                found.setdefault(place[0], []).append((place[1], path))
        if len(lonely) < len(best[2]):
            best = found, layout is not _same_name, lonely
    if best[1]:
        _refuse_parts(best[0])
    for name, files in best[0].items():
        # An annotation file has all classes of its image.
        whole = any(is_json(path) for _, path in files)
        folders = Counter('' if whole else folder for folder, _ in files)
        folder, number = folders.most_common(1)[0]
        if number > 1:
            twice = sorted(
                path for place, path in files if whole or place == folder
            )
            remedy = 'Keep one of them'
            if any(map(is_json, twice)):
                remedy = (
                    'Keep the one that is right, and move the other out of '
                    'the folder'
                )
            raise UsageError(
                f'{twice[0]} and {twice[1]}: two masks of one name for '
                f'{names[name]}. {remedy}'
            )
    return best


def _refuse_parts(found: dict[str, list[tuple[str, str]]]) -> None:
    """Stop where folders are no classes, but parts of a data set."""
    folders = {folder for files in found.values() for folder, _ in files}
    folders -= {''}  # those of annotation files
    if folders and {name.lower() for name in folders} <= _PARTS:
        raise UsageError(
            f'the masks lie in {" and ".join(sorted(folders))}, which are no '
            'classes, and the images do not. Lay the masks out like the '
            'images'
        )


def _same_name(name: str, names: dict, suffix: str) -> tuple[str, str] | None:
    if suffix:
        if not name.endswith(suffix):
            return None
        name = name[: -len(suffix)]
    if name in names:
        return name, ''
    # `x.jpg.png` for `x.jpg`, as some annotation tools write it.
    base, ending = os.path.splitext(name)
    if ending.lower() in IMAGE_SUFFIXES and base in names:
        return base, ''
    return None


def _class_first(name: str, names: dict, suffix: str):
    folder, slash, rest = name.partition('/')
    place = _same_name(rest, names, suffix) if slash else None
    return place and (place[0], folder)


def _class_last(name: str, names: dict, suffix: str):
    folder, slash, last = name.rpartition('/')
    place = _same_name(folder, names, suffix) if slash else None
    return place and (place[0], last)


def nothing_matches(
    images: str, masks: str, names: dict[str, str], mask_files: Sequence[str]
) -> str:
    """Why no mask has an image, with the likely remedy."""
    text = (
        f'no image of {images} has a mask in {masks}: the image '
        f'{next(iter(names.values()))!r} and the mask {mask_files[0]!r}, for '
        'example, differ in their names'
    )
    endings: Counter[str] = Counter()
    for path in mask_files[:2000]:
        name = name_of(path)
        for length in range(len(name) - 1, 0, -1):
            if name[:length] in names:
                endings[name[length:]] += 1
                break
    if endings and '/' not in (ending := endings.most_common(1)[0][0]):
        sign = '=' if ending.startswith('-') else ' '  # else an option
        return f'{text}. Try --mask-suffix{sign}{ending}'
    lower = {name.lower() for name in names}
    if any(name_of(path).lower() in lower for path in mask_files):
        return f'{text} in upper and lower case. Rename one of the two'
    flat = {os.path.basename(name) for name in names}
    if any(os.path.basename(name_of(p)) in flat for p in mask_files):
        return f'{text} of sub-folders. Lay the masks out like the images'
    return f'{text}. Give masks the names of their images'
