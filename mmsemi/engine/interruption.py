"""SIGTERM and Ctrl-C: save where the run stands, and end within seconds."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds until a process that waits for others, which have ended, ends too.
PATIENCE = 10


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop, and stopped at a point it resumes from.

    Attributes:
        number: of the signal.
        advice: how to go on.
    """

    def __init__(
        self, number: int, advice: str = '--resume goes on from here'
    ) -> None:
        super().__init__(number)
        self.number, self.advice = number, advice

    @property
    def exit_code(self) -> int:
        """As shells report it: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self.number


class Interruption:
    """A wish to stop, and whether it can be granted at once.

    The first process stops at the end of an iteration, which it saves, and
    anywhere else at once. The others only take note: they stop when the
    first one has left, since stopping on their own could leave it waiting in
    the middle of a step.

    Attributes:
        number: signal that came, None before.
        busy: whether a step is under way; a function without arguments.
        saving: whether a file is being written that must not be cut short.
    """

    def __init__(self, first: bool = True, alone: bool = True) -> None:
        self.first, self.alone = first, alone
        self.number: int | None = None
        self.busy: Callable[[], bool] = lambda: False
        self.saving = False
        self.pid = os.getpid()

    @contextmanager
    def armed(self) -> Iterator['Interruption']:
        """Listen to signals meanwhile, in the main thread only."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {
            number: signal.signal(number, self._handle)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)

    def check(self) -> None:
        """Stop here if that was asked for; a good point to call it at."""
        if self.number is not None and self.first:
            raise Interrupted(self.number)

    def _handle(self, number: int, frame) -> None:
        if os.getpid() != self.pid:
            # Clusters and terminals tell the processes that load data, too.
            # They work on for the iteration that is to be saved.
            if hasattr(signal, 'alarm'):
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(PATIENCE)
            return
        if self.number is not None:  # asked twice
            if number == signal.SIGINT and not self.saving:
                raise Interrupted(number)
            return
        self.number = number
        if not self.alone:
            threading.Thread(target=self._leave, daemon=True).start()
        if self.first and not self.saving and not self.busy():
            raise Interrupted(number)

    def _leave(self) -> None:
        time.sleep(PATIENCE if not self.first else 2 * PATIENCE)
        while self.saving:
            time.sleep(0.1)
        sys.stdout.flush()
        os._exit(128 + (self.number or signal.SIGTERM))
