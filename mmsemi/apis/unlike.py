"""Look for images without a mask that look like none with one."""

from collections.abc import Sequence

import numpy as np

from mmsemi.doctor.findings import Finding
from mmsemi.doctor.photos import Photo
from mmsemi.doctor.unlike import (
    KIND,
    appearance,
    are_far,
    check_unlike,
    distances,
    is_comparable,
)
from mmsemi.prepare.masks import in_threads
from mmsemi.prepare.pairing import Pairs

from .diagnosis import Diagnosis

# As many images of either kind tell whether there are any.
_SAMPLE = 1000


def find_unlike(
    pairs: Pairs, photos: Sequence[Photo], threads: int
) -> list[Finding]:
    """What there is to say; looks at some images where there are many."""
    labeled, unlabeled = _comparable(pairs, photos)
    if not labeled or not unlabeled:
        return []
    unlabeled = _some(unlabeled)
    return check_unlike(unlabeled, _compare(labeled, unlabeled, threads))


def unlike_labeled(diagnosis: Diagnosis, threads: int = 8) -> set[str]:
    """Files without a mask that look like none with one.

    None where the doctor found none.
    """
    if all(finding.kind != KIND for finding in diagnosis.findings):
        return set()
    labeled, unlabeled = _comparable(diagnosis.pairs, diagnosis.photos)
    far = are_far(_compare(labeled, unlabeled, threads))
    return {file for file, is_far in zip(unlabeled, far) if is_far}


def _comparable(
    pairs: Pairs, photos: Sequence[Photo]
) -> tuple[list[str], list[str]]:
    """Files with and without a mask."""
    files: tuple[list[str], list[str]] = ([], [])
    for pair, photo in zip(pairs.pairs, photos):
        if is_comparable(photo):
            files[not pair.masks].append(pair.image)
    return files


def _compare(
    labeled: list[str], unlabeled: list[str], threads: int
) -> np.ndarray:
    labeled = _some(labeled)
    files = [*labeled, *unlabeled]
    looks = np.stack(
        in_threads(appearance, files, 'comparing images', threads)
    )
    return distances(looks[len(labeled) :], looks[: len(labeled)])


def _some(files: list[str]) -> list[str]:
    """Evenly spaced ones of many."""
    if len(files) <= _SAMPLE:
        return files
    return [
        files[i] for i in np.linspace(0, len(files) - 1, _SAMPLE, dtype=int)
    ]
