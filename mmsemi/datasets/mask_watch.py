"""Which masks a training opens, seen by Python itself.

A certificate that no mask of an unlabeled image was read must not depend on
the code that could read one. Python tells its audit hooks (PEP 578) of every
file that is opened, whoever opens it, also in the processes that load data.
"""

import mmap
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import cv2
import numpy as np

SHOWN = 20
_present: 'MaskWatch | None' = None
_listening = False


class MaskWatch:
    """Notes which of some files are opened, by this process and its forks.

    Every file has one byte in memory that forks share, so what is kept does
    not grow. Files are opened through Python (``open``, PIL, numpy, torch,
    mmengine and mmcv) or by ``cv2.imread``; those a library opens in C are
    not seen. A file is the same however a path to it is spelled, see
    :func:`key`.

    Args:
        files: makes the paths of each group, anew at each call.
    """

    def __init__(
        self, files: Mapping[str, Callable[[], Iterable[str]]]
    ) -> None:
        self.files = files
        self.hashes, self.places = {}, {}
        start = 0
        for group, paths in files.items():
            hashes = np.fromiter((hash(key(p)) for p in paths()), np.int64)
            hashes = self.hashes[group] = np.unique(hashes)
            self.places[group] = slice(start, start + len(hashes))
            start += len(hashes)
        self.memory = mmap.mmap(-1, max(start, 1))
        self.flags = np.frombuffer(self.memory, np.uint8)

    def __enter__(self) -> 'MaskWatch':
        global _present, _listening
        if not _listening:
            # Audit hooks stay until the process ends.
            sys.addaudithook(_heard)
            _listening = True
        self.imread = cv2.imread
        _present = self

        def imread(filename, *args, **kwargs):
            self.note(filename)
            return self.imread(filename, *args, **kwargs)

        cv2.imread = imread
        return self

    def __exit__(self, *error) -> None:
        global _present
        _present = None
        cv2.imread = self.imread

    def note(self, path) -> None:
        """A file is opened."""
        value = hash(key(os.fspath(path)))
        for group, hashes in self.hashes.items():
            place = int(np.searchsorted(hashes, value))
            if place < len(hashes) and hashes[place] == value:
                self.flags[self.places[group].start + place] = 1

    def opened(self, group: str) -> int:
        """How many files of a group were opened, each counted once."""
        return int(np.count_nonzero(self.flags[self.places[group]]))

    def names(self, group: str, most: int = SHOWN) -> list[str]:
        """The first files of a group that were opened."""
        flags = self.flags[self.places[group]]
        if not flags.any():
            return []
        seen = set(self.hashes[group][flags.astype(bool)].tolist())
        known = ((hash(key(path)), path) for path in self.files[group]())
        found = {value: path for value, path in known if value in seen}
        return sorted(found.values())[:most]


def key(path: str | bytes) -> str:
    """The file that a path leads to, however it is spelled.

    Links are followed, those of the file itself as well; another hard link
    is another file.
    """
    folder, name = os.path.split(os.fsdecode(path))
    if not os.path.isabs(folder):
        folder = os.path.join(os.getcwd(), folder)
    found = f'{_real(folder)}/{name}'
    # Cheaper than to follow all folders again for each file.
    return os.path.realpath(found) if os.path.islink(found) else found


@lru_cache(maxsize=4096)
def _real(folder: str) -> str:
    return os.path.realpath(folder)


def _heard(event: str, arguments: tuple) -> None:
    """What Python tells; an error here would keep a file from opening."""
    if event == 'open' and _present is not None:
        try:
            if not isinstance(arguments[0], int):
                _present.note(arguments[0])
        except (OSError, TypeError, ValueError):
            pass
