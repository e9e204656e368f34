"""Why a cell of a comparison failed, in one sentence."""

import errno
import shutil
import signal
import sys
import traceback
from pathlib import Path

from mmsemi.io.files import describe

# Bytes below which a disk is full.
LEAST = 65536


def logged(log: Path, error: Exception) -> str:
    """A sentence on an error nobody foresaw; its traceback is in the log."""
    lines = traceback.format_exception_only(error)
    sentence = ' '.join(''.join(lines).split())
    trace = ''.join(traceback.format_exception(error))
    try:
        with open(log, 'a', errors='replace') as file:
            file.write(trace)
    except OSError:
        print(trace, file=sys.stderr)
        return sentence
    return f'{sentence} (see {log})'


def last_sentence(log: Path, code: int, begin: int = 0) -> str:
    """What a child said last: its error, or the end of its traceback.

    Args:
        log: of all children of a cell.
        code: that it ended with.
        begin: where it began to write.
    """
    with open(log, 'rb') as file:
        file.seek(max(begin, log.stat().st_size - 65536))
        lines = file.read().decode(errors='replace').splitlines()
    lines = [line.strip() for line in lines if line.strip()]
    for line in reversed(lines[-20:]):
        if line.startswith('error: '):
            return line.removeprefix('error: ')
    if shutil.disk_usage(log.parent).free < LEAST:  # which it could not say
        return describe(OSError(errno.ENOSPC, ''), str(log.parent))
    if code < 0:
        return f'killed by {signal.Signals(-code).name}; see {log}'
    return f'{lines[-1] if lines else f"exit code {code}"} (see {log})'
