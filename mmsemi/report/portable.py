"""Paths of a report as they are on any machine."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmsemi.io.package_configs import config_folder

# Absolute paths of at least two parts, and no URLs; of others' machines, too.
_POSIX = re.compile(
    r'(?<![\w.~:/\\<-])/(?:[^\s/\'"|,;()`]+/)+[^\s/\'"|,;()`]*'
)
_WINDOWS = re.compile(
    r'(?<!\w)[A-Za-z]:\\(?:[^\s\\\'"|,;()`]+\\)*[^\s\\\'"|,;()`]*'
)


class PortablePaths:
    """Takes out of a report what only the machine of its runs has.

    The folder of the comparison goes by its name, what lies in the
    repository or in the working directory by its place there, and of other
    absolute paths the last part is told.

    Args:
        folder: of the comparison.
        commands: that made it; the name of the folder may have been typed in
            another way.
    """

    def __init__(self, folder: Path, commands: Sequence[str] = ()) -> None:
        self.name = folder.resolve().name
        typed = {str(folder), str(folder.resolve()), *map(_out, commands)}
        typed = {path.rstrip('/') for path in typed} - {'', '.', self.name}
        self.own = sorted(typed, key=len, reverse=True)
        self.roots = sorted(
            {str(Path.cwd()), str(config_folder('mmsemi').parent)},
            key=len,
            reverse=True,
        )

    def __call__(self, value: Any) -> Any:
        """A copy of plain data (or a text) with other paths."""
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """A text with other paths."""
        for path in self.own:
            end = r'(?![\w.-])'
            found = rf'(?<![\w./-]){re.escape(path)}{end}'
            text = re.sub(found, lambda _: self.name, text)
        for root in self.roots:
            text = re.sub(rf'(?<![\w./-]){re.escape(root)}/', '', text)
        text = _POSIX.sub(lambda found: _short(found[0], '/'), text)
        return _WINDOWS.sub(lambda found: _short(found[0], '\\'), text)


def _out(command: str) -> str:
    """What a command names as its folder."""
    words = shlex.split(command)
    place = words.index('--out') + 1 if '--out' in words else len(words)
    return words[place] if place < len(words) else ''


def _short(path: str, separator: str) -> str:
    return '.../' + path.rstrip(separator).rpartition(separator)[2]
