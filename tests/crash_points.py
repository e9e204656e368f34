"""Every instant at which a run changes its work dir, to be killed at it."""

import builtins
import io
import os
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from tests.tiny import Killed

CHANGES = ('replace', 'rename', 'remove', 'unlink', 'rmdir', 'mkdir')


class CrashPoints:
    """Count changes below a folder; at one of them the process is dead.

    A point is an opening for writing, one of the first two writes to a file
    (of which half arrives) or a
    rename, removal or making of a file or folder. Once dead, nothing reaches
    the disk any more, whatever ``finally`` blocks try.

    Args:
        root: the folder.
        fatal: number of the point to die at; None only counts.
    """

    def __init__(self, root: Path, fatal: int | None = None) -> None:
        self.root, self.fatal = str(root), fatal
        self.points: list[str] = []
        self.dead = False

    def _concerns(self, path) -> bool:
        if not isinstance(path, (str, os.PathLike)):
            return False
        path = os.path.abspath(os.fspath(path))
        # Log files are written by the logging module, line by line.
        return path.startswith(self.root) and not path.endswith('.log')

    def reach(self, what: str, path, half: Callable = lambda: None) -> None:
        if self.dead:
            raise Killed
        self.points.append(f'{what} {Path(path).name}')
        if len(self.points) - 1 == self.fatal:
            half()
            self.dead = True
            raise Killed

    @contextmanager
    def watching(self):
        real_open = builtins.open

        def opened(file, mode='r', *args, **kwargs):
            if not self._concerns(file) or not set(mode) & set('wax+'):
                return real_open(file, mode, *args, **kwargs)
            self.reach('open', file)
            return _File(real_open(file, mode, *args, **kwargs), file, self)

        def watched(name):
            function = getattr(os, name)

            def call(path, *args, **kwargs):
                if self._concerns(path):
                    self.reach(name, path)
                return function(path, *args, **kwargs)

            return patch.object(os, name, call)

        patches = [
            patch.object(builtins, 'open', opened),
            patch.object(io, 'open', opened),
            *map(watched, CHANGES),
        ]
        for one in patches:
            one.start()
        try:
            yield self
        finally:
            for one in patches[::-1]:
                one.stop()


class _File:
    def __init__(self, file, path, points: CrashPoints) -> None:
        self.file, self.path, self.points = file, path, points
        self.writes = 0

    def write(self, content):
        self.writes += 1
        if self.writes > 2 and not self.points.dead:
            return self.file.write(content)
        half = content[: len(content) // 2]

        def arrive():
            self.file.write(half)
            self.file.flush()

        self.points.reach('write', self.path, arrive)
        return self.file.write(content)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def __iter__(self):
        return iter(self.file)
