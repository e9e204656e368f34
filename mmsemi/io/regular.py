"""Files, and what only looks like one in a folder."""

import errno
import os
import stat
from pathlib import Path


def refuse_special(path: str | Path) -> None:
    """Refuse what may never end, or never begin, when it is read.

    A pipe in a folder of images would be waited for without end, and a link
    to ``/dev/zero`` read until the memory is full.

    Args:
        path: to be opened; links are followed.

    Raises:
        OSError: if there is nothing of that name, or a pipe, socket or device.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(
            errno.EINVAL, 'it is a pipe, socket or device, no file', str(path)
        )
