"""Which files a labeled round consists of, as arrays and not as objects.

A round of ten million images would be gigabytes as a dictionary of names,
in every process. Here it is names as bytes and eight bytes a file, put
together on disk by one process.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmsemi.io.arrays import read_npz
from mmsemi.io.files import whole_file


class StoredFile(NamedTuple):
    """A file of a round: path below its folder, bytes, CRC-32."""

    name: str
    size: int
    checksum: int


class FileTable:
    """Size and checksum of the files of some images.

    Args:
        indices: (n,) numbers of the images in their data set.
        columns: ``{kind: (n, 2) uint32}``, size and CRC-32 of the file of
            each image; size 0 where none is noted yet.
    """

    def __init__(
        self,
        indices: Sequence[int] | np.ndarray,
        columns: dict[str, np.ndarray] | None = None,
    ) -> None:
        self.indices = np.asarray(indices, np.int64)
        self.columns = columns or {}

    def note(self, kind: str, row: int, size: int, checksum: int) -> None:
        """Remember the file of the image in a row; any thread may call it."""
        column = self.columns.get(kind)
        if column is None:  # another thread may be here, too
            column = self.columns.setdefault(
                kind, np.zeros((len(self.indices), 2), np.uint32)
            )
        column[row] = size, checksum

    def forget(self, kind: str) -> None:
        """Leave out the files of one kind."""
        self.columns.pop(kind, None)

    def save(self, folder: Path, name: str, stems: bytes = b'') -> None:
        """Write the table to a file.

        Args:
            folder: folder that must hold it.
            name: name of the file, with the suffix ``.npz``.
            stems: names of the images, one a line.
        """
        with whole_file(folder, name) as file:
            np.savez(
                file,
                indices=self.indices,
                stems=np.frombuffer(stems, np.uint8),
                **self.columns,
            )

    @classmethod
    def load(cls, path: Path) -> tuple['FileTable', bytes]:
        """Table and names from a file of :meth:`save`.

        Raises:
            ValueError, KeyError: if it is missing or damaged.
        """
        columns = read_npz(path)
        stems = columns.pop('stems').tobytes()
        return cls(columns.pop('indices'), columns), stems

    @classmethod
    def join(cls, tables: Sequence['FileTable']) -> 'FileTable':
        """One table of several, in the order of the data set."""
        indices = np.concatenate([table.indices for table in tables])
        order = np.argsort(indices, kind='stable')
        kinds = dict.fromkeys(k for table in tables for k in table.columns)
        # A process without images has no columns.
        columns = {
            kind: np.concatenate(
                [t.columns[kind] for t in tables if len(t.indices)]
            )[order]
            for kind in kinds
        }
        return cls(indices[order], columns)

    def digest(self, stems: bytes) -> str:
        """SHA-256 of names, sizes and checksums."""
        found = hashlib.sha256(stems)
        for kind in sorted(self.columns):
            found.update(kind.encode())
            found.update(np.ascontiguousarray(self.columns[kind]).data)
        return found.hexdigest()

    def __len__(self) -> int:
        return len(self.indices) * len(self.columns)

    def files(
        self, stems: bytes, rows: int = 4096
    ) -> Iterator[list[StoredFile]]:
        """All files, in parts of so many images.

        Args:
            stems: names of the images, one a line.
            rows: images a part.
        """
        text, first = memoryview(stems), 0
        ends = np.flatnonzero(np.frombuffer(stems, np.uint8) == ord('\n'))
        for start in range(0, len(self.indices), rows):
            last = ends[min(start + rows, len(ends)) - 1]
            names = str(text[first:last], 'utf-8').split('\n')
            first = last + 1
            yield [
                StoredFile(f'{kind}/{name}.png', size, checksum)
                for kind, column in self.columns.items()
                for name, (size, checksum) in zip(
                    names, column[start : start + rows].tolist()
                )
            ]
