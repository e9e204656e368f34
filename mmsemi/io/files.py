"""Files that are whole or absent, and never outside the folder they belong to.

Every writer of the package goes through :func:`whole_file`: it checks where
the file would lie before anything is written, writes beside it, and renames
when everything is on disk. What was there before stays until then.
"""

import errno
import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from mmsemi.utils.errors import UsageError, WriteError

from .json_data import load_json

PARTIAL = '.partial'
LONGEST_NAME = 255  # bytes, on the usual file systems
REMEDIES = {
    errno.ENOSPC: 'the disk is full. Free some space',
    errno.EDQUOT: 'your quota of disk space is used up. Free some space',
    errno.EFBIG: 'the file is larger than the system allows. Raise the limit',
    errno.EACCES: 'there is no permission. Change it',
    errno.EPERM: 'there is no permission. Change it',
    errno.EEXIST: 'a file or a broken link is in the way. Remove it',
    errno.ENOTDIR: 'a file is where a folder should be. Remove it',
    errno.ELOOP: 'a symbolic link leads to itself. Remove it',
    errno.ENAMETOOLONG: 'the name is too long. Shorten it',
    errno.EROFS: 'the file system is read-only. Have it mounted for writing',
}


def check_name(root: str | Path, name: str | Path) -> PurePosixPath:
    """A relative name without ``..``, or an error that says so.

    Raises:
        UsageError: if a file of that name would lie outside ``root``.
    """
    parts = PurePosixPath(str(name).replace(os.sep, '/'))
    if parts.is_absolute() or '..' in parts.parts or not parts.parts:
        raise UsageError(
            f'{name!s} would be written outside {root}. Names of files are '
            'relative to it and hold no ..'
        )
    return parts


def inside(root: str | Path, name: str | Path) -> Path:
    """The file called ``name`` below ``root``, and nowhere else.

    Args:
        root: folder that must hold the file.
        name: path relative to it, without ``..``.

    Raises:
        UsageError: if the file would lie outside, by an absolute name, by
            ``..`` or through a symbolic link to another folder.
    """
    root = Path(root)
    path = root / check_name(root, name)
    # The last part is replaced as a name, so only folders can lead away.
    folder = os.path.realpath(path.parent)
    base = os.path.realpath(root)
    if folder != base and not folder.startswith(base.rstrip(os.sep) + os.sep):
        raise UsageError(
            f'{path} would be written to {folder}, outside {root}: a '
            'symbolic link leads there. Remove the link'
        )
    return path


@contextmanager
def whole_file(
    root: str | Path, name: str | Path, sync: bool = True
) -> Iterator[Any]:
    """A binary file to write to, in place only when it is complete.

    Args:
        root: folder that must hold the file; made if it is missing.
        name: path relative to it.
        sync: wait until it is on disk, so that it also outlives a power
            failure. Files with a checksum elsewhere can do without.

    Raises:
        UsageError: if it would lie outside ``root``.
        WriteError: if it cannot be written, with the reason.
    """
    path = inside(root, name)
    partial = partial_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _opened(partial) as opened:
            file = _Writer(opened)
            try:
                yield file
            except Exception:
                # torch and zipfile report a full disk in words of theirs.
                if file.problem is not None:
                    raise file.problem from None
                raise
        publish(partial, path, sync)
    except OSError as error:
        partial_gone(partial)
        raise WriteError(cannot_write(path, error)) from error
    except Exception:
        partial_gone(partial)
        raise


def partial_of(path: Path) -> Path:
    """The file beside another that is written first and then renamed.

    A name that would be too long has a checksum in its place.
    """
    name, coded = path.name, os.fsencode(path.name)
    if len(coded) + len(PARTIAL) > LONGEST_NAME:
        name = hashlib.sha256(coded).hexdigest()
    return path.with_name(name + PARTIAL)


def _opened(partial: Path) -> BinaryIO:
    """A new file to write to: a link of its name could lead anywhere."""
    try:
        return open(partial, 'xb')
    except FileExistsError:
        partial.unlink()
        return open(partial, 'xb')


def publish(partial: Path, path: Path, sync: bool = True) -> None:
    """Give a complete file its name; ``partial`` lies in the same folder."""
    if sync:
        _sync(partial)
    os.replace(partial, path)
    if sync:
        _sync(path.parent)


def partial_gone(partial: Path) -> None:
    """Remove what an error left half-written."""
    try:
        partial.unlink(missing_ok=True)
    except OSError:
        pass


def write_bytes(
    root: str | Path, name: str | Path, content: bytes, sync: bool = True
) -> None:
    """Write bytes; see :func:`whole_file`."""
    with whole_file(root, name, sync) as file:
        file.write(content)


def write_text(root: str | Path, name: str | Path, content: str) -> None:
    """Write text as UTF-8, but names as they are; see :func:`whole_file`."""
    write_bytes(root, name, content.encode(errors='surrogateescape'))


def write_json(root: str | Path, name: str | Path, content: Any) -> None:
    """Write plain data as JSON, None for NaN and infinities."""
    write_text(root, name, json.dumps(finite(content), indent=1) + '\n')


def read_json(path: str | Path) -> dict[str, Any]:
    """Content of a JSON file with an object; empty where none is readable."""
    try:
        content = load_json(path)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_torch(root: str | Path, name: str | Path, content: Any) -> None:
    """Write what ``torch.save`` writes; see :func:`whole_file`."""
    import torch

    with whole_file(root, name) as file:
        torch.save(content, file)


def write_png(
    root: str | Path,
    name: str | Path,
    array: np.ndarray,
    compression: int = 3,
    sync: bool = False,
) -> bytes:
    """Write an image as PNG and return what was written.

    Args:
        root: folder that must hold the file.
        name: path relative to it.
        array: (H, W) uint8 or uint16, or (H, W, 3) uint8, BGR.
        compression: 0 (fast) to 9 (small).
        sync: see :func:`whole_file`.
    """
    import cv2

    done, content = cv2.imencode(
        '.png', array, [cv2.IMWRITE_PNG_COMPRESSION, compression]
    )
    if not done:
        raise WriteError(f'{Path(root) / name}: not an image PNG can hold')
    content = content.tobytes()
    write_bytes(root, name, content, sync)
    return content


def cannot_write(path: str | Path, error: OSError) -> str:
    """Why a file could not be written and what to do, in one sentence."""
    remedy = REMEDIES.get(error.errno or 0, error.strerror or str(error))
    return (
        f'{path} could not be written: {remedy}, or choose another folder. '
        'What was complete before is still there'
    )


def describe(error: OSError, folder: str | None = None) -> str:
    """A system error as a sentence with file and remedy, for commands.

    Args:
        error: that has stopped a command.
        folder: it writes to, where an error names no file, as that of a full
            disk does.
    """
    text = str(error)
    if text.startswith('Caught '):  # from a process that loads data
        text = text.strip().splitlines()[-1].partition(': ')[2]
    code = error.errno or next(
        (c for c in REMEDIES if text.startswith(f'[Errno {c}]')), 0
    )
    place = error.filename or text.partition("'")[2].rpartition("'")[0]
    place = place or folder
    reason = REMEDIES.get(code) or error.strerror or text
    return f'{place}: {reason}' if place else reason


def finite(value: Any) -> Any:
    """Plain data with None for NaN and infinities, which JSON has not."""
    if isinstance(value, dict):
        return {str(k): finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class _Writer:
    """A file that remembers why it could not be written."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.problem: OSError | None = None

    def write(self, content) -> int:
        try:
            return self.file.write(content)
        except OSError as error:
            self.problem = error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def _sync(path: Path) -> None:
    """Wait for a file or folder to be on disk, where the system can."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
    finally:
        os.close(handle)


def no_file(path: str | Path) -> str:
    """Why there is no file to read at a path, as the rest of a sentence."""
    if os.path.isdir(path):
        return 'is a folder, where a file is needed'
    if os.path.exists(path):
        return 'is no ordinary file'
    if os.path.islink(path):
        return f'is a symbolic link to {os.readlink(path)}, which is gone'
    return 'does not exist'
