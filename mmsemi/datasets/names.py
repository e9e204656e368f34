"""Names of images, held as bytes."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice

import numpy as np

from mmsemi.utils.errors import UsageError

# Names that are Python objects at a time.
PIECE = 65536


class Names(Sequence):
    """Names without line breaks; each takes its length and nine bytes.

    Args:
        names: of images, or their text in UTF-8 with a line break behind
            each.

    Raises:
        UsageError: if a name holds a line break, or is no text in UTF-8.
    """

    def __init__(self, names: Iterable[str] | bytes) -> None:
        if not isinstance(names, bytes):
            names = b''.join(_lines(names))
        self.text = np.frombuffer(names, np.uint8)
        self.ends = np.flatnonzero(self.text == ord('\n'))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index):
        if isinstance(index, slice):
            first, last, step = index.indices(len(self))
            if step != 1:
                return Names(self.all()[index])
            begun = self.ends[first - 1] + 1 if first else 0
            end = self.ends[last - 1] + 1 if last > first else begun
            return Names(self.text[begun:end].tobytes())
        position = range(len(self))[index]
        start = self.ends[position - 1] + 1 if position else 0
        return self.text[start : self.ends[position]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        begun = 0
        for last in range(PIECE - 1, len(self) + PIECE - 1, PIECE):
            end = self.ends[min(last, len(self) - 1)]
            yield from self.text[begun:end].tobytes().decode().split('\n')
            begun = end + 1

    def all(self) -> list[str]:
        """All names."""
        return self.text.tobytes().decode().split('\n')[:-1]

    @cached_property
    def hash(self) -> str:
        """SHA-256: the order counts, line ends do not."""
        return hashlib.sha256(self.text).hexdigest()

    @cached_property
    def repeated(self) -> list[str]:
        """Names that are there more than once, in order."""
        names = self.all()
        if len(set(names)) == len(names):
            return []
        return [name for name, count in Counter(names).items() if count > 1]


def _lines(names: Iterable[str]) -> Iterator[bytes]:
    """Pieces of the text of names."""
    names = iter(names)
    while piece := list(islice(names, PIECE)):
        try:
            text = '\n'.join([*piece, '']).encode()
        except UnicodeEncodeError as error:
            wrong = next(name for name in piece if not _in_utf_8(name))
            raise UsageError(
                f'{os.fsencode(wrong)!r}: the name of an image is no text in '
                'UTF-8. Rename the file'
            ) from error
        if text.count(b'\n') != len(piece):
            wrong = next(name for name in piece if '\n' in name)
            raise UsageError(
                f'{wrong!r}: the name of an image holds a line break. Rename '
                'the file'
            )
        yield text


def _in_utf_8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
