"""List files as people write them, on any system."""

import codecs
import os
import os.path as osp
import posixpath
import re
import time
from unittest.mock import patch

import mmengine
from mmseg.datasets import BaseSegDataset

from mmsemi.utils.errors import UsageError

from .names import Names

_MARKS = (
    (codecs.BOM_UTF8, 'utf-8'),
    (codecs.BOM_UTF32_LE, 'utf-32'),  # begins as UTF-16's does
    (codecs.BOM_UTF16_LE, 'utf-16'),
    (codecs.BOM_UTF16_BE, 'utf-16'),
)
# A file changed later than this (ns) before it is read may change once more
# and look the same: clocks of file systems tick every few milliseconds.
_SETTLED = 10**8
_known: dict[str, tuple[tuple, Names]] = {}


def parse(path: str) -> list[str]:
    """Lines of a list file: stripped, without blank ones.

    Windows writes a byte order mark, UTF-16 (PowerShell's ``>``), carriage
    returns and backslashes; all are read as what they mean. ``./a`` and
    ``b/../a`` become ``a``.

    Raises:
        UsageError: if the file cannot be read as text.
    """
    try:
        with open(path, 'rb') as file:
            content = file.read()
    except OSError as error:
        raise UsageError(
            f'{path}: the list cannot be read ({error.strerror})'
        ) from error
    encoding = next((e for mark, e in _MARKS if content.startswith(mark)), '')
    try:
        text = content.decode(encoding or 'utf-8')
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b'\n') + 1
        raise UsageError(
            f'{path}, line {line}: this is not text in UTF-8. Save the list '
            'as UTF-8, one image a line'
        ) from error
    if '\0' in text:
        raise UsageError(
            f'{path}: this is no text, or text in UTF-16 without its mark. '
            'Save the list as UTF-8, one image a line'
        )
    # Files joined by `cat` have marks in the middle.
    text = text.replace('\ufeff', '').replace('\\', '/')
    lines = [line.strip() for line in re.split('\r\n|\r|\n', text)]
    return [
        posixpath.normpath(line) if './' in line or '//' in line else line
        for line in lines
        if line
    ]


def read_names(path: str) -> Names:
    """Names in a list file, see :func:`parse`.

    A start of a run asks for each list several times (to check it, to count
    epochs, for its record, for the data sets of training and labeling); it
    is read again only if the file has changed.

    Raises:
        UsageError: if the file cannot be read as text.
    """
    place = os.path.abspath(path)
    before = _state(place)
    if place in _known and _known[place][0] == before:
        return _known[place][1]
    names = Names(plain_text(place) or parse(path))
    if before and time.time_ns() - before[0] > _SETTLED:
        _known[place] = before, names
    return names


# What is not a name as it is: controls, backslashes, ./ and //, blank lines,
# and spaces around a name.
_UNPLAIN = re.compile(
    rb'[\x00-\x09\x0b-\x1f\\]|\./|//|(?:^|\n)[ \n]| (?:\n|$)'
)


def plain_text(path: str) -> bytes:
    """A list that holds names as they are and nothing else; else nothing.

    Millions of names are then never objects, which would be ten times as
    large.
    """
    try:
        with open(path, 'rb') as file:
            content = file.read()
    except OSError:
        return b''
    if not content.isascii() or _UNPLAIN.search(content):
        return b''
    if content and not content.endswith(b'\n'):
        content += b'\n'
    return content


def _state(path: str) -> tuple:
    """Changes when a file does; empty where there is none."""
    try:
        stat = os.stat(path)
    except OSError:
        return ()
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino


def read_lines(path: str) -> list[str]:
    """Lines of a list file; see :func:`read_names`."""
    return read_names(path).all()


def read_lists_as_written() -> None:
    """Let mmseg's datasets read their lists with :func:`read_lines`.

    They would look for an image behind a blank line, and take a byte order
    mark for a part of the first name.
    """
    plain = BaseSegDataset.load_data_list
    if hasattr(plain, 'reads_lists_as_written'):
        return

    def lines_of(filename, *args, **kwargs):
        if osp.isfile(filename):
            return read_lines(filename)
        return from_elsewhere(filename, *args, **kwargs)

    def load_data_list(self) -> list[dict]:
        with patch.object(mmengine, 'list_from_file', lines_of):
            return plain(self)

    from_elsewhere = mmengine.list_from_file
    load_data_list.reads_lists_as_written = True  # type: ignore
    load_data_list.__doc__ = plain.__doc__
    BaseSegDataset.load_data_list = load_data_list
