"""Read the split lists that others published.

Known layouts: ``<ratio>_labeled_<k>.txt`` and ``<ratio>_unlabeled_<k>.txt``
(DST-CBC, DMT), ``<name>/{labeled,unlabeled}.txt`` (U2PL, UniMatch, CPS), and
``gta5/train.lst`` with ``cityscapes/train_ClsConfSet.lst``, or the same as
``gta5_train*.txt`` and ``cityscapes_clsconfset*.txt`` (CRST: source and target
images). Trees of several such folders (ST++'s <dataset>/<ratio>/split_<k>)
keep their folders' names. A line is an image id, an image path, or an image
and a mask path.
"""

import os.path as osp
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from mmsemi.datasets.splits import LABELED, UNLABELED, read_list
from mmsemi.utils.errors import UsageError

from .splits import Split

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
