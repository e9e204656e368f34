"""A disk that is full after some files, as programs see it."""

import builtins
import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch


class FullDisk:
    """Count files that are written below a folder; some may be the last.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.files = str(root) + os.sep, 0

    @contextmanager
    def after(self, number: int | None) -> Iterator[None]:
        """Let no byte reach the disk after so many files; None: all do."""
        real_open = builtins.open
        self.files = 0

        def opened(file, mode='r', *args, **kwargs):
            found = real_open(file, mode, *args, **kwargs)
            named = isinstance(file, (str, os.PathLike))
            if not named or not set(mode) & set('wax+'):
                return found
            if not os.path.abspath(file).startswith(self.root):
                return found
            self.files += 1
            full = number is not None and self.files > number
            return _Full(found) if full else found

        with patch.object(builtins, 'open', opened):
            yield


class _Full:
    """A file of which nothing more is stored."""

    def __init__(self, file) -> None:
        self.file = file

    def write(self, content) -> int:
        raise OSError(errno.ENOSPC, 'No space left on device')

    def __getattr__(self, name: str):
        return getattr(self.file, name)

    def __enter__(self):
        self.file.__enter__()
        return self

    def __exit__(self, *exception):
        return self.file.__exit__(*exception)


def contents(folder: Path) -> dict[str, str]:
    """Checksums of all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }
