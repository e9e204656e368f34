"""Bring published split lists into ``data/splits``.

Reads the lists of a folder you have and what is below it::

    python tools/dataset_converters/import_splits.py \
        DST-CBC/data_splits --data-root voc12=data/VOCdevkit/VOC2012

Known layouts: ``<ratio>_labeled_<k>.txt`` and ``<ratio>_unlabeled_<k>.txt``
(DST-CBC, DMT), ``<name>/{labeled,unlabeled}.txt`` (U2PL, UniMatch, CPS), and
``gta5/train.lst`` with ``cityscapes/train_ClsConfSet.lst``, or the same as
``gta5_train*.txt`` and ``cityscapes_clsconfset*.txt`` (CRST: source and target
images). Trees of several such folders (ST++'s <dataset>/<ratio>/split_<k>)
keep their folders' names. A line is an image id, an image path, or an image
and a mask path.
"""

import argparse
import os.path as osp
import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from mmsemi.datasets.splits import LABELED, UNLABELED, more, read_list
from mmsemi.prepare.splits import Split, write_lists, write_splits
from mmsemi.utils.errors import UsageError

_DST_CBC = re.compile(
    r'(?P<ratio>[^_/]+)_(?P<kind>labeled|unlabeled)'
    r'_(?P<k>\d+)\.txt'
)
_CITYSCAPES = re.compile(r'[^/]+/[^/]+_\d{6}_\d{6}')
_PREFIX = re.compile(r'^(JPEGImages|leftImg8bit/[^/]+|images)/')
_ENDINGS = r'\.(?:jpe?g|png|tiff?|bmp|webp|gif|ppm|pgm)'
_SUFFIX = re.compile(rf'(_leftImg8bit)?({_ENDINGS})$', re.IGNORECASE)
# An image, and a second path: names may have spaces and commas in them.
_PAIR = re.compile(rf'(.+?{_ENDINGS})[\s,;]+(\S.*{_ENDINGS}.*)', re.IGNORECASE)
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
# Names of CRST's lists, source first, in its repository and without it.
_CRST = (
    ('gta5/train.lst', 'gta5_train*.txt'),
    ('cityscapes/train_ClsConfSet.lst', 'cityscapes_clsconfset*.txt'),
)


class Found(NamedTuple):
    """Splits of one folder, with the validation lists beside them."""

    folder: Path
    dataset: str
    protocol: str
    splits: list[Split]
    val: dict[str, list[str]]


def image_of(line: str) -> str:
    """The image of a line, which may name a mask, too."""
    pair = _PAIR.fullmatch(line)
    return pair[1] if pair else line


def stem_of(line: str) -> str:
    """The image of a line, as our lists name it."""
    return _SUFFIX.sub('', _PREFIX.sub('', image_of(line).lstrip('/')))


def read_stems(path: Path) -> list[str]:
    """Images of a list, as our lists name them.

    Raises:
        UsageError: if two lines come to one name.
    """
    lines = read_list(str(path))
    first: dict[str, str] = {}
    for line in lines:
        stem = stem_of(line)
        if stem in first:
            raise UsageError(
                f'{path}: the lines {first[stem]!r} and {line!r} both name '
                f'the image {stem!r}, since lists hold no suffixes. Rename '
                'one of the two images'
            )
        first[stem] = line
    return list(first)


def endings(paths: list[Path]) -> Counter:
    """How many lines of some lists end with each suffix."""
    found: Counter = Counter()
    for path in paths:
        for line in read_list(str(path)):
            ending = _SUFFIX.search(image_of(line))
            found[ending[2] if ending else ''] += 1
    return found


def _dataset_of(stems: list[str]) -> str:
    return 'cityscapes' if _CITYSCAPES.fullmatch(stems[0]) else 'voc12'


def _read_numbered(folder: Path) -> list[Split]:
    """``<ratio>_labeled_<k>.txt``; l and r subsets share the other list."""
    lists: dict[tuple, list[str]] = {}
    for path in sorted(folder.glob('*_*.txt')):
        match = _DST_CBC.fullmatch(path.name)
        if match:
            lists[match['ratio'], match['k'], match['kind']] = read_stems(path)
    splits = []
    for ratio, k, kind in lists:
        if kind != 'labeled':
            continue
        whole = re.sub('-[lr]$', '', ratio)
        other = lists.get((whole, k, 'unlabeled'))
        if other is None and whole != ratio:
            other = _unlabeled_nearby(folder, f'{whole}_unlabeled_{k}.txt')
        if other is None and ratio != '1':
            raise UsageError(
                f'{folder}: {ratio}_labeled_{k}.txt has no '
                f'{whole}_unlabeled_{k}.txt beside it. Put it there'
            )
        splits.append(
            Split(f'{ratio}_{k}', lists[ratio, k, kind], other or [])
        )
    return splits


def _unlabeled_nearby(folder: Path, name: str) -> list[str] | None:
    found = sorted(folder.parent.glob(f'*/{name}'))
    found = [path for path in found if 'city' not in path.parent.name.lower()]
    return read_stems(found[0]) if found else None


def _read_folders(folder: Path) -> list[Split]:
    """``<name>/{labeled,unlabeled}.txt``."""
    splits = []
    for path in sorted(folder.glob(f'*/{LABELED}')):
        other = path.with_name(UNLABELED)
        splits.append(
            Split(path.parent.name, read_stems(path), read_stems(other))
        )
    return splits


def _read_crst(folder: Path) -> list[Split]:
    """Lists of source and target images, named after the number of these."""
    found = [
        [path for pattern in patterns for path in folder.glob(pattern)]
        for patterns in _CRST
    ]
    if not any(found):
        return []
    for paths, patterns in zip(found, _CRST):
        if len(paths) != 1:
            raise UsageError(
                f'{folder}: {len(paths)} lists named {" or ".join(patterns)}; '
                'the lists of CRST are one of source and one of target '
                'images. Put both there'
            )
    source, target = (read_stems(paths[0]) for paths in found)
    return [Split(str(len(target)), source, target)]


def find(source: Path) -> list[Found]:
    """All splits in a folder and below it.

    Raises:
        UsageError: if there are none.
    """
    if not source.is_dir():
        raise UsageError(f'{source}: no such folder')
    found = []
    for folder in [source] + sorted(
        p for p in source.rglob('*') if p.is_dir()
    ):
        numbered, named = _read_numbered(folder), _read_folders(folder)
        adaptation = _read_crst(folder)
        if adaptation:
            found.append(
                Found(folder, 'gta5_to_cityscapes', 'crst', adaptation, {})
            )
        if not numbered and not named:
            continue
        protocol = 'dst_cbc'
        if named:
            first = next(folder.glob(f'*/{LABELED}'))
            pairs = _PAIR.fullmatch(read_list(str(first))[0])
            protocol = 'unimatch' if pairs else 'u2pl'
        splits = numbered + named
        val = {
            path.stem: read_stems(path)
            for path in sorted(folder.glob('val*.txt'))
        }
        found.append(
            Found(
                folder, _dataset_of(splits[0].labeled), protocol, splits, val
            )
        )
    found = _apart(found)
    if not found:
        raise UsageError(
            f'{source}: neither <ratio>_labeled_<k>.txt nor <name>/{LABELED} '
            'nor lists of CRST are in it. Name the folder that holds the '
            'lists'
        )
    return found


def _apart(found: list[Found]) -> list[Found]:
    """Splits of several folders under names of their own.

    ``1_16/split_0`` and ``1_8/split_0`` would be written to one place.
    """
    places = Counter(
        (part.dataset, part.protocol, split.name)
        for part in found
        for split in part.splits
    )
    shared = {place[:2] for place, count in places.items() if count > 1}
    inside = [p.folder for p in found if (p.dataset, p.protocol) in shared]
    top = Path(osp.commonpath(inside)) if inside else Path()
    result = []
    for part in found:
        if part.folder in inside:
            above = part.folder.relative_to(top).as_posix()
            splits = [
                split._replace(name=osp.normpath(f'{above}/{split.name}'))
                for split in part.splits
            ]
            part = part._replace(splits=splits)
        result.append(part)
    return result


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


def write(
    found: Found, args: argparse.Namespace, val: dict[str, list[str]]
) -> None:
    folder = osp.join(args.out, found.dataset, args.protocol or found.protocol)
    val_stems = sorted({stem for stems in val.values() for stem in stems})
    write_splits(folder, found.splits, args.overwrite, val_stems)
    # A selection of val for choosing models, such as valtiny.
    selections = {
        name: stems for name, stems in found.val.items() if name != 'val'
    }
    write_lists(
        {
            osp.join(folder, f'{name}.txt'): stems
            for name, stems in selections.items()
        },
        args.overwrite,
    )
    for name, stems in selections.items():
        print(f'{folder}/{name}.txt: {len(stems)} images of val')


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('source', help='folder with lists')
    parser.add_argument('--out', default='data/splits')
    parser.add_argument(
        '--protocol',
        help='folder name instead of dst_cbc, u2pl, unimatch or crst',
    )
    parser.add_argument(
        '--data-root',
        nargs='+',
        default=[],
        metavar='DATASET=FOLDER',
        help='check that the files exist, e.g. voc12=data/VOCdevkit/VOC2012',
    )
    parser.add_argument(
        '--val',
        help='validation list that no image may be in; val*.txt '
        'beside the lists are used in any case',
    )
    parser.add_argument('--overwrite', action='store_true')
    args = parser.parse_args(argv)
    roots = dict(item.partition('=')[::2] for item in args.data_root)
    for name, folder in roots.items():
        if name not in _FILES or not osp.isdir(folder):
            raise UsageError(
                f'--data-root {name}={folder}: give an existing '
                f'folder for one of {", ".join(_FILES)}'
            )
    args.data_root = roots
    return args


def main(argv=None) -> None:
    args = parse_args(argv)
    found = find(Path(args.source))
    for part in found:
        check_files(part, args.data_root)
        kinds = endings(sorted(part.folder.glob('*/*labeled.txt')))
        if len(kinds) > 1:
            print(
                f'note: {part.folder}: images end with '
                + ', '.join(
                    f'{kind or "no suffix"} ({count})'
                    for kind, count in kinds.most_common()
                )
                + ', but a dataset has one img_suffix. Rename the images, or '
                'those with another suffix will not be found'
            )
    for part in found:
        val = dict(part.val)
        if args.val:
            val['given'] = read_stems(Path(args.val))
        write(part, args, val)


if __name__ == '__main__':
    try:
        main()
    except UsageError as error:
        sys.exit(f'error: {error}')
