"""Names of images, held as bytes."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np


class Names(Sequence):
    """Names without line breaks; each takes its length and nine bytes.

    Args:
        names: of images.
    """

    def __init__(self, names: Iterable[str]) -> None:
        text = ''.join(f'{name}\n' for name in names).encode()
        self.text = np.frombuffer(text, np.uint8)
        self.ends = np.flatnonzero(self.text == ord('\n'))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return Names(self.all()[index])
        position = range(len(self))[index]
        start = self.ends[position - 1] + 1 if position else 0
        return self.text[start : self.ends[position]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        return iter(self.all())

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
