"""Bring published split lists into a folder of ours."""

import os.path as osp

from mmsemi.datasets.splits import more
from mmsemi.utils.errors import UsageError

from .published_lists import Found, endings
from .splits import write_lists, write_splits

# Image and mask of a stem below the root of a data set.
_FILES = dict(
    voc12=('JPEGImages/{}.jpg', ['SegmentationClassAug/{}.png']),
    cityscapes=(
        'leftImg8bit/{part}/{}_leftImg8bit.png',
        [
            'gtFine/{part}/{}_gtFine_labelTrainIds.png',
            'gtFine/{part}/{}_gtFine_labelIds.png',
        ],
    ),
    gta5=('images/{}.png', ['labels/{}_labelTrainIds.png', 'labels/{}.png']),
)


def check_roots(roots: dict[str, str]) -> None:
    """Refuse folders that are none, or of a data set nobody knows."""
    for name, folder in roots.items():
        if name not in _FILES or not osp.isdir(folder):
            raise UsageError(
                f'--data-root {name}={folder}: give an existing '
                f'folder for one of {", ".join(_FILES)}'
            )


def check_files(found: Found, roots: dict[str, str]) -> None:
    """Stop if an image, or the mask of a labeled image, does not exist.

    Args:
        found: lists to check.
        roots: folders by data set; lists of others are not checked.
    """
    lists = {'val': [s for stems in found.val.values() for s in stems]}
    lists['labeled'] = [s for split in found.splits for s in split.labeled]
    lists['unlabeled'] = [s for split in found.splits for s in split.unlabeled]
    source, _, target = found.dataset.partition('_to_')
    for role, stems in lists.items():
        dataset = target if target and role == 'unlabeled' else source
        if dataset not in roots:
            continue
        root, (image, masks) = roots[dataset], _FILES[dataset]
        part = 'val' if role == 'val' else 'train'

        def exists(pattern: str, stem: str, root=root, part=part) -> bool:
            return osp.isfile(osp.join(root, pattern.format(stem, part=part)))

        stems = sorted(set(stems))
        for kind, patterns in (('image', [image]), ('mask', masks)):
            if kind == 'mask' and role == 'unlabeled':
                continue
            absent = [
                stem
                for stem in stems
                if not any(exists(p, stem) for p in patterns)
            ]
            if absent:
                path = osp.join(root, patterns[0].format(absent[0], part=part))
                raise UsageError(
                    f'{path}: {role} {kind}{more(absent)} of {found.folder} '
                    'does not exist. Complete the data or correct '
                    '--data-root'
                )


def write_found(
    found: Found, folder: str, val: list[str], overwrite: bool
) -> None:
    """Write the splits of a folder, and the validation lists beside them.

    Args:
        found: what to write.
        folder: where to.
        val: further images that no list may hold.
        overwrite: replace lists that differ.
    """
    held_out = [val, *found.val.values()]
    val_stems = sorted({stem for stems in held_out for stem in stems})
    write_splits(folder, found.splits, overwrite, val_stems)
    # A selection of val for choosing models, such as valtiny.
    selections = {
        name: stems for name, stems in found.val.items() if name != 'val'
    }
    write_lists(
        {
            osp.join(folder, f'{name}.txt'): stems
            for name, stems in selections.items()
        },
        overwrite,
    )
    for name, stems in selections.items():
        print(f'{folder}/{name}.txt: {len(stems)} images of val')


def note_of_suffixes(found: Found) -> str | None:
    """What to say of lists whose images end in several ways, else None."""
    kinds = endings(sorted(found.folder.glob('*/*labeled.txt')))
    if len(kinds) < 2:
        return None
    several = ', '.join(
        f'{kind or "no suffix"} ({count})'
        for kind, count in kinds.most_common()
    )
    return (
        f'note: {found.folder}: images end with {several}, but a dataset has '
        'one img_suffix. Rename the images, or those with another suffix '
        'will not be found'
    )
