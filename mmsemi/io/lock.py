"""One run at a time in a work dir."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from mmsemi.utils.errors import UsageError, WriteError

from .files import cannot_write

try:
    import fcntl
except ImportError:  # Windows has none: the file alone tells
    fcntl = None  # type: ignore[assignment]

LOCK = '.run.lock'
# What a link leads to would be written over.
_OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, 'O_NOFOLLOW', 0)


class InUse(UsageError):
    """Another process holds a lock; it may let go of it."""


class FolderLock:
    """A lock on a folder that ends with the process that holds it.

    The system's lock (``flock``) decides; the file also names host and
    process, for people and for file systems that have no locks. There, one
    whose process is gone from this host is stale.

    Args:
        folder: made if it is missing.
        option: that names another folder.

    Raises:
        InUse: if another process holds it.
        UsageError: if something else lies where the folder or its lock is
            to be.
        WriteError: if the folder cannot be written to.
    """

    def __init__(self, folder: str | Path, option: str = '--work-dir') -> None:
        self.path = Path(folder) / LOCK
        self.option = option
        self.handle: int | None = None
        refuse_file(folder, option)
        refuse_link(self.path)
        self.made = missing_folders(self.path.parent)
        while True:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.handle = os.open(self.path, _OPEN, 0o644)
                self._take()
            except OSError as error:
                if self.made:
                    self.withdraw()
                self._close()
                raise WriteError(cannot_write(self.path, error)) from error
            if self._is_there():
                break
            self._close()  # who held it has just removed the file
        if hasattr(os, 'register_at_fork'):
            # Processes that load data may outlive a killed one for a while.
            os.register_at_fork(after_in_child=self._close)

    def _take(self) -> None:
        locked = False
        holder = self._holder()
        if fcntl is not None:
            try:
                fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                locked = True
            except BlockingIOError:
                self._refuse(holder)
            except OSError:
                pass  # no locks on this file system
        if not locked and holder and _alive(holder):
            # Only the system would know for certain.
            self._refuse(holder, f'. If it has ended, remove {self.path}')
        me = dict(
            host=socket.gethostname(),
            process=os.getpid(),
            since=time.strftime('%Y-%m-%d %H:%M:%S'),
        )
        os.ftruncate(self.handle, 0)
        os.pwrite(self.handle, json.dumps(me).encode(), 0)

    def _holder(self) -> dict:
        try:
            content = json.loads(os.pread(self.handle, 4096, 0))
            return content if isinstance(content, dict) else {}
        except (OSError, ValueError, RecursionError):
            return {}

    def _refuse(self, holder: dict, more: str = '') -> None:
        self._close()
        who = 'another process'
        if holder:
            who = (
                f'process {holder.get("process")} on '
                f'{holder.get("host")}, since {holder.get("since")}'
            )
        raise InUse(
            f'{self.path.parent} is in use by {who}. Wait for it or stop it, '
            f'or choose another {self.option}{more}'
        )

    def _close(self) -> None:
        handle, self.handle = self.handle, None
        if handle is not None:
            try:
                os.close(handle)
            except OSError:
                pass

    def _is_there(self) -> bool:
        """Whether the file that is locked is the one others would find."""
        try:
            return os.path.samestat(os.fstat(self.handle), self.path.stat())
        except FileNotFoundError:
            return False

    def withdraw(self) -> None:
        """Leave the folder as it was found; nothing was written to it."""
        self.path.unlink(missing_ok=True)
        for folder in self.made:
            try:
                folder.rmdir()
            except OSError:  # it holds something
                break
        self._close()

    def release(self) -> None:
        """Let others in; the folder keeps an empty lock file."""
        if self.handle is not None:
            try:
                os.ftruncate(self.handle, 0)
            except OSError:
                pass
        self._close()

    def __enter__(self) -> 'FolderLock':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


@contextmanager
def withdrawn(lock: FolderLock, begun: Callable[[], bool]) -> Iterator[None]:
    """Let what is refused leave no trace of its lock.

    Args:
        lock: on a folder.
        begun: whether the folder holds a run, whose lock file stays.
    """
    try:
        yield
    except UsageError:
        if not begun():
            lock.withdraw()
        raise


def refuse_file(folder: str | Path, option: str = '--work-dir') -> None:
    """Refuse a folder that cannot be one.

    Raises:
        UsageError: naming the file that lies in its place.
    """
    for place in (Path(folder), *Path(folder).parents):
        if place.exists() and not place.is_dir():
            raise UsageError(
                f'{place} is a file, so {folder} cannot be a folder. Choose '
                f'another {option}'
            )


def refuse_link(path: Path) -> None:
    """Refuse a lock file that nobody who locks has made.

    Raises:
        UsageError: if it is a link, a pipe or a folder.
    """
    if path.is_symlink() or path.exists() and not path.is_file():
        raise UsageError(
            f'{path} is no ordinary file, as a run makes it to keep others '
            'out of its folder. Remove it'
        )


def missing_folders(folder: Path) -> list[Path]:
    """Those of a path that are not there, the innermost first."""
    return [place for place in (folder, *folder.parents) if not place.exists()]


def _alive(holder: dict) -> bool:
    """Whether the process a lock file names may still run."""
    if holder.get('host') != socket.gethostname():
        return True
    try:
        os.kill(int(holder['process']), 0)
    except ProcessLookupError:
        return False
    except (KeyError, TypeError, ValueError, OverflowError):
        return False
    except OSError:
        return True
    return True
