"""Run the cells of a comparison, several at a time."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import torch

from mmsemi.engine.interruption import WISHES, Interrupted
from mmsemi.io.files import describe, read_json, write_json
from mmsemi.io.lock import LOCK, FolderLock, InUse
from mmsemi.report.comparison import FAILED, LOG, MEASURED
from mmsemi.report.tables import SUMMARY
from mmsemi.utils.errors import UsageError, WriteError
from mmsemi.utils.progress import format_seconds

from .compare_cells import Cell
from .compare_failures import last_sentence, logged
from .parent import PATIENCE
from .run_record import RECORD

# A command that is killed cannot end its children.
_END = 'from mmsemi.apis.parent import end_with_parent; end_with_parent(); '
PROGRAM = [sys.executable, '-c', _END + 'from mmsemi.cli import main; main()']
MEASURE = [
    sys.executable,
    '-c',
    _END + 'import sys; from mmsemi.apis.compare_measure import main; '
    'main(sys.argv[1])',
]
ENDS = [number for number in WISHES if number != signal.SIGINT]


def is_trained(cell: Cell) -> bool:
    """Whether a run is over, with all its files."""
    summary = read_json(cell.run / SUMMARY)
    record = read_json(cell.run / RECORD)
    return bool(summary.get('finished') and record.get('finished'))


def is_done(cell: Cell) -> bool:
    """Whether nothing is left to do for a cell."""
    return is_trained(cell) and (cell.folder / MEASURED).is_file()


class CellRunner:
    """Children that train and measure cells, at most some at once.

    Args:
        jobs: how many.
        check: raises ``UsageError`` where a cell is not to be run after all;
            no other command runs it then.
    """

    def __init__(
        self, jobs: int, check: Callable[[Cell], None] = lambda cell: None
    ) -> None:
        if jobs < 1:
            raise UsageError(f'--jobs must be at least 1, got {jobs}')
        self.jobs, self.check = jobs, check
        self.lock = threading.Lock()
        self.children: dict[int, subprocess.Popen] = {}
        self.slots = list(range(jobs))
        self.stopped = False
        self.failures = 0

    def run(self, cells: Sequence[Cell]) -> None:
        """Run what is not done; a failure is kept in ``failed.json``.

        Raises:
            Interrupted: after SIGTERM or Ctrl-C, when all children have
                saved their state and ended.
        """
        missing = [cell for cell in cells if not is_done(cell)]
        if len(missing) < len(cells):
            print(f'{len(cells) - len(missing)} of {len(cells)} are there')
        self.total, self.count = len(missing), 0
        with one_exit() as signals, ThreadPoolExecutor(self.jobs) as pool:
            try:
                futures = [pool.submit(self._cell, cell) for cell in missing]
                for future in futures:
                    future.result()
            except KeyboardInterrupt:
                self._stop()
                number = signals[0] if signals else signal.SIGINT
                stopped = Interrupted(number)
                stopped.advice = 'the same command goes on from here'
                raise stopped from None

    def _cell(self, cell: Cell) -> None:
        """Train and measure a cell, in a thread of the pool."""
        with self.lock:
            if self.stopped:
                return
            slot = self.slots.pop(0)
        start, problem, busy = time.perf_counter(), None, True
        try:
            cell.folder.mkdir(parents=True, exist_ok=True)
            # Two commands may share a folder; a cell is run by one of them.
            with (
                FolderLock(cell.folder, '--out'),
                open(cell.folder / LOG, 'ab') as log,
            ):
                self._wait_for(cell.run)
                busy = False
                self.check(cell)
                (cell.folder / FAILED).unlink(missing_ok=True)
                if not is_trained(cell):
                    # Of a run that is not there any more.
                    (cell.folder / MEASURED).unlink(missing_ok=True)
                    problem = self._child([*PROGRAM, *cell.words()], slot, log)
                if problem is None and not is_done(cell):
                    problem = self._child(
                        [*MEASURE, str(cell.folder)], slot, log
                    )
        except UsageError as error:
            problem = str(error)
            busy = busy and isinstance(error, InUse)
        except OSError as error:
            problem, busy = describe(error, str(cell.folder)), False
        except Exception as error:  # a mistake of ours costs no other cell
            problem, busy = logged(cell.folder / LOG, error), False
        finally:
            with self.lock:
                self.slots.append(slot)
        if not self.stopped:
            self._tell(cell, problem, time.perf_counter() - start, busy)

    def _wait_for(self, run: Path) -> None:
        """Wait for a run that a command, which was killed, left behind.

        Raises:
            InUse: if it does not end; somebody has started it apart.
        """
        end = time.monotonic() + PATIENCE + 10
        while (run / LOCK).is_file():
            try:
                return FolderLock(run).release()
            except InUse:
                if self.stopped or time.monotonic() > end:
                    raise
            time.sleep(0.5)

    def _child(
        self, words: Sequence[str], slot: int, log: IO[bytes]
    ) -> str | None:
        """Run a command; its last sentence if it failed."""
        before = os.fstat(log.fileno()).st_size  # what earlier ones said
        with self.lock:
            if self.stopped:
                return 'stopped'
            child = subprocess.Popen(
                words,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.PIPE,
                env=environment(self.jobs, slot),
                # Ctrl-C is passed on by this process, once.
                start_new_session=True,
            )
            self.children[child.pid] = child
        with child:  # its standard input stays open until it ends
            code = child.wait()
        with self.lock:
            del self.children[child.pid]
        if code == 0:
            return None
        return last_sentence(Path(log.name), code, before)

    def _tell(
        self, cell: Cell, problem: str | None, seconds: float, busy: bool
    ) -> None:
        with self.lock:
            self.count += 1
            if busy:  # its folder says what the other command makes of it
                words = f'left alone: {problem}'
            elif problem:
                try:
                    write_json(cell.folder, FAILED, dict(problem=problem))
                except WriteError:  # then this command is all that says it
                    pass
                self.failures += 1
                words = f'failed: {problem}'
            else:
                value = read_json(cell.run / SUMMARY).get('last_miou')
                words = 'done' if value is None else f'mIoU {value:.1f}'
                words += f' ({format_seconds(seconds)})'
            print(
                f'[{self.count}/{self.total}] {cell.title}: {words}',
                flush=True,
            )

    def _stop(self) -> None:
        """Ask all children to save and end; kill those that do not.

        Who asks a second time does not want to wait.
        """
        self.stopped = True
        end = time.monotonic() + PATIENCE
        try:
            with self.lock:  # none is being started
                children = list(self.children.values())
            for child in children:
                child.terminate()
            for child in children:
                child.wait(max(0.1, end - time.monotonic()))
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            with self.lock:
                children = list(self.children.values())
            for child in children:
                kill(child)


def kill(child: subprocess.Popen) -> None:
    """End a child at once, with all that it has started."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)


def environment(jobs: int, slot: int) -> dict[str, str]:
    """Environment of a child: its share of threads, its GPU of several.

    Args:
        jobs: how many children there are at once.
        slot: which of them this is, from 0.
    """
    found = dict(os.environ)
    threads = max(1, torch.get_num_threads() // jobs)
    found['OMP_NUM_THREADS'] = str(threads)
    found['PYTHONUNBUFFERED'] = '1'
    number = torch.cuda.device_count()
    if number > 1:
        given = found.get('CUDA_VISIBLE_DEVICES')
        names = given.split(',') if given else list(map(str, range(number)))
        found['CUDA_VISIBLE_DEVICES'] = names[slot % number]
    return found


@contextmanager
def one_exit():
    """Let SIGTERM end this process as Ctrl-C does; yields what came.

    So does a terminal that is closed, as children have none of their own to
    hear it from; not under nohup.
    """
    seen: list[int] = []

    def stop(number, frame) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield seen
        return
    before = {
        number: signal.signal(number, stop)
        for number in ENDS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
