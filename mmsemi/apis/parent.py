"""Let a process end with the one that has started it."""

import os
import signal
import threading
import time

# Seconds to save what is there.
PATIENCE = 60


def end_with_parent(patience: float = PATIENCE) -> None:
    """End this process when the other end of its standard input is closed.

    It is to be a pipe of which nobody but the parent holds the other end; the
    system closes that however the parent ends. This process gets SIGTERM
    then, and SIGKILL with all it has started if it goes on.

    Args:
        patience: seconds between the two signals.
    """
    watch = threading.Thread(target=_watch, args=(patience,), daemon=True)
    watch.start()


def _watch(patience: float) -> None:
    try:
        # Not by sys.stdin, whose lock would be held when Python ends.
        while os.read(0, 1024):
            pass
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
