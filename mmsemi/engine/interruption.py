"""SIGTERM, Ctrl-C, a closed terminal: save, and end within seconds."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds until a process that waits for others, which have ended, ends too.
PATIENCE = 10
# SIGHUP comes when the terminal is closed, of a run started there.
WISHES = (
    signal.SIGTERM,
    signal.SIGINT,
    *filter(None, [getattr(signal, 'SIGHUP', None)]),
)


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
            number: signal.signal(number, self._handle) for number in heard()
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
        if os.getpid() != self.pid:  # one that loads data, just started
            _work_on(number)
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


def heard() -> list[int]:
    """The signals that are asked for, but for a SIGHUP as ``nohup`` has it.

    A signal that is ignored comes all the same where it is waited for.
    """
    usual = signal.SIGTERM, signal.SIGINT  # ignored in the background
    return [
        number
        for number in WISHES
        if number in usual or signal.getsignal(number) != signal.SIG_IGN
    ]


def keep_loading(then: Callable[[int], None] | None, worker_id: int) -> None:
    """Let a process that loads data outlast a signal; a ``worker_init_fn``.

    Clusters and terminals tell these processes, too. They work on for the
    iteration that is to be saved, and end with the process they load for.
    torch gives each of them handlers that end it at once, just before it
    calls this: what was set when they were started does not last.

    Args:
        then: what else is to be done at their start.
        worker_id: which of the loader's processes this is.
    """
    numbers = heard()
    for number in numbers:
        signal.signal(number, _work_on)
    if hasattr(signal, 'sigwaitinfo'):
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        threading.Thread(
            target=_end_as_told, args=(numbers,), daemon=True
        ).start()
    if then is not None:
        then(worker_id)


def _end_as_told(numbers: list[int]) -> None:
    """End at once when the process they load for says so, else later."""
    told = signal.sigwaitinfo(numbers)
    end = time.monotonic() + PATIENCE
    # Not always the parent: a fork server is between the two.
    master = multiprocessing.parent_process()
    pid = master.pid if master is not None else os.getppid()
    while told and told.si_pid != pid:
        left = max(end - time.monotonic(), 0)
        told = signal.sigtimedwait(numbers, left)
    os._exit(0)


def _work_on(number: int, frame=None) -> None:
    """Where nobody can tell who sent the signal."""
    if hasattr(signal, 'alarm'):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
