"""One command at a time changes what a comparison has planned and told."""

import time
from pathlib import Path

from mmsemi.io.lock import FolderLock, InUse

# Seconds: to plan many cells of a large data set takes minutes.
WAIT, TOLD_AFTER = 600, 3


def shortly(folder: Path) -> FolderLock:
    """The lock on a comparison, which no command holds while it trains.

    Raises:
        InUse: if another command does not let go of it.
        UsageError: if the folder cannot be locked.
    """
    start, told = time.monotonic(), False
    while True:
        try:
            return FolderLock(folder, '--out')
        except InUse:
            waited = time.monotonic() - start
            if waited > WAIT:
                raise
        if waited > TOLD_AFTER and not told:
            told = True
            print(f'waiting for another command that uses {folder}')
        time.sleep(0.1)
