"""One command at a time changes what a comparison has planned and told."""

import time
from pathlib import Path

from mmsemi.io.lock import FolderLock
from mmsemi.utils.errors import UsageError, WriteError

# Seconds: to plan many cells of a large data set takes minutes.
WAIT, TOLD_AFTER = 600, 3


def shortly(folder: Path) -> FolderLock:
    """The lock on a comparison, which no command holds while it trains.

    Raises:
        UsageError: if another command does not let go of it.
    """
    start, told = time.monotonic(), False
    while True:
        try:
            return FolderLock(folder, '--out')
        except UsageError as error:
            waited = time.monotonic() - start
            if isinstance(error, WriteError) or waited > WAIT:
                raise
        if waited > TOLD_AFTER and not told:
            told = True
            print(f'waiting for another command that uses {folder}')
        time.sleep(0.1)
