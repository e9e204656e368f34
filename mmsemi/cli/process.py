"""What a command sets before it imports torch: threads, and less noise.

Nothing of it is done for those who import mmsemi into their own programs.
"""

import ctypes
import errno
import logging
import math
import os
import sys
import warnings
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, TextIO

from mmsemi.utils.compat import silence_debug_prints

# Beginnings of warnings (regular expressions) which no user of mmsemi can
# do anything about: parts of mmcv and mmseg that are not used here, and
# choices that our configs make on purpose.
IRRELEVANT = (
    r'Fail to import ``MultiScaleDeformableAttention``',
    r'The draw is False, it means that the hook for visualization',
    r'Default ``avg_non_ignore`` is False',
    r'Unnecessary conv bias before batch/instance norm',
    r'For binary segmentation, we suggest using',
    # Of the heads of mmsegmentation 1.2 themselves.
    r'``build_loss`` would be deprecated soon',
)


# Of malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def prepare() -> None:
    """Set up the process of a command."""
    for stream in (sys.stdout, sys.stderr):
        # Names of files need not be text that can be printed.
        if hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='backslashreplace')
    sys.stdout, sys.stderr = lasting(sys.stdout), lasting(sys.stderr)
    # A log on a full disk is no reason for a traceback at each line.
    logging.raiseExceptions = False
    set_threads(os.environ)
    keep_memory(os.environ)
    silence_debug_prints()
    for beginning in IRRELEVANT:
        warnings.filterwarnings('ignore', message=beginning)


class _Lasting:
    """A stream that is written to after its reader is gone.

    ``tee`` ends at the Ctrl-C that a run saves its state for, and a terminal
    may be closed: what cannot be told any more must not stop the run.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise error
        # Also what waits to be written goes there.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def lasting(stream: Any) -> Any:
    """A standard stream whose reader may leave; None where there is none."""
    known = stream is None or isinstance(stream, _Lasting)
    return stream if known else _Lasting(stream)


def set_threads(environment: MutableMapping[str, str]) -> None:
    """Let threads wait without spinning, and start no more than can run.

    Threads that spin while they wait take the time of others: beside busy
    processes a training on a CPU takes a multiple of its time. OpenMP reads
    both settings when torch is imported. It follows the affinity of the
    process by itself, but knows nothing of a container's quota.

    Args:
        environment: of the process; what a user has set stays.
    """
    environment.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    quota = cpu_quota()
    if quota is not None and quota < available_cpus():
        environment.setdefault(
            'OMP_NUM_THREADS', str(max(1, math.floor(quota)))
        )


def keep_memory(environment: Mapping[str, str]) -> bool:
    """Let the process keep memory that it frees, to use it again.

    glibc gives large pieces back to the system at once, so that every step
    of a training has its maps cleared anew, page by page.

    Args:
        environment: of the process; a user who sets ``MALLOC_...`` or
            ``GLIBC_TUNABLES`` decides.

    Returns:
        Whether it was done: the C library is glibc.
    """
    decided = any(
        key.startswith('MALLOC_') or key == 'GLIBC_TUNABLES'
        for key in environment
    )
    if decided or not sys.platform.startswith('linux'):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    # Old versions of glibc take no threshold above 32 MiB.
    thresholds = (2**30, 2**25)
    known = any(mallopt(_M_MMAP_THRESHOLD, size) for size in thresholds)
    return bool(mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)) and known


def available_cpus() -> int:
    """Processors this process may run on."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_quota(root: str | Path = '/') -> float | None:
    """Processors' worth of time the control groups grant; None: no limit.

    Args:
        root: folder with ``proc`` and ``sys``.
    """
    proc, groups = Path(root, 'proc/self/cgroup'), Path(root, 'sys/fs/cgroup')
    try:
        lines = proc.read_text().splitlines()
    except OSError:
        return None
    found = []
    for line in lines:
        _, controllers, path = line.split(':', 2)
        second = not controllers
        if not second and 'cpu' not in controllers.split(','):
            continue
        base = groups if second else groups / controllers
        read = _quota_2 if second else _quota_1
        # Inside a container the path is often that of the host.
        place = Path(path.lstrip('/'))
        for folder in (base, *(base / p for p in (place, *place.parents))):
            value = read(folder)
            if value is not None:
                found.append(value)
    return min(found, default=None)


def _quota_2(folder: Path) -> float | None:
    try:
        quota, period = (folder / 'cpu.max').read_text().split()
        return None if quota == 'max' else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_1(folder: Path) -> float | None:
    try:
        quota = int((folder / 'cpu.cfs_quota_us').read_text())
        period = int((folder / 'cpu.cfs_period_us').read_text())
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
