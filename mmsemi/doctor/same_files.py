"""One image under several names: links make two lists overlap in silence."""

import os
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from mmsemi.datasets.splits import more
from mmsemi.utils.errors import UsageError

from .lists import ImageList

# Longer lists are left out: to ask for every file takes long on a network.
MOST = 100_000
_PLACE = np.dtype([('device', np.uint64), ('file', np.uint64)])


def places(paths: Sequence[str]) -> np.ndarray:
    """Where files lie on which disk: equal for names of one file.

    Args:
        paths: of files that exist.

    Returns:
        (N,) records; all 0 where a file system does not number its files.
    """
    low = 2**64 - 1
    found = np.zeros(len(paths), _PLACE)
    for k, path in enumerate(paths):
        stat = os.stat(path)
        if stat.st_ino:
            found[k] = stat.st_dev & low, stat.st_ino & low
    return found


def check_same_files(lists: Sequence[ImageList], partly: set[str]) -> list:
    """Stop where two lists for different purposes hold one file.

    Args:
        lists: whose files exist; those of more than :data:`MOST` are not
            looked at.
        partly: lines of images that may be labeled and unlabeled.

    Returns:
        Lines for the log: files that one list names more than once.

    Raises:
        UsageError: naming both lists and the file's names in them.
    """
    found = [
        (images, places(images.images))
        for images in lists
        if len(images.images) <= MOST
    ]
    for (a, first), (b, second) in combinations(found, 2):
        if a.role == b.role:
            continue
        both, mine, theirs = np.intersect1d(first, second, return_indices=True)
        pairs = [
            (a.images[i], b.images[j])
            for place, i, j in zip(both, mine, theirs)
            if place['file']
        ]
        if {a.role, b.role} == {'labeled', 'unlabeled'}:
            pairs = [pair for pair in pairs if a.stem(pair[0]) not in partly]
        # Some file systems of networks number files anew all the time.
        pairs = [pair for pair in pairs if os.path.samefile(*pair)]
        if pairs:
            one, other = pairs[0]
            raise UsageError(
                f'{one}, of the {a.role} images ({a.source}), and {other}, '
                f'of the {b.role} images ({b.source}), are one file'
                f'{more(pairs)}. Remove it from one of the two lists'
            )
    return [note for images, of in found if (note := _repeated(images, of))]


def _repeated(images: ImageList, of: np.ndarray) -> str | None:
    """A line about files that a list names more than once."""
    known, index, counts = np.unique(of, return_index=True, return_counts=True)
    again = index[(counts > 1) & (known['file'] > 0)]
    if not len(again):
        return None
    first = of == of[again[0]]
    names = [images.images[k] for k in np.flatnonzero(first)[:2]]
    return (
        f'{images.role} images ({images.source}): {names[0]} and {names[1]} '
        f'are one file{more(again)}, which counts as often as it is named'
    )
